"""The checks before training: is this the file that it should be?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import AutoMLError, SchemaError
from automl.retrain._batch import Batch, known_rows
from automl.retrain._champion import Champion
from automl.retrain._drift import column_distance, unit_factor
from automl.retrain._rules import ACTIONS, Finding, Rules
from automl.table import Column, ColumnProfile, Profile, Role, Schema
from automl.table._messages import close_match, counted, listed, shown
from automl.table._values import is_missing

ALIKE = 0.1
"""Distance of distributions, and of shares of missing values, up to which a column may be one that
was renamed."""

MOST_NAMED = 10
"""Columns that one check names, the worst first."""


class Report:
    """Gathers what the checks find.

    Parameters
    ----------
    rules : Rules

    Attributes
    ----------
    findings : list of Finding
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.findings: list[Finding] = []

    def add(
        self,
        name: str,
        value: float,
        message: str,
        *,
        column: str | None = None,
        threshold: float | None = None,
        at_most: str = "refuse",
    ) -> None:
        """Judge a value by its rule.

        Parameters
        ----------
        name : str
            Of the check.
        value : float
        message : str
            What to say if it counts.
        column : str, optional
        threshold : float, optional
            Instead of the rule's, where chance alone reaches further.
        at_most : str
            The hardest action that is right here.
        """
        rule = self.rules[name]
        if rule.action == "off":
            return
        threshold = rule.threshold if threshold is None else max(threshold, rule.threshold)
        counts = value > threshold
        action = min(rule.action, at_most, key=ACTIONS.index) if counts else "ok"
        self.findings.append(
            Finding(name, value, threshold, action, message if counts else "", column)
        )

    def refuse(self, name: str, message: str, column: str | None = None) -> None:
        """Note what no rule can allow."""
        self.findings.append(Finding(name, 1.0, 0.0, "refuse", message, column))

    def add_columns(self, name: str, found: Sequence[tuple[float, float, str, str]]) -> None:
        """Judge the same of several columns; what does not count is told for the worst only.

        Parameters
        ----------
        name : str
        found : sequence of (value, threshold, column, message)
        """
        least = self.rules[name].threshold
        found = [f for f in found if f[2] not in self.rules.ignore]
        found = sorted(found, key=lambda f: f[0] - max(f[1], least), reverse=True)
        counts = [f for f in found if f[0] > max(f[1], least)]
        for value, threshold, column, message in counts[:MOST_NAMED] or found[:1]:
            self.add(name, value, message, column=column, threshold=threshold)

    def of(self, *actions: str) -> list[Finding]:
        """Findings that lead to one of these actions."""
        return [f for f in self.findings if f.action in actions]

    @property
    def refused(self) -> bool:
        """Whether the data must not be trained on."""
        return bool(self.of("refuse"))


def check_repeated(report: Report, champion: Champion, found: Mapping[str, Any], own: str) -> None:
    """Was this file trained on before?

    Parameters
    ----------
    report : Report
    champion : Champion
    found : mapping
        The fingerprint of the new data.
    own : str
        Its fingerprint as the champion's profile has one, empty if the champion can't read it.
    """
    times = sum(data["sha256"] == found["sha256"] for data in champion.batches())
    if not times and champion.profile is not None:
        times = int(champion.profile.fingerprint == own)
    report.add("repeated", times, "the same rows, the target included, were trained on before")


def check_stale(report: Report, batch: Batch, end: float | None) -> None:
    """Do the rows come after those that the champion knows?"""
    if batch.when is None or end is None:
        return
    share = float((batch.when <= end).mean())
    message = f"{share:.0%} of the rows are not later than what the champion was trained on"
    report.add("stale", share, message)


