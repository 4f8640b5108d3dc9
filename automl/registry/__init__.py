"""Versions of a model in a folder, one of which serves.

:class:`Registry` adds, promotes, rolls back and prunes; :func:`read_model` is how predictions
find the version that serves.
"""

from automl.exceptions import RegistryError, RegistryLockedError, RegistryWriteError
from automl.registry._compare import compare
from automl.registry._registry import Registry, is_registry
from automl.registry._serve import find_model, read_model
from automl.registry._version import Version

__all__ = [
    "Registry",
    "RegistryError",
    "RegistryLockedError",
    "RegistryWriteError",
    "Version",
    "compare",
    "find_model",
    "is_registry",
    "read_model",
]
