"""One version of a model in a registry: read, and checked when it is read."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.exceptions import ArtifactError, RegistryError

if TYPE_CHECKING:
    from automl.model import AutoModel

MODEL = "model.automl"
MANIFEST = "manifest.json"


class Version:
    """A model in a registry, with what is known of where it comes from.

    Parameters
    ----------
    path : Path
        Its folder.
    number : int
    digest : str
        SHA-256 of its manifest, as the registry lists it.

    Attributes
    ----------
    manifest : dict
        ``created``, ``owner``, ``parent``, ``lineage``, ``decision``, ``surroundings``, ``model``
        and ``files``.
    """

    def __init__(self, path: Path, number: int, digest: str) -> None:
        self.path = path
        self.number = number
        self._digest = digest

    def __repr__(self) -> str:
        return f"Version({self.number}, {str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Path, int, str]:
        return self.path, self.number, self._digest

    @property
    def model_path(self) -> Path:
        """The saved model."""
        return self.path / MODEL

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What is known of the version.

        Raises
        ------
        RegistryError
            If its manifest is missing or was changed.
        """
        try:
            content = (self.path / MANIFEST).read_bytes()
        except OSError as e:
            raise RegistryError(self._damaged(f"{MANIFEST} can't be read, {e.strerror}")) from e
        if hashlib.sha256(content).hexdigest() != self._digest:
            raise RegistryError(self._damaged(f"{MANIFEST} was changed after it was written"))
        found = json.loads(content)
        assert isinstance(found, dict)
        return found

    @property
    def created(self) -> str:
        """When it was added, in UTC."""
        return str(self.manifest["created"])

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Its files with their ``bytes`` and ``sha256``."""
        return dict(self.manifest["files"])

    def read(self, name: str = MODEL) -> bytes:
        """Return the bytes of one of its files, checked.

        Parameters
        ----------
        name : str, default="model.automl"

        Returns
        -------
        bytes

        Raises
        ------
        ArtifactError
            If the file is missing or was changed after it was added.
        """
        if name not in self.files:
            raise ArtifactError(
                f"Version {self.number} has no file {name!r}; it has {', '.join(self.files)}."
            )
        try:
            content = (self.path / name).read_bytes()
        except OSError as e:
            raise ArtifactError(self._damaged(f"{name} can't be read, {e.strerror}")) from e
        if hashlib.sha256(content).hexdigest() != self.files[name]["sha256"]:
            raise ArtifactError(self._damaged(f"{name} was changed after it was added"))
        return content

    def load(self) -> "AutoModel":
        """Return the model, fitted, as :func:`automl.load` does."""
        from automl import load

        self.read()
        return load(self.model_path)

    def _damaged(self, what: str) -> str:
        registry = self.path.parent.parent
        return (
            f"Version {self.number} of the registry {registry} is damaged: {what}. If it is the "
            f"one that serves, go back to the one before: automl models rollback {registry}"
        )
