"""All checks of one batch, in their order."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from automl.objective import bootstrap_interval
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion, predictions_for, skill
from automl.retrain._checks import (
    Report,
    check_columns,
    check_repeated,
    check_rows,
    check_schema,
    check_stale,
    check_target,
    end_of,
)
from automl.retrain._probe import constant_score, leaks, learnable, telling_apart
from automl.table import Role, Schema
from automl.table._messages import counted, shown
from automl.table._profile import fingerprint_of

logger = logging.getLogger("automl.retrain")

MOST_SCORED = 20_000
"""Rows, the latest, that the champion is scored on to see how far it has fallen."""

RESAMPLES = 100
CALLS = 50
"""The interval takes so many times as long as the scores of champion and constant."""

LEARNABLE = 0.3
"""Labels fit their features if a small model learns so much of the skill that is expected."""

LEAST_SKILL = 0.02
"""A champion with less than this over a constant has nothing to lose."""


FEW_ROWS = 200

PLAUSIBLE = 0.001
"""A target that is the same in all rows is an error if chance makes it so less often."""


@dataclass
class Look:
    """What the checks saw.

    Parameters
    ----------
    batch : Batch
        The rows with a target that the champion knows.
    end : float, optional
        The latest time of the champion's data.
    fallen : float
        Share of the champion's skill that is gone on the new rows, beyond noise.
    """

    batch: Batch
    end: float | None = None
    fallen: float = 0.0


def look(
    report: Report,
    champion: Champion,
    batch: Batch,
    old: Batch | None,
    *,
    found: Mapping[str, Any],
    time: str | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> Look:
    """Check a batch; the later checks are left out where an earlier one makes them void.

    Parameters
    ----------
    report : Report
        Gets the findings.
    champion : Champion
    batch : Batch
        The new rows, in the order of their file.
    old : Batch, optional
    found : mapping
        Fingerprint of the new rows.
    time : str, optional
    seed : int
    seconds : float, optional
        That the interval of the champion's score may take; it is left out with a slower metric.

    Returns
    -------
    Look
    """
    schema = champion.predictor.schema
    typed = check_schema(report, schema, batch.shown_to(schema), champion.profile)
    known = check_target(report, champion, batch.y)
    whole = not report.of("refuse")
    check_repeated(report, champion, found, _own(champion, batch) if whole and known.all() else "")
    if report.of("nothing"):
        return Look(batch)
    end = end_of(champion, time)
    check_stale(report, batch, end)
    check_rows(report, champion, len(batch))
    check_columns(report, champion, batch.frame, typed, aside=time)
    batch = batch.take(np.flatnonzero(known)) if not known.all() else batch
    seen = Look(batch, end)
    if known.sum() < 2:
        return seen
    target = champion.predictor.target
    y = target.encode(batch.y)
    before = {} if champion.profile is None else champion.profile.columns
    dropped = {c.name for c in schema.columns if c.role is Role.DROPPED}  # no model sees them
    aside = [n for n in batch.frame if n in report.rules.ignore | dropped | batch.aside]
    frame = batch.frame.drop(columns=aside)
    report.add_columns("leak", leaks(frame, y, target, {n: c.power for n, c in before.items()}))
    if old is not None and whole:
        _check_classifier(report, schema, typed, old, aside=time, seed=seed)
    if same := _all_the_same(champion, y):
        report.add("labels", 1.0, same)
        return seen
    if whole and not report.of("nothing"):
        when = np.arange(len(y)) if batch.when is None else batch.when
        rows = np.sort(np.argsort(when, kind="stable")[-MOST_SCORED:])
        columns = {n: v[known][rows] for n, v in typed.items()}
        latest = batch.take(rows), columns, y[rows]
        _check_champion(report, seen, champion, latest, seed=seed, seconds=seconds)
    return seen


def _own(champion: Champion, batch: Batch) -> str:
    """The fingerprint as the champion's profile has one."""
    if champion.profile is None or champion.profile.n_rows != len(batch):
        return ""
    table = champion.predictor.schema.apply(batch.frame, fitting=True)
    return fingerprint_of(table, champion.predictor.target.encode(batch.y))


def _check_classifier(
    report: Report,
    schema: Schema,
    typed: Mapping[str, np.ndarray],
    old: Batch,
    *,
    aside: str | None,
    seed: int,
) -> None:
    """Can a classifier tell the new rows from the old ones?"""
    if report.rules["classifier"].action == "off":
        return
    before = check_schema(Report(report.rules), schema, old.frame)
    dates = {c.name for c in schema.features if c.role is Role.DATETIME}
    apart = dates | report.rules.ignore | {aside}
    after = {n: v for n, v in typed.items() if n not in apart and n in before}
    if not after:
        return
    auc, chance = telling_apart(before, after, seed)
    message = f"a classifier tells new rows from old ones (AUC {auc:.2f}, by chance {chance:.2f})"
    report.add("classifier", auc, message, threshold=chance)


def _check_champion(
    report: Report,
    seen: Look,
    champion: Champion,
    latest: tuple[Batch, Mapping[str, np.ndarray], np.ndarray],
    *,
    seed: int,
    seconds: float | None,
) -> None:
    """How far has the champion fallen, and do the labels still fit the features?"""
    metric, target, expected = champion.metric, champion.predictor.target, champion.expected
    rows, columns, y = latest
    w = rows.weights
    raw = predictions_for(metric, champion.predictor, rows, n_jobs=champion.n_jobs)
    began = monotonic()
    baseline, score = constant_score(metric, y, target, w), metric.score(y, raw, w)
    if seconds is not None and CALLS * (monotonic() - began) > seconds:
        logger.warning("%s takes too long to tell how far the champion has fallen.", metric.name)
        return
    ends = bootstrap_interval(
        metric, y, raw, sample_weight=w, n_resamples=RESAMPLES, random_state=seed
    )
    best = ends[1] if metric.greater_is_better else ends[0]
    usual = skill(metric, expected.score, expected.baseline)
    if math.isnan(usual) or usual < LEAST_SKILL or math.isnan(best):
        return
    left = skill(metric, best, baseline)
    seen.fallen = 0.0 if math.isnan(left) else max(0.0, 1 - left / usual)
    message = (
        f"the champion has fallen: {metric.name} {score:.5g} on the new rows, "
        f"{expected.score:.5g} where it was chosen"
    )
    report.add("fallen", seen.fallen, message)
    rule = report.rules["labels"]
    if rule.action == "off" or not columns:  # of texts alone, of which it sees nothing
        return
    if seen.fallen <= rule.threshold:
        report.add("labels", 0.0, "")
        return
    learned = skill(metric, *learnable(columns, y, target, metric, sample_weight=w, seed=seed))
    lost = seen.fallen if not learned > LEARNABLE * usual else 0.0
    message = (
        f"the labels no longer fit the features: the champion scores {score:.5g}, a constant "
        f"{baseline:.5g}, and a model of the new rows alone learns nothing, either"
    )
    # Of few rows no small model learns anything.
    report.add("labels", lost, message, at_most="retrain" if len(y) < FEW_ROWS else "refuse")


def _all_the_same(champion: Champion, y: np.ndarray) -> str:
    """What to say of a target that is the same in all rows, where chance does not make it so."""
    profile, target = champion.profile, champion.predictor.target
    if profile is None or len(y) < 2 or (y != y[0]).any():
        return ""
    if profile.target.shares and max(profile.target.shares) ** len(y) > PLAUSIBLE:
        return ""
    value = shown(target.decode(y[:1]).tolist()[0])
    return f"all {counted(len(y), 'row')} have the same {target.name!r}: {value}"
