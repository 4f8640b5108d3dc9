"""Batch jobs: is new data as it should be, is a new model better, then let it serve.

:class:`Retrain` declares such a job and runs it. Nothing here searches by itself: models come
from the same engine as in ``automl fit``.
"""

from automl.retrain._result import RetrainResult
from automl.retrain._rules import Finding
from automl.retrain._settings import Retrain

__all__ = ["Finding", "Retrain", "RetrainResult"]
