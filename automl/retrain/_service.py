"""Where the champion comes from, and where the challenger goes to."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from automl.artifact import describe, dump_bytes
from automl.ensemble import Predictor
from automl.exceptions import RegistryError, UsageError
from automl.registry import Registry, Version, is_registry, read_model
from automl.retrain._champion import Champion

logger = logging.getLogger("automl.retrain")

OWNER = "automl retrain"
MODEL = "model.automl"


def registry_for(champion: Any, out: str | Path | None) -> Registry:
    """Open the registry of a retraining; make it if there is none.

    Parameters
    ----------
    champion : object
        A path of a model, a run or a registry, or a fitted model.
    out : str or Path, optional
        The champion's own registry by default.

    Raises
    ------
    UsageError
        If there is none to write to.
    """
    if out is not None:
        if not is_registry(Path(out).expanduser()):
            _content(champion)  # before a folder is made for it
        return Registry.open(out, create=True)
    if isinstance(champion, str | Path) and is_registry(Path(champion).expanduser()):
        return Registry.open(champion)
    raise UsageError(
        "There is no registry to write to: the champion is not one, so name one (out)."
    )


def champion_in(registry: Registry, given: Any, metric: Any) -> Champion:
    """Find the champion; the first one of a new registry becomes its version 1.

    Parameters
    ----------
    registry : Registry
        Held by the job.
    given : object
        As in `registry_for`.
    metric : object
        What was declared instead of the champion's own, or None.

    Raises
    ------
    UsageError
        If another model serves from the registry than the one given.
    """
    content, name = _content(given)
    version = registry.current
    if version is None:
        source = {"source": name, "parent": None}
        version = registry.add(content, source)
        registry.promote(version.number, reason="the first champion")
    elif version.files[MODEL]["sha256"] != hashlib.sha256(content).hexdigest():
        raise UsageError(
            f"In the registry {registry.path} version {version.number} serves, which is another "
            f"model than {name}. Name the registry as the champion, or another registry (out)."
        )
    earlier = tuple(_manifests(reversed(registry.versions())))
    name = f"version {version.number} of {registry.path}"
    return Champion.read(content, name, metric=metric, version=version, earlier=earlier)


def _manifests(versions: Iterable[Version]) -> Iterator[Mapping[str, Any]]:
    """What is known of versions; old ones may be damaged, which hurts no job."""
    for version in versions:
        try:
            yield version.manifest
        except (RegistryError, OSError, ValueError) as error:
            logger.warning("%s", error)


def saved(predictor: Predictor, manifest: Mapping[str, Any]) -> bytes:
    """A model as the bytes of its file."""
    return dump_bytes(predictor, manifest)


def _content(given: Any) -> tuple[bytes, str]:
    if isinstance(given, str | Path):
        return read_model(given), str(given)
    predictor = getattr(given, "_predictor", None)
    if predictor is None:
        raise UsageError(
            f"{given!r} is no champion: give the path of a model, a run or a registry, or a "
            "fitted model."
        )
    return dump_bytes(predictor, describe(predictor, given._facts)), "the fitted model"
