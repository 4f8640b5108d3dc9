"""Results as text for people."""

import math
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_GAP = "  "


def number_text(value: float | None) -> str:
    """Show a score with about five digits and no exponent where it can be avoided.

    Examples
    --------
    >>> number_text(0.912347), number_text(1234567.8), number_text(12.5), number_text(None)
    ('0.91235', '1234568', '12.5', 'nan')
    """
    if value is None or math.isnan(value):
        return "nan"
    return f"{value:.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:.5g}"


def duration_text(seconds: float) -> str:
    """Show a length of time in few characters.

    Examples
    --------
    >>> duration_text(9.24), duration_text(60), duration_text(754), duration_text(7322)
    ('9s', '60s', '12m34s', '2h02m')
    """
    whole = int(seconds)
    if whole <= 120:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def leaderboard_text(
    rows: Sequence[Mapping[str, Any]], metric: str, *, limit: int | None = None
) -> str:
    """Show a leaderboard as a table, the winner marked.

    Parameters
    ----------
    rows : sequence of mapping
        As the run stored them, the winner first.
    metric : str
        Heads the scores.
    limit : int, optional
        Show about this many rows; the constant baseline is always among them.

    Returns
    -------
    str

    Examples
    --------
    >>> row = {"name": "linear-1", "state": "complete", "score": 0.91, "seconds": 1.25,
    ...        "folds": 5, "reason": "", "weight": 1.0, "winner": True}
    >>> print(leaderboard_text([row], "roc_auc"))
      name      roc_auc  folds  seconds  weight
    * linear-1     0.91      5      1.2    1.00
    """
    shown = list(rows)
    if limit is not None and len(shown) > limit:
        shown = [row for i, row in enumerate(shown) if i < limit or _is_baseline(row)]
    cells = [_leaderboard_row(row) for row in shown]
    head = ["", "name", metric, "folds", "seconds", "weight", ""]
    text = _aligned([head, *cells], left=(0, 1, 6))
    hidden = len(rows) - len(shown)
    return f"{text}\n  and {hidden} more" if hidden else text


def result_text(summary: Mapping[str, Any]) -> str:
    """Say what a fit brought and what to do next.

    Parameters
    ----------
    summary : mapping
        As the run stored it.

    Returns
    -------
    str
    """
    model = _near(summary["model"])
    score = f"score  {summary['metric']} {number_text(summary['score'])}"
    if summary["score_interval"] is not None:
        low, high = (number_text(v) for v in summary["score_interval"])
        score += f", 95 % interval {low} to {high}"
        score += " (cross-validated, corrected for choosing and averaging)"
    if summary["winner"] == "constant":
        score += "\nnote   the budget ended before any model was fitted: it predicts a constant"
    return "\n".join(
        [
            score,
            f"model  {model}",
            f"next   automl predict {shlex.quote(model)} NEW.csv --out predictions.csv",
        ]
    )


def evaluation_text(facts: Mapping[str, Any]) -> str:
    """Show an evaluation, one line per metric.

    Parameters
    ----------
    facts : mapping
        ``model``, ``n_rows``, ``metric``, ``score``, ``weights`` if there is a column of them, and
        each further metric by name.

    Returns
    -------
    str
    """
    head = {"model": _near(facts["model"]), "rows": f"{facts['n_rows']:,}"}
    if "weights" in facts:
        head["weights"] = f"column {facts['weights']!r}"
    first = {facts["metric"]: facts["score"]}
    aside = ("model", "n_rows", "weights", "metric", "score", *first)
    more = {k: v for k, v in facts.items() if k not in aside}
    lines = [*head.items(), *((k, number_text(v)) for k, v in (first | more).items())]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}{_GAP}{value}" for name, value in lines)


def importance_text(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Show the importance of columns as a table.

    Parameters
    ----------
    rows : sequence of mapping
        ``column``, and ``importance``, ``std`` and ``contribution`` where they are known.
    metric : str

    Returns
    -------
    str
    """
    permuted = any(r["importance"] is not None for r in rows)
    contributed = any(r["contribution"] is not None for r in rows)
    head, left = ["column"], (0,)
    head += [f"{metric} lost", "+-"] if permuted else []
    head += ["contribution"] if contributed else []
    cells = []
    for row in rows:
        cell = [str(row["column"])]
        cell += [number_text(row["importance"]), f"{row['std']:.2g}"] if permuted else []
        cell += [f"{100 * (row['contribution'] or 0.0):.1f} %"] if contributed else []
        cells.append(cell)
    return _aligned([head, *cells], left=left)


def _is_baseline(row: Mapping[str, Any]) -> bool:
    """Trials have a number behind their family's name; the baseline has none."""
    return bool(row["name"] == row["family"] != "ensemble")


def _leaderboard_row(row: Mapping[str, Any]) -> list[str]:
    weight = float(row["weight"])
    note = "" if row["state"] == "complete" else str(row["state"])
    reason = str(row["reason"] or "").splitlines()
    if reason:
        note += f": {reason[0][:60]}"
    return [
        "*" if row["winner"] else "",
        str(row["name"]),
        number_text(row["score"]) if row["state"] == "complete" else "",
        str(row["folds"]),
        f"{row['seconds']:.1f}",
        f"{weight:.2f}" if weight else "",
        note,
    ]


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        " ".join(
            (f"{c:<{w}}" if i in left else f"{c:>{w}}") + (" " if i and i < len(row) - 1 else "")
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _near(path: str) -> str:
    """The path from the current folder, where it lies below it."""
    try:
        return str(Path(path).relative_to(Path(os.getcwd()).resolve()))
    except (OSError, ValueError):
        return path


def retrain_text(facts: Mapping[str, Any]) -> str:
    """Say what a retraining decided, and why.

    Parameters
    ----------
    facts : mapping
        What :meth:`automl.retrain.RetrainResult.to_dict` gives.

    Returns
    -------
    str

    Examples
    --------
    >>> check = {"name": "psi", "action": "warn", "message": "'a' is distributed differently"}
    >>> print(retrain_text({"decision": "nothing", "reason": "the same rows were trained on",
    ...       "registry": "models", "version": 3, "metric": "rmse", "checks": [check],
    ...       "trained": "", "difference": None, "interval": None, "seconds": {"all": 1.25}}))
    nothing to do: the same rows were trained on
    serving        version 3 of models
    seconds        1.2
    checks
      warn     psi: 'a' is distributed differently
    """
    said = {"nothing": "nothing to do", "kept": "champion kept"}
    lines = [f"{said.get(facts['decision'], facts['decision'])}: {facts['reason']}"]
    if facts["difference"] is not None:
        low, high = facts["interval"]
        gain = " to ".join(number_text(v) for v in (low, high))
        lines.append(f"difference     {number_text(facts['difference'])}, 95 % interval {gain}")
    if facts["trained"]:
        lines.append(f"trained        {facts['trained']}")
    if facts.get("weights"):
        lines.append(f"weights        column {facts['weights']!r}")
    lines.append(f"serving        version {facts['version']} of {facts['registry']}")
    lines.append(f"seconds        {facts['seconds']['all']:.1f}")
    told = [c for c in facts["checks"] if c["action"] != "ok"]
    lines += ["checks"] if told else []
    lines += [f"  {c['action']:8} {c['name']}: {c['message']}" for c in told]
    return "\n".join(lines)
