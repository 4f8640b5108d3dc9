"""From lines of results to comparisons of systems.

A line has `system`, `dataset`, `seed`, `task`, `budget_s`, `ok`, and where there was a model
`score` (AUC, log loss or RMSE of held-out rows) and `fit_s`; perhaps `score_`,
`score_interval_` and `score_se`, which say how honest a system's own score is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

TINY = 1e-12
CASE = ["dataset", "seed"]


def frame_of(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Lines as a table: the last of each run, with its error, which is smaller where better."""
    table = pd.DataFrame([dict(row) for row in rows])
    for column in ("score", "fit_s", "score_", "score_interval_", "score_se", "variant"):
        if column not in table:
            table[column] = np.nan if column != "variant" else ""
    table["variant"] = table["variant"].fillna("")
    value = table["score"].astype(float)
    table["error"] = np.where(table["task"] == "binary", 1 - value, value)
    table.loc[~table["ok"].astype(bool), "error"] = np.nan
    keys = [*CASE, "system", "variant", "budget_s"]
    return table.drop_duplicates(keys, keep="last").reset_index(drop=True)


def errors(table: pd.DataFrame, by: str = "system") -> pd.DataFrame:
    """Errors of splits (rows) by systems (columns): those that all ran; a failure is infinite.

    A split is a table and a seed; there should be one budget.
    """
    wide = table.assign(error=table["error"].fillna(np.inf)).pivot_table(
        index=CASE, columns=by, values="error", aggfunc="last"
    )
    return wide.dropna()


def relative(wide: pd.DataFrame) -> pd.DataFrame:
    """Each error over that of the best system there."""
    return wide.div(wide.min(axis=1).clip(lower=TINY), axis=0)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row per system: rank, wins, what the best system there avoids, time over budget."""
    wide = errors(table)
    ratios = relative(wide)
    found = []
    for system in wide.columns:
        own = table[table["system"] == system]
        found.append(
            {
                "system": system,
                "mean rank": wide.rank(axis=1)[system].mean(),
                "best on": f"{int((ratios[system] <= 1).sum())} of {len(wide)}",
                "error over the best's": float(np.exp(np.log(ratios[system]).mean())),
                "improvability, %": 100 * float((1 - 1 / ratios[system]).mean()),
                "failed": int((~own["ok"].astype(bool)).sum()),
                "longest fit over budget": float((own["fit_s"] / own["budget_s"]).max()),
            }
        )
    return pd.DataFrame(found).sort_values("mean rank", ignore_index=True)


def duels(table: pd.DataFrame) -> pd.DataFrame:
    """On how many splits the system of a row beats that of a column."""
    wide = errors(table)
    won = {b: {a: int((wide[a] < wide[b]).sum()) for a in wide} for b in wide}
    return pd.DataFrame(won)


def told(table: pd.DataFrame) -> pd.DataFrame:
    """For runs that say how good they are: their error and its interval over the held-out one.

    `held` allows for the held-out rows' own sampling error where its standard error is known.
    """
    known = [isinstance(v, list) and bool(np.isfinite(v).all()) for v in table["score_interval_"]]
    rows = table[np.array(known, dtype=bool) & table["error"].notna()].copy()
    if rows.empty:
        return rows
    ends = np.array(rows["score_interval_"].tolist(), dtype=float)
    half, middle = (ends[:, 1] - ends[:, 0]) / 2, ends.mean(axis=1)
    spread = np.hypot(half, 1.96 * rows["score_se"].astype(float).fillna(0.0))
    binary = (rows["task"] == "binary").to_numpy()[:, None]
    turned = np.sort(np.where(binary, 1 - ends, ends), axis=1)
    said = np.where(binary[:, 0], 1 - rows["score_"], rows["score_"]).astype(float)
    truth = rows["error"].clip(lower=TINY).to_numpy()
    return rows.assign(
        held=(rows["score"] - middle).abs() <= spread,
        low=turned[:, 0] / truth,
        high=turned[:, 1] / truth,
        said=said / truth,
        optimism=100 * (1 - said / truth),
    )


def honesty(table: pd.DataFrame) -> pd.DataFrame:
    """A row per system and budget: how often the interval held, how much too good the score."""
    rows = told(table)
    return pd.DataFrame(
        {
            "system": system,
            "budget, s": f"{budget:g}",
            "interval held": f"{int(part['held'].sum())} of {len(part)}",
            "median optimism, % of the error": float(part["optimism"].median()),
            "worst": float(part["optimism"].max()),
        }
        for (system, budget), part in rows.groupby(["system", "budget_s"])
    )


def anytime(table: pd.DataFrame) -> pd.DataFrame:
    """Errors over the best of all there, by system (rows) and budget (columns).

    The geometric mean over the splits that every system with several budgets ran at each of
    them; systems with one budget are points beside them, if they ran on the same splits.
    """
    pairs = pd.Series(list(zip(table["system"], table["budget_s"], strict=True)))
    several = table.groupby("system")["budget_s"].transform("nunique").to_numpy() > 1
    wide = table.assign(error=table["error"].fillna(np.inf), pair=pairs.to_numpy()).pivot_table(
        index=CASE, columns="pair", values="error", aggfunc="last"
    )
    curves = [pair for pair in wide.columns if pair in set(pairs[several])]
    if not curves:
        return pd.DataFrame()
    wide = wide.dropna(subset=curves).dropna(axis=1)
    means = np.exp(np.log(relative(wide)).mean())
    means.index = pd.MultiIndex.from_tuples(means.index, names=["system", "budget_s"])
    return means.unstack("budget_s")


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """A row per variant: how much worse the error is than with everything on, in percent."""
    table = table[table["system"] == "automl"]
    off = table[table["variant"] != ""]
    found = []
    for variant in off["variant"].unique():  # each on the splits that it ran on
        beside = table[
            table["variant"].isin(["", variant]) & table["budget_s"].isin(off["budget_s"])
        ]
        wide = errors(beside, "variant")
        logs = np.log(wide[variant].clip(lower=TINY) / wide[""].clip(lower=TINY))
        known = len(logs) > 1 and np.isfinite(logs).all()
        error = logs.std(ddof=1) / np.sqrt(len(logs)) if known else np.nan
        found.append(
            {
                "variant": variant,
                "error, %": 100 * float(np.expm1(logs.mean())),
                "standard error": 100 * float(error),
                "worse on": f"{int((logs > 0).sum())} of {len(logs)}",
                "each": [100 * float(np.expm1(v)) for v in logs],
            }
        )
    if not found:
        return pd.DataFrame()
    return pd.DataFrame(found).sort_values("error, %", ascending=False, ignore_index=True)
