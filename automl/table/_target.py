"""The target: which task it poses, and its labels as codes and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.exceptions import ArtifactError, DataError, UsageError
from automl.table._blocks import count_distinct
from automl.table._labels import Labels
from automl.table._messages import close_match, counted, listed, shown
from automl.table._values import canonical, comes_as, has_zeros_in_front, numbers

TASKS = ("auto", "classification", "binary", "multiclass", "regression")
# Integers with few values are class numbers more often than amounts; what is few depends on
# the rows: in a large table at most 20, in a small one 10 with 4 rows each.
_MAX_CLASSES, _MAX_SHARE = 20, 0.05
_SMALL_TABLE, _SMALL_CLASSES, _ROWS_PER_CLASS = 200, 10, 4
_HEAD = 1000
_AMOUNTS = ("regression", "numbers with decimals are amounts")
_LABEL_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_DTYPES: dict[str, Any] = {"str": object, "int": np.int64, "float": np.float64, "bool": np.bool_}


def infer_task(y: Any, task: str = "auto") -> tuple[str, str]:
    """Tell which task a target poses, and why.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The target.
    task : str, default="auto"
        ``"auto"``, or what the caller declares: ``"classification"``, ``"binary"``,
        ``"multiclass"`` or ``"regression"``.

    Returns
    -------
    task : str
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    reason : str
        Why, in one sentence.

    Raises
    ------
    UsageError
        If the task is none of these.
    DataError
        If the target does not fit the declared task, or can't be learned at all.

    Examples
    --------
    >>> infer_task([0, 1, 2] * 50)
    ('multiclass', '3 distinct integers in 150 rows: each is taken for a class; declare the task
     regression if they are amounts')
    >>> infer_task(["yes", "no", "no", "yes"])[0], infer_task([1.5, 2.0, 3.25])[0]
    ('binary', 'regression')
    """
    task, reason, _ = _decide(Labels.read(y, "y"), task, "y")
    return task, reason


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted.

    Parameters
    ----------
    task : str
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    name : str
        Name of the target column, for messages.
    classes : numpy.ndarray or None
        The labels as they were given, sorted; None for regression.

    Examples
    --------
    >>> target, codes, reason = Target.fit(["no", "yes", "no", "yes"], name="paid")
    >>> target.task, target.classes.tolist(), codes.tolist(), reason
    ('binary', ['no', 'yes'], [0, 1, 0, 1], '2 distinct labels')
    >>> target.decode(np.array([1, 0])).tolist()
    ['yes', 'no']
    >>> target.encode(["yes", "perhaps"])
    Traceback (most recent call last):
    ...
    automl.exceptions.DataError: The target 'paid' has the unknown label 'perhaps' in row 1
    (counting from 0); the labels seen at fit are 'no', 'yes'.
    """

    task: str
    name: str
    classes: np.ndarray | None

    @classmethod
    def fit(
        cls, y: Any, *, task: str = "auto", name: str = "target"
    ) -> tuple["Target", np.ndarray, str]:
        """Decide the task and encode the target.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            The target; nothing in it may be missing.
        task : str, default="auto"
            See `infer_task`.
        name : str, default="target"
            Name for messages.

        Returns
        -------
        target : Target
        encoded : numpy.ndarray
            int64 codes of the classes, or float64 values for regression.
        reason : str
            Why it is this task.

        Raises
        ------
        DataError
            If values are missing or infinite, there is one class only, too few rows have the
            same class, or the target does not fit the declared task.
        """
        labels = Labels.read(y, name)
        task, reason, values = _decide(labels, task, name)
        if task == "regression":
            return cls(task, name, None), values, reason
        classes, codes = _classes(labels)
        return cls(task, name, classes), codes, reason

    def encode(self, y: Any) -> np.ndarray:
        """Return labels as codes, or regression values as floats.

        Labels are known by their value in whatever type they come: 1, 1.0 and "1" are the same.

        Raises
        ------
        DataError
            If a label was not seen at fit, or a value is missing or infinite.
        """
        labels = Labels.read(y, self.name)
        if self.classes is None:
            return _amounts(labels, self.name)
        codes, values = labels.distinct
        table = _lookup(self.classes.tolist(), values.tolist())
        unknown = table < 0
        if unknown.any():
            first = int(unknown.argmax())
            row = int((codes == first).argmax())
            label = shown(values.tolist()[first])
            raise DataError(
                f"The target {self.name!r} has the unknown label {label} in "
                f"row {row} (counting from 0); the labels seen at fit are "
                f"{listed(self.classes.tolist(), 10)}."
            )
        known: np.ndarray = table[codes]
        return known

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the labels of class codes; regression values come back as they are."""
        if self.classes is None:
            return np.asarray(codes, dtype=np.float64)
        labels: np.ndarray = self.classes[np.asarray(codes)]
        return labels

    @property
    def literal(self) -> bool:
        """Whether a file's cells must be read as texts, or some class would be another."""
        labels = [] if self.classes is None else self.classes.tolist()
        return any(isinstance(label, str) and comes_as(label) != label for label in labels)

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain values that JSON can hold; labels keep their type."""
        state: dict[str, Any] = {"task": self.task, "name": self.name}
        if self.classes is not None:
            labels = self.classes.tolist()
            state |= {"label_type": type(labels[0]).__name__, "classes": labels}
        return state

    @classmethod
    def from_dict(cls, state: Any) -> "Target":
        """Return the target that `to_dict` wrote.

        Raises
        ------
        ArtifactError
            If the values are not those of a target.
        """
        if not isinstance(state, Mapping) or not isinstance(state.get("name"), str):
            raise ArtifactError(f"The saved target has no name: {shown(state)}.")
        task, labels, kind = (state.get(key) for key in ("task", "classes", "label_type"))
        if task == "regression" and labels is None:
            return cls(task, state["name"], None)
        if task not in ("binary", "multiclass") or kind not in _LABEL_TYPES:
            raise ArtifactError(
                f"The saved target has the task {task!r} and labels of type {kind!r}."
            )
        if (
            not isinstance(labels, list)
            or not all(type(label) is _LABEL_TYPES[kind] for label in labels)
            or len(labels) < 2
            or any(low >= high for low, high in zip(labels, labels[1:], strict=False))
        ):
            raise ArtifactError(
                f"The saved labels of {state['name']!r} are not two or more of type {kind}, "
                f"sorted: {shown(labels)}."
            )
        return cls(task, state["name"], np.array(labels, dtype=_DTYPES[kind]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.task, self.name))


def _lookup(classes: list[Any], values: list[Any]) -> np.ndarray:
    """Return the code of each value, found as it is or by its canonical text; -1 if unknown."""
    exact = {label: code for code, label in enumerate(classes)}
    alike = {canonical(label): code for code, label in enumerate(classes)}
    if len(alike) < len(exact):  # "1" and "1.0" are two classes here
        alike = {}
    codes = [exact.get(value, alike.get(canonical(value), -1)) for value in values]
    return np.array(codes, dtype=np.int64)


def _native(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _decide(labels: Labels, task: str, name: str) -> tuple[str, str, np.ndarray]:
    """Return the task, the reason, and the values as floats if it is regression."""
    if task not in TASKS:
        raise UsageError(
            f"The task {task!r} is not known{close_match(str(task), TASKS)}; "
            f"it is one of {', '.join(TASKS)}."
        )
    if task == "auto":
        task, reason = _guess(labels, name)
    else:
        reason = "declared by the caller"
    if task == "regression":
        return task, reason, _amounts(labels, name)
    return *_classification(labels, task, reason, name), labels.plain


def _guess(labels: Labels, name: str) -> tuple[str, str]:
    """Return "classification" or "regression" with the reason."""
    if labels.kind != "number" or labels.declared_categories:
        n_labels = len(labels.distinct[1])
        if _are_padded(labels) and not _are_few(n_labels, labels.n_rows):
            return "regression", "integers with zeros in front, too many for classes"
        return "classification", counted(n_labels, "distinct label")
    values = labels.plain
    if _has_decimals(values[:_HEAD]) and len(np.unique(values[:_HEAD])) > 2:
        return _AMOUNTS  # seen without sorting millions of numbers
    n_rows, n_values = len(values), count_distinct(values)
    if n_values == 1:
        raise _one_class(labels, name)
    if n_values == 2:
        return "classification", "2 distinct values"
    if _has_decimals(values):
        return _AMOUNTS
    told = f"{n_values:,} distinct integers in {n_rows:,} rows"
    if _are_few(n_values, n_rows):
        return "classification", (
            f"{told}: each is taken for a class; declare the task regression if they are amounts"
        )
    return "regression", (
        f"{told}: taken for amounts; declare the task classification if they are classes"
    )


def _are_few(n_values: int, n_rows: int) -> bool:
    """Tell whether whole numbers are rather classes than amounts."""
    if n_values <= _MAX_CLASSES and n_values <= _MAX_SHARE * n_rows:
        return True
    small = n_rows < _SMALL_TABLE and n_values <= _SMALL_CLASSES
    return small and n_values * _ROWS_PER_CLASS <= n_rows


def _are_padded(labels: Labels) -> bool:
    """Tell whether all labels are whole numbers, some filled up with zeros."""
    texts = labels.distinct[1].tolist() if labels.kind == "text" else []
    whole = all(isinstance(text, str) and text.isdecimal() for text in texts)
    return whole and any(map(has_zeros_in_front, texts))


def _one_class(labels: Labels, name: str) -> DataError:
    return DataError(
        f"The target {name!r} has one class only (1 class): {shown(_native(labels.plain[0]))} in "
        f"all {counted(labels.n_rows, 'row')}. There is nothing to tell apart; check the "
        f"column and the filter of rows."
    )


def _classification(labels: Labels, task: str, reason: str, name: str) -> tuple[str, str]:
    codes, values = labels.distinct
    if labels.kind == "number" and len(values) > 2 and _has_decimals(values):
        raise DataError(
            f"Unknown label type: continuous. The target {name!r} holds numbers with decimals, "
            f"which are not classes. Use regression, or turn the labels into text or integers."
        )
    counts = np.bincount(codes)
    n_classes, n_rows = len(counts), labels.n_rows
    if n_classes == 1:
        raise _one_class(labels, name)
    if task == "binary" and n_classes > 2:
        raise DataError(
            f"The target {name!r} has {n_classes} classes, but the task was declared binary. "
            f"Declare multiclass, or keep the rows of two classes."
        )
    if counts.max() == 1 or (labels.kind == "text" and n_classes > n_rows / 2):
        raise DataError(
            f"The target {name!r} has {n_classes:,} classes in {n_rows:,} rows, too few rows per "
            f"class to learn from. Is it an identifier, or free text? If it holds amounts, they "
            f"must be plain numbers."
        )
    if int((counts >= 2).sum()) < 2:
        raise DataError(
            f"Only one class of the target {name!r} has 2 rows or more; at least two classes "
            f"need that, or no model could be validated."
        )
    if task == "multiclass" and n_classes == 2:
        reason = "declared multiclass, but 2 classes make it binary"
    return ("binary" if n_classes == 2 else "multiclass"), reason


def _classes(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    codes, values = labels.distinct
    order = np.argsort(values)
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return values[order], places[codes]


def _amounts(labels: Labels, name: str) -> np.ndarray:
    """Return regression values as floats."""
    if labels.n_rows == 1:
        raise DataError(f"The target {name!r} has 1 sample (n_samples = 1); 2 are the minimum.")
    if labels.kind != "text":
        return labels.plain.astype(np.float64)
    codes, texts = labels.distinct
    parsed = numbers(texts.tolist())
    wrong = parsed.bad | ~np.isfinite(parsed.values)
    if wrong.any():  # words for "not known" too: nothing can be learned from their rows
        row = int(wrong[codes].argmax())
        raise DataError(
            f"The target {name!r} has {shown(texts[codes[row]])} in row {row} (counting from 0), "
            f"which is not a number, but the task is regression."
        )
    amounts: np.ndarray = parsed.values[codes]
    return amounts


def _has_decimals(values: np.ndarray) -> bool:
    return bool((values != np.floor(values)).any())
