"""What is checked, from which value on it counts, and what then happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automl.exceptions import UsageError
from automl.table._messages import close_match

ACTIONS = ("off", "warn", "retrain", "nothing", "refuse")
"""From the mildest to the hardest. ``retrain`` is a reason for mode ``auto`` to train; with
``nothing`` the job ends well without training; with ``refuse`` it ends with exit code 3."""


ENDING = ("nothing", "refuse")
"""Those with which nothing is trained."""

NEEDED = ("missing_columns", "types")
"""Checks of what the champion needs to predict."""


@dataclass(frozen=True)
class Rule:
    """One check.

    Parameters
    ----------
    threshold : float
        A value above it counts.
    action : {"off", "warn", "retrain", "nothing", "refuse"}
    """

    threshold: float
    action: str


DEFAULTS: Mapping[str, Rule] = {
    # the file as a whole
    "repeated": Rule(0, "nothing"),  # files with this fingerprint that were trained on before
    "stale": Rule(0, "warn"),  # share of rows from before the end of the champion's data
    "rows": Rule(0.4, "refuse"),  # share of the expected rows that is missing
    "growth": Rule(0.1, "retrain"),  # new rows per row that the champion was trained on
    # the schema
    "missing_columns": Rule(0, "refuse"),  # features that are not there
    "new_columns": Rule(0, "warn"),  # columns that the champion did not have
    "types": Rule(0, "refuse"),  # values of a column that can't be read as what it was
    # single columns
    "missing_values": Rule(0.1, "warn"),  # rise of the share of rows without a value
    "lost_column": Rule(0.5, "refuse"),  # the same
    "new_categories": Rule(0.05, "retrain"),  # share of rows with a category never seen
    "takeover": Rule(0.3, "refuse"),  # share of rows with one and the same new category
    "units": Rule(10, "refuse"),  # factor between all quantiles, old and new, either way
    "psi": Rule(0.25, "retrain"),  # population stability index
    "ks": Rule(0.2, "retrain"),  # greatest distance of the distribution functions
    # the rows as a whole, where the old ones are at hand
    "classifier": Rule(0.65, "retrain"),  # AUC of a classifier that tells old rows from new
    # the target
    "missing_target": Rule(0.05, "refuse"),  # share of rows without a target
    "new_labels": Rule(0, "refuse"),  # rows with a class that the champion does not know
    "target_units": Rule(10, "refuse"),  # as units
    "target_psi": Rule(0.25, "retrain"),
    # features and target together
    "leak": Rule(0.85, "refuse"),  # share of the target's variance that one column explains
    "labels": Rule(0.85, "refuse"),  # share of the champion's skill that is gone
    "fallen": Rule(0.1, "retrain"),  # the same
}


@dataclass(frozen=True)
class Rules:
    """All checks as declared.

    Parameters
    ----------
    rules : mapping of str to Rule
    ignore : frozenset of str
        Columns that no check of single columns looks at.

    Examples
    --------
    >>> rules = Rules.read({"psi": 0.5, "leak": "off", "ignore": ["month"]})
    >>> rules["psi"], rules["leak"].action, "month" in rules.ignore
    (Rule(threshold=0.5, action='retrain'), 'off', True)
    >>> Rules.read({"leek": "warn"})
    Traceback (most recent call last):
    ...
    automl.exceptions.UsageError: There is no check 'leek' (did you mean 'leak'?); checks are
    repeated, stale, rows, growth, missing_columns, new_columns, types, missing_values,
    lost_column, new_categories, takeover, units, psi, ks, classifier, missing_target, new_labels,
    target_units, target_psi, leak, labels, fallen, and ignore for columns to leave alone.
    """

    rules: Mapping[str, Rule] = field(default_factory=lambda: dict(DEFAULTS))
    ignore: frozenset[str] = frozenset()

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> "Rules":
        """Read what a user declared; the rest stays as it is.

        Parameters
        ----------
        given : mapping of str to (float, str or mapping), optional
            By check: a threshold, an action, or both as
            ``{"threshold": 0.5, "action": "warn"}``; ``ignore`` names columns.

        Raises
        ------
        UsageError
        """
        given = dict(given or {})
        ignore = given.pop("ignore", [])
        if isinstance(ignore, str) or not all(isinstance(name, str) for name in ignore):
            raise UsageError(
                f"checks: ignore = {ignore!r} is not allowed, give a list of columns."
            )
        rules = dict(DEFAULTS)
        for name, value in given.items():
            if name not in rules:
                raise UsageError(
                    f"There is no check {name!r}{close_match(name, list(rules))}; checks are "
                    f"{', '.join(rules)}, and ignore for columns to leave alone."
                )
            rules[name] = _declared(name, rules[name], value)
        return cls(rules, frozenset(ignore))

    def __getitem__(self, name: str) -> Rule:
        return self.rules[name]


def _declared(name: str, rule: Rule, value: Any) -> Rule:
    parts = dict(value) if isinstance(value, Mapping) else {}
    if isinstance(value, str):
        parts = {"action": value}
    elif isinstance(value, int | float) and not isinstance(value, bool):
        parts = {"threshold": value}
    threshold, action = parts.get("threshold", rule.threshold), parts.get("action", rule.action)
    readable = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not parts or set(parts) - {"threshold", "action"} or action not in ACTIONS or not readable:
        raise UsageError(
            f"checks: {name} = {value!r} is not allowed; give a threshold (a number), an action "
            f'({", ".join(ACTIONS)}), or both as {{threshold = 0.5, action = "warn"}}.'
        )
    if name in NEEDED and action not in ENDING:
        raise UsageError(
            f"checks: {name} = {value!r} is not allowed: without what this check asks for the "
            f"champion can't predict the new rows. Its action is {' or '.join(ENDING)}."
        )
    return replace(rule, threshold=float(threshold), action=action)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    name : str
        Of the check.
    value : float
    threshold : float
    action : str
        ``"ok"`` if the value does not count.
    message : str
        For people; empty if there is nothing to say.
    column : str, optional
    """

    name: str
    value: float
    threshold: float
    action: str
    message: str = ""
    column: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "column": self.column,
            "value": self.value,
            "threshold": self.threshold,
            "action": self.action,
            "message": self.message,
        }
