"""Writing a saved model."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from automl import __version__
from automl.artifact._format import DIGEST, FORMAT, MANIFEST
from automl.ensemble import Predictor
from automl.exceptions import AutoMLError
from automl.families import get_family
from automl.features import TextEncoder

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""When each file of an archive was changed: the same model gives the same bytes."""

LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn")
"""Their versions are always noted, beside those of the families in the model."""


class SaveError(AutoMLError, OSError):
    """A model can't be written where it was asked for."""

    code = "save"


def describe(predictor: Predictor, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make the manifest of a saved model.

    Parameters
    ----------
    predictor : Predictor
    facts : mapping
        JSON values that go into the manifest: metric, score, interval, seed, configuration.

    Returns
    -------
    dict
        JSON values.
    """
    members = [
        {
            "name": member.name,
            "family": member.family,
            "encoding": member.encoding,
            "params": dict(member.params),
            "weight": member.weight,
            "models": [
                {name: _path(i, j, name) for name in files} for j, files in enumerate(member.files)
            ],
        }
        | ({"folds": list(member.folds)} if predictor.encoders[member.encoding].texts.told else {})
        for i, member in enumerate(predictor.members)
    ]
    used = {m.encoding for m in predictor.members}
    return {
        "format": FORMAT,
        "automl": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(predictor),
        **facts,
        "schema": predictor.schema.to_dict(),
        "target": predictor.target.to_dict(),
        "encoders": {k: e.to_dict() for k, e in predictor.encoders.items() if k in used},
        **_texts(predictor),
        "members": members,
        "calibration": None if predictor.calibration is None else asdict(predictor.calibration),
        "decision": None if predictor.decision is None else list(predictor.decision.weights),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in _files(predictor).items()
        },
    }


def dump_bytes(predictor: Predictor, manifest: Mapping[str, Any]) -> bytes:
    """Write a predictor with its manifest as the bytes of a saved model.

    Parameters
    ----------
    predictor : Predictor
    manifest : mapping
        What :func:`describe` made.

    Returns
    -------
    bytes
    """
    return _zip(json.dumps(manifest, indent=1).encode(), _files(predictor))


def write_bytes(content: bytes, path: Path) -> None:
    """Put a saved model in place whole or not at all.

    Raises
    ------
    SaveError
        If the folder is missing, not writable, or the disk is full; nothing is left behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise SaveError(f"The model can't be written to {path}: {e.strerror or e}.") from e


def _path(member: int, model: int, name: str) -> str:
    return f"members/{member}/{model}/{name}"


def _texts(predictor: Predictor) -> dict[str, Any]:
    """The columns of texts of each encoding that has some, with the file of their arrays."""
    found = {
        m.encoding: {"file": _text_file(texts), **texts.to_dict()}
        for m in predictor.members
        if (texts := predictor.encoders[m.encoding].texts).columns
    }
    return {"texts": found} if found else {}


def _text_file(texts: TextEncoder) -> str:
    """A name after what it holds, which encodings have in common."""
    return f"texts/{hashlib.sha256(texts.content).hexdigest()[:16]}.npz"


def _files(predictor: Predictor) -> dict[str, bytes]:
    used = [predictor.encoders[m.encoding].texts for m in predictor.members]
    return {_text_file(texts): texts.content for texts in used if texts.columns} | {
        _path(i, j, name): content
        for i, member in enumerate(predictor.members)
        for j, files in enumerate(member.files)
        for name, content in files.items()
    }


def _zip(manifest: bytes, files: Mapping[str, bytes]) -> bytes:
    """The bytes of an archive, the same whenever it is written."""
    own = {MANIFEST: manifest, DIGEST: hashlib.sha256(manifest).hexdigest().encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**own, **files}.items():
            packed = name.endswith(".npz")  # compressed inside
            kind = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content, kind, compresslevel=1)
    return buffer.getvalue()


def _versions(predictor: Predictor) -> dict[str, str]:
    found = {}
    families = [get_family(member.family) for member in predictor.members]
    texts = [predictor.encoders[member.encoding].texts for member in predictor.members]
    packages = [model.package for found in texts for model in found.models]
    own = [name for family in families for name in family.libraries]
    for name in dict.fromkeys([*LIBRARIES, *own, *packages]):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
