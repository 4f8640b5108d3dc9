"""Versions of a model in a folder, one of which serves.

:class:`Registry` adds, promotes, rolls back and prunes.
"""

from automl.exceptions import RegistryError, RegistryLockedError, RegistryWriteError
from automl.registry._registry import Registry, is_registry
from automl.registry._version import Version

__all__ = [
    "Registry",
    "RegistryError",
    "RegistryLockedError",
    "RegistryWriteError",
    "Version",
    "is_registry",
]