def check_rows(report: Report, champion: Champion, n_rows: int) -> None:
    """Is the batch as large as those before, and large enough to matter?"""
    sizes = [int(data["n_rows"]) for data in champion.batches() if "n_rows" in data]
    known = int(champion.manifest.get("n_rows") or 0)
    usual = int(np.median(sizes)) if sizes else known
    if usual:
        lacking = max(0.0, 1 - n_rows / usual)
        than = "in earlier batches" if sizes else "in the champion's training data"
        message = f"{counted(n_rows, 'row')} where there are {usual:,} {than}"
        # One night's rows may well be fewer than a whole training table.
        report.add("rows", lacking, message, at_most="refuse" if sizes else "warn")
    if known:
        message = f"{counted(n_rows, 'new row')} beside {known:,} that the champion knows"
        report.add("growth", n_rows / known, message)


def check_schema(
    report: Report, schema: Schema, frame: pd.DataFrame, profile: Profile | None = None
) -> Mapping[str, np.ndarray]:
    """Are all columns there, and of their types?

    Parameters
    ----------
    report : Report
    schema : Schema
        The champion's.
    frame : DataFrame
    profile : Profile, optional
        By which a renamed column is known, if not by its name.

    Returns
    -------
    mapping of str to ndarray
        The features that could be read, free text aside.
    """
    extra = [str(name) for name in frame.columns if name not in schema.names]
    lost = [c for c in schema.features if c.name not in frame.columns]
    missing = [c.name for c in lost]
    told = ", ".join(f"{c.name!r}{_new_name(c, frame[extra], profile)}" for c in lost)
    many = "column" if len(missing) == 1 else "columns"
    report.add("missing_columns", len(missing), f"there is no {many} {told}")
    message = f"the champion did not have the {counted(len(extra), 'column')} {listed(extra, 5)}"
    report.add("new_columns", len(extra), message)
    typed, broken = {}, []
    for column in schema.features:
        if column.name in missing:
            continue
        try:
            alone = Schema((column,)).apply(frame[[column.name]], fitting=True)
            if column.role is not Role.TEXT:  # the codes of texts are those of one table
                typed[column.name] = alone.columns[column.name]
        except AutoMLError as error:
            broken.append((1.0, 0.0, column.name, _type_message(column, error)))
    report.add_columns("types", broken)
    return typed


def _new_name(column: Column, extra: pd.DataFrame, profile: Profile | None) -> str:
    """Which of the columns that are new a missing one may have become, as a question."""
    close = close_match(column.name, list(extra.columns))
    old = None if profile is None else profile.columns.get(column.name)
    if close or old is None or profile is None:
        return close
    for name, series in extra.items():
        try:
            alone = Schema((column,)).apply(pd.DataFrame({column.name: series}), fitting=True)
        except AutoMLError:
            continue
        values, is_category = alone.columns[column.name], column.role is Role.CATEGORICAL
        far = column_distance(old, values, old_rows=profile.n_rows, is_category=is_category)
        lacking = float((values < 0).mean() if is_category else np.isnan(values).mean())
        if far.ks <= max(ALIKE, far.ks_noise) and abs(lacking - old.missing) <= ALIKE:
            return f" (has it become {name!r}, whose values look the same?)"
    return ""


def check_columns(
    report: Report,
    champion: Champion,
    frame: pd.DataFrame,
    typed: Mapping[str, np.ndarray],
    *,
    aside: str | None = None,
) -> None:
    """Are the values of each column as they were?

    Parameters
    ----------
    report : Report
    champion : Champion
    frame : DataFrame
    typed : mapping of str to ndarray
        What `check_schema` returned.
    aside : str, optional
        The time column, whose values are new by nature, as those of all dates are.
    """
    profile, schema = champion.profile, champion.predictor.schema
    if profile is None:
        return
    found: dict[str, list[tuple[float, float, str, str]]] = {
        name: []
        for name in (
            "missing_values", "lost_column", "new_categories", "takeover", "units", "psi", "ks",
        )
    }  # fmt: skip
    for column in schema.features:
        old, values = profile.columns.get(column.name), typed.get(column.name)
        if old is None or values is None or column.name == aside:
            continue
        for name, entry in _column_findings(
            column, old, values, frame[column.name], profile.n_rows
        ):
            found[name].append(entry)
    for name, entries in found.items():
        report.add_columns(name, entries)


