"""The estimators: scikit-learn's contract over the rooms of the package."""

import logging
import math
import numbers
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from automl._interrupt import Interruption, interruptible
from automl._spec import FitResult, FitSpec
from automl._weights import name_of_weights
from automl.artifact import describe, dump_bytes, write_bytes
from automl.compute import resolve_n_jobs
from automl.exceptions import UsageError
from automl.table import to_frame

if TYPE_CHECKING:
    from automl._fit import Observer

logger = logging.getLogger("automl")


class AutoModel(BaseEstimator):
    """Find a good model for a table, inside a budget.

    Parameters
    ----------
    metric : str or callable, default="auto"
        The measure of success: an everyday name (``roc_auc``, ``log_loss``, ``rmse``, ``mae``,
        ``f1``, ``accuracy``, ...), a scikit-learn scorer name or scorer, or a function
        ``f(y_true, y_pred)``. By default ``roc_auc`` for two classes, ``log_loss`` for more,
        ``rmse`` for regression.
    time_budget : float or str, default=60
        Seconds that ``fit`` may take in all, or ``"10m"``, ``"1h"``; ``None`` for no limit.
    max_trials : int, optional
        Configurations to try at most. With ``time_budget=None`` two fits with the same
        `random_state` and `n_jobs` predict the same to the bit.
    task : {"auto", "binary", "multiclass", "regression"}, default="auto"
    families : "auto" or sequence of str, default="auto"
        Model families to try.
    ensemble : bool, default=True
        Whether a weighted ensemble may win.
    cv : "auto", int, splitter or iterable, default="auto"
        How to validate; by default from the task, the size and the budget.
    n_jobs : int, default=-1
        Cores to use; -1 for all that this process was granted.
    device : {"auto", "cpu", "cuda", "cuda:N"}, default="auto"
    random_state : int, RandomState or None, default=None
    run_dir : str or Path, optional
        Folder that keeps the run: journal, events, out-of-fold predictions, model. A temporary
        one by default.
    verbose : int, default=0
        1 shows progress on standard error.
    positive_label : object, optional
        The class that metrics such as ``f1`` are about; the last of ``classes_`` by default.
    types : mapping of str to str, optional
        Roles of columns that should not be guessed, such as ``{"zip": "categorical"}``.
    memory : int or str, optional
        What this process and its workers may use together: bytes, or ``"4g"``. By default what
        is free, or what the container or the process limits allow.
    configurations : sequence of mapping, or path of a JSON file, optional
        Configurations, each with ``family`` and ``params``: these are tried, and nothing else.
    text_encoder : {"ngrams", "sentences"}, default="ngrams"
        What columns of texts are read by: words and n-grams of characters, or vectors of
        sentences beside them, for which ``automl[text]`` must be installed.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; classification only.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only where all column names are strings.
    leaderboard_ : DataFrame
        Every trial, the winner first.
    score_ : float
        Cross-validated score of the winner, in the metric's own sign, corrected for choosing
        the winner on the same rows.
    score_interval_ : tuple of float
        95 % interval of it.
    best_params_ : dict
        Family and parameters of the winner's strongest member.
    winner_ : str
        Its name on the leaderboard.

    Examples
    --------
    >>> import numpy as np
    >>> from automl import AutoModel
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 3))
    >>> y = X[:, 0] > 0
    >>> model = AutoModel(time_budget=None, max_trials=1, families=["linear"], random_state=0)
    >>> model.fit(X, y).predict(X[:2]).shape
    (2,)
    """

    def __init__(
        self,
        metric: Any = "auto",
        time_budget: float | str | None = 60,
        max_trials: int | None = None,
        task: str = "auto",
        families: str | Sequence[str] = "auto",
        ensemble: bool = True,
        cv: Any = "auto",
        n_jobs: int | None = -1,
        device: str = "auto",
        random_state: Any = None,
        run_dir: str | Path | None = None,
        verbose: int = 0,
        positive_label: Any = None,
        types: Mapping[str, str] | None = None,
        memory: int | str | None = None,
        configurations: Any = None,
        text_encoder: str = "ngrams",
    ) -> None:
        self.metric = metric
        self.time_budget = time_budget
        self.max_trials = max_trials
        self.task = task
        self.families = families
        self.ensemble = ensemble
        self.cv = cv
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.run_dir = run_dir
        self.verbose = verbose
        self.positive_label = positive_label
        self.types = types
        self.memory = memory
        self.configurations = configurations
        self.text_encoder = text_encoder

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search for a model.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            pandas, polars, pyarrow or numpy.
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
            Zero or above. The name of a Series is remembered, as that of `y` is: a retraining
            looks for the weights of new rows in the column of that name.
        groups : array-like of shape (n_rows,), optional
            Rows of a group are never split between training and validation.

        Returns
        -------
        self

        Raises
        ------
        DataError, UsageError
            If the data or a parameter can't be used; both are also ``ValueError``.
        NoModelError
            If no trial beyond the constant baseline finished.

        Notes
        -----
        Ctrl-C ends the search; the model is then the best so far. A second one raises
        ``KeyboardInterrupt``.
        """
        started = time.monotonic()
        from automl._fit import fit_table  # brings Optuna, which prediction does without

        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        frame = to_frame(X)
        check_consistent_length(frame, y)
        if sample_weight is not None:
            checked = _check_sample_weight(sample_weight, frame, dtype=np.float64)
            sample_weight = pd.Series(checked, name=name_of_weights(sample_weight))
        with Interruption() as interruption, interruptible(interruption):
            result = fit_table(
                frame,
                y,
                self._spec(),
                sample_weight=sample_weight,
                groups=groups,
                started=started,
                observers=self._observers(),
                interrupted=interruption,
            )
        if interruption():
            logger.warning("The search was interrupted; the model is the best so far.")
        self._set_columns(X, frame)
        return self._take(result)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels or values.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)

        Raises
        ------
        SchemaError
            If a column is missing or holds a value of the wrong type.
        """
        check_is_fitted(self)
        return self._predictor.decide(self._raw(X))

    @available_if(lambda self: self._has_probabilities())
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.

        Raises
        ------
        AttributeError
            For regression.
        """
        check_is_fitted(self)
        return self._predictor.probabilities(self._raw(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score on new rows by the declared metric, turned so that greater is better.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional

        Returns
        -------
        float
            Scikit-learn's sense: an error is negative.
        """
        check_is_fitted(self)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=np.float64)
        codes = self._predictor.target.encode(y)
        value = self._predictor.score(self._metric, codes, self._raw(X), sample_weight)
        return value if self._metric.greater_is_better else -value

    def save(self, path: str | Path) -> Path:
        """Write the model into one file, for :func:`automl.load` and ``automl predict``.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Path
        """
        check_is_fitted(self)
        write_bytes(
            dump_bytes(self._predictor, describe(self._predictor, self._facts)), Path(path)
        )
        return Path(path)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_predictor")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def _declared_task(self) -> str:
        return self.task

    def _has_probabilities(self) -> bool:
        if hasattr(self, "_predictor"):
            return self._predictor.target.classes is not None
        return self._declared_task() != "regression"

    def _spec(self) -> FitSpec:
        return FitSpec(
            metric=self.metric,
            time_budget=self.time_budget,
            max_trials=self.max_trials,
            task=self._declared_task(),
            families=self.families,
            ensemble=self.ensemble,
            cv=self.cv,
            n_jobs=self.n_jobs,
            device=self.device,
            seed=_seed(self.random_state),
            run_dir=self.run_dir,
            positive_label=self.positive_label,
            types=dict(self.types or {}),
            memory=self.memory,
            configurations=self.configurations,
            text_encoder=self.text_encoder,
        )

    def _observers(self) -> "list[Observer]":
        if not self.verbose:
            return []
        from automl.report import progress_for

        return [progress_for(self.time_budget)]

    def _set_columns(self, X: Any, frame: pd.DataFrame) -> None:
        self.n_features_in_ = frame.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        names = getattr(X, "column_names", getattr(X, "columns", None))
        if names is not None and all(isinstance(n, str) for n in names):
            self.feature_names_in_ = np.asarray(list(names), dtype=object)

    def _take(self, result: FitResult) -> Self:
        self._predictor = result.predictor
        self._metric = result.metric
        self._facts = {
            k: v
            for k, v in result.manifest.items()
            if k not in ("format", "schema", "target", "encoders", "members", "files")
        }
        self.leaderboard_ = pd.DataFrame(result.leaderboard)
        self.score_ = float(result.summary["score"])
        interval = result.summary["score_interval"]
        self.score_interval_ = (math.nan, math.nan) if interval is None else tuple(interval)
        self.winner_ = str(result.summary["winner"])
        strongest = max(result.predictor.members, key=lambda m: m.weight)
        self.best_params_ = {"family": strongest.family, **strongest.params}
        self.__dict__.pop("classes_", None)
        if result.predictor.target.classes is not None:
            self.classes_ = result.predictor.target.classes
        return self

    def _raw(self, X: Any) -> np.ndarray:
        n_threads = resolve_n_jobs(self.n_jobs)
        return self._predictor.predict_raw(X, n_threads=n_threads, estimator=type(self).__name__)


class AutoClassifier(ClassifierMixin, AutoModel):
    """:class:`AutoModel` for classification; a classifier in scikit-learn's eyes.

    Parameters are those of :class:`AutoModel`; ``task`` may stay ``"auto"``.
    """

    score = AutoModel.score  # by the declared metric, which the mixin does not know

    def _declared_task(self) -> str:
        if self.task == "regression":
            raise UsageError("AutoClassifier can't be used for task='regression'.")
        return "classification" if self.task == "auto" else self.task


class AutoRegressor(RegressorMixin, AutoModel):
    """:class:`AutoModel` for regression; a regressor in scikit-learn's eyes.

    Parameters are those of :class:`AutoModel`; ``task`` may stay ``"auto"``.
    """

    score = AutoModel.score  # by the declared metric, which the mixin does not know

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # "poor" is against an R2 of 0.5; `score` is the declared metric, such as -rmse
        tags.regressor_tags.poor_score = True
        return tags

    def _declared_task(self) -> str:
        if self.task not in ("auto", "regression"):
            raise UsageError(f"AutoRegressor can't be used for task={self.task!r}.")
        return "regression"


def _seed(random_state: Any) -> int:
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(0, 2**31 - 1))
