"""AutoML for structured data.

Importing the package is cheap: scikit-learn and the boosters load on first use, so that
``automl --help`` does not pay for them.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl._load import load
    from automl.model import AutoClassifier, AutoModel, AutoRegressor
    from automl.retrain import Retrain

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = ["AutoClassifier", "AutoModel", "AutoRegressor", "Retrain", "__version__", "load"]

_HOMES = {"Retrain": "automl.retrain", "load": "automl._load"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "automl.model")), name)
    raise AttributeError(f"module 'automl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
