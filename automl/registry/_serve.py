"""How a prediction finds its model: in a file, in the folder of a run, or in a registry."""

from pathlib import Path

from automl.exceptions import ArtifactError, RegistryError, UsageError
from automl.registry._registry import Registry, is_registry
from automl.registry._version import Version


def read_model(path: str | Path) -> bytes:
    """The bytes of a saved model.

    Parameters
    ----------
    path : str or Path
        The model, the folder of its run, or a registry, which stands for the version that serves.

    Returns
    -------
    bytes

    Raises
    ------
    ArtifactError, RegistryError
        If there is no model, or the registry's is not what was added.
    """
    path = Path(path).expanduser()
    if not is_registry(path):
        from automl.artifact import read_path  # slow to import, and `automl models` needs none

        return read_path(path)
    registry = Registry.open(path)
    version = _serving(registry)
    while True:
        try:
            return version.read()
        except (ArtifactError, RegistryError):
            # It may have been replaced and deleted since: then another one serves by now.
            now = _serving(registry)
            if now == version:
                raise
            version = now


def find_model(path: str | Path) -> Path:
    """The file of a saved model, for a path as :func:`read_model` takes it."""
    path = Path(path).expanduser().resolve()
    if is_registry(path):
        return _serving(Registry.open(path)).model_path
    return path / "model.automl" if path.is_dir() else path


def _serving(registry: Registry) -> Version:
    version = registry.current
    if version is None:
        raise UsageError(
            f"No version of the registry {registry.path} serves yet; there are "
            f"{len(registry.versions())}: automl models promote {registry.path} VERSION"
        )
    return version