def _column_findings(
    column: Column,
    old: ColumnProfile,
    values: np.ndarray,
    raw: "pd.Series[Any]",
    old_rows: int,
) -> list[tuple[str, tuple[float, float, str, str]]]:
    """What single checks say of a column."""
    name, is_category = column.name, column.role is Role.CATEGORICAL
    found = []
    lacking = values < 0 if is_category else ~np.isfinite(values)
    new, top, top_share = _new_categories(raw, lacking) if is_category else (0.0, "", 0.0)
    rise = float(lacking.mean()) - new - old.missing
    message = f"{float(lacking.mean()) - new:.0%} of {name!r} are missing, {old.missing:.0%} were"
    found += [(check, (rise, 0.0, name, message)) for check in ("missing_values", "lost_column")]
    if is_category:
        message = f"{new:.0%} of {name!r} are categories never seen, most of all {top}"
        found.append(("new_categories", (new, 0.0, name, message)))
        message = f"the new category {top} makes up {top_share:.0%} of {name!r}"
        found.append(("takeover", (top_share, 0.0, name, message)))
    if column.role is Role.DATETIME:
        return found
    if column.role is Role.NUMERIC:
        factor = unit_factor(old, values)
        message = f"all of {name!r} changed by a factor of about {factor:g}: another unit?"
        found.append(("units", (max(factor, 1 / factor), 0.0, name, message)))
    far = column_distance(old, values, old_rows=old_rows, is_category=is_category)
    message = f"{name!r} is distributed differently (PSI {far.psi:.2f}, KS {far.ks:.2f})"
    found.append(("psi", (far.psi, far.psi_noise, name, message)))
    found.append(("ks", (far.ks, far.ks_noise, name, message)))
    return found


def _new_categories(raw: "pd.Series[Any]", lacking: np.ndarray) -> tuple[float, str, float]:
    """Share of rows with categories never seen; the most frequent of them, and its share."""
    counts = raw[lacking].dropna().value_counts()
    counts = counts[[not is_missing(value) for value in counts.index]]
    if not len(counts):
        return 0.0, "", 0.0
    n = len(raw)
    return float(counts.sum()) / n, shown(counts.index[0]), float(counts.iloc[0]) / n


def check_target(report: Report, champion: Champion, y: "pd.Series[Any]") -> np.ndarray:
    """Is the target what it was?

    Returns
    -------
    ndarray of shape (n_rows,)
        Which rows have a target that the champion knows.
    """
    target, profile = champion.predictor.target, champion.profile
    there, known, unknown = known_rows(target, y)
    share = 1 - float(there.mean())
    report.add("missing_target", share, f"{share:.0%} of the rows have no {target.name!r}")
    if target.classes is not None:
        message = f"{target.name!r} has {listed(unknown, 5)}, which the champion does not know"
        report.add("new_labels", len(unknown), message)
    if not known.any() or profile is None:
        return known
    codes = target.encode(y[known]) if known.sum() > 1 else np.zeros(0)
    is_category = target.classes is not None
    if not is_category:
        factor = unit_factor(profile.target, codes)
        message = f"all of the target changed by a factor of about {factor:g}: another unit?"
        report.add("target_units", max(factor, 1 / factor), message)
    far = column_distance(profile.target, codes, old_rows=profile.n_rows, is_category=is_category)
    message = f"the target is distributed differently (PSI {far.psi:.2f})"
    report.add("target_psi", far.psi, message, threshold=far.psi_noise)
    return known


def _type_message(column: Column, error: AutoMLError) -> str:
    if isinstance(error, SchemaError):
        return str(error).removesuffix(".")
    return f"column {column.name!r}: {error}".removesuffix(".")


def end_of(champion: Champion, time: str | None) -> float | None:
    """The latest time of the champion's training data, as a number, if it is known."""
    lineage = {} if champion.version is None else champion.version.manifest.get("lineage", {})
    data = lineage.get("data") or {}
    if lineage.get("end") is not None and data.get("time", {}).get("column") == time:
        return float(lineage["end"])
    profile = champion.profile
    column = None if profile is None or time is None else profile.columns.get(time)
    if column is None or not column.values:
        return None
    end = column.values[-1]
    return None if math.isnan(end) else end
