"""Errors that a user can cause or must know about.

Each class says when it is raised, carries the exit code of the command line and the short
``code`` that ``--json`` prints, and also inherits the fitting builtin, so that
``except ValueError`` works as scikit-learn users expect.
"""


class AutoMLError(Exception):
    """Base of every error that the package raises on purpose."""

    code = "internal"
    exit_code = 1


class UsageError(AutoMLError, ValueError):
    """An option or parameter has a value that is not allowed."""

    code = "usage"
    exit_code = 2


class MissingDependencyError(AutoMLError, ImportError):
    """An optional library is needed for what was asked and is not installed."""

    code = "missing_dependency"
    exit_code = 2


class DataError(AutoMLError, ValueError):
    """The table or the target can't be used: unreadable, empty, one class only, ..."""

    code = "data"
    exit_code = 3


class SchemaError(DataError):
    """A table at prediction does not fit the schema that was learned at fit."""

    code = "schema"


class ArtifactError(DataError):
    """A saved model is damaged, tampered with, or of a newer format."""

    code = "artifact"


class RegistryError(DataError):
    """A registry of models is damaged, or of a newer format."""

    code = "registry"


class RegistryWriteError(AutoMLError, OSError):
    """A registry can't be written: no room, no permission. What it held, it still holds."""

    code = "save"


class RegistryLockedError(AutoMLError, TimeoutError):
    """Another job has the registry, and did not end in the time that was given."""

    code = "locked"
    exit_code = 6


class NoModelError(AutoMLError, RuntimeError):
    """No trial beyond the constant baseline finished.

    Attributes
    ----------
    n_failed : int
        Trials that failed; 0 where there was no time for any.
    """

    n_failed = 0
    code = "no_model"
    exit_code = 4


class ScoreTooLowError(AutoMLError, RuntimeError):
    """The model was trained and kept, but its score does not reach the declared minimum."""

    code = "score_too_low"
    exit_code = 5
