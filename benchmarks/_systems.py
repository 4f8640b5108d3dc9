"""Run one system on one split in a process of its own; a line that says how it went.

As a script it is that process: ``python _systems.py SPEC.json`` fits, predicts and prints one JSON
object.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _process import Plan, Tree, watch
from _switches import switch_off
from _tables import METRICS, load, machine, score, split

GROUND = "lightgbm"
SYSTEMS = ("automl", GROUND)
"""This package, and LightGBM with its defaults as the ground."""

DRAWS = 100
"""Bootstrap samples of the held-out rows, for the standard error of their score."""


def run_system(system: str, entry: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Fit on two thirds of a table, score on the other.

    Parameters
    ----------
    system : {"automl", "lightgbm"}
    entry : mapping
        The table's entry in the index.
    run : mapping
        With `data` (the folder of tables), `budget_s`, `seed`, and perhaps `options` for
        ``AutoModel``.

    Returns
    -------
    dict
        A line of results; ``ok`` says whether there was a model in four times the budget.
    """
    task, target, budget, seed = entry["task"], entry["target"], run["budget_s"], run["seed"]
    row = {"system": system, "dataset": entry["name"], "seed": seed, "task": task}
    row |= {"budget_s": budget, **machine()}
    train, test = split(load(run["data"], dict(entry)), dict(entry), seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train.to_parquet(folder / "train.parquet")
        test.to_parquet(folder / "test.parquet")
        spec = row | {"target": target, "folder": name, "options": run.get("options", {})}
        (folder / "spec.json").write_text(json.dumps(spec))
        (folder / "here").mkdir()
        command = [sys.executable, __file__, str(folder / "spec.json")]
        tree = Tree()
        plan = Plan(folder / "here", give_up=4 * budget + 240, every=1.0, pss_every=600.0)
        done = watch(command, tree, plan)
        tree.kill()
    row |= {"n_train": len(train), "n_test": len(test)}
    if done.exit or not done.told:
        said = done.said.strip().splitlines()[-1:] or ["it said nothing"]
        return row | {"ok": False, "error": f"exit code {done.exit}: {said[0][:300]}"}
    return row | done.told | {"ok": True, "peak_mib": done.usage.facts()["peak_rss_mib"]}


# -- in the process of a fit --------------------------------------------------------------


def fit_automl(X: pd.DataFrame, y: pd.Series, spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """`AutoModel` with a budget; `pruning`, which only the command line has, is set inside.

    With `texts` off, what would be read as text is declared to be categories; with `strings` off
    every column of strings is, so that dates and numbers among them go unread, too. `off` names
    one of `_switches.SWITCHES`.
    """
    from automl import AutoModel
    from automl.table import Schema

    options = dict(spec["options"])
    pruning = options.pop("pruning", True)
    if "off" in options:
        switch_off(options.pop("off"))
    if not options.pop("texts", True):
        options["types"] = dict.fromkeys(Schema.infer(X).readable, "categorical")
    if not options.pop("strings", True):
        strings = X.select_dtypes(["object", "str", "category"]).columns
        options["types"] = dict.fromkeys(strings, "categorical")

    class Model(AutoModel):
        def _spec(self) -> Any:
            return replace(super()._spec(), pruning=pruning)

    model = Model(
        metric=METRICS[spec["task"]],
        task=spec["task"],
        time_budget=spec["budget_s"],
        random_state=spec["seed"],
        **options,
    ).fit(X, y)
    states = model.leaderboard_["state"].value_counts()
    told = {
        "score_": model.score_,
        "score_interval_": list(model.score_interval_),
        "winner": model.winner_,
        "n_trials": int(states.sum() - (model.leaderboard_["family"] == "ensemble").sum()),
        "n_pruned": int(states.get("pruned", 0)),
        "n_failed": int(states.get("failed", 0)),
    }
    return model, told


def fit_lightgbm(X: pd.DataFrame, y: pd.Series, spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """LightGBM with its defaults on the same columns, strings as categories."""
    import lightgbm

    from automl.features import fit_encoder
    from automl.table import Schema

    schema = Schema.infer(X)
    table = schema.apply(X, fitting=True)
    encoder = fit_encoder("tree", table)
    make = lightgbm.LGBMRegressor if spec["task"] == "regression" else lightgbm.LGBMClassifier

    class Model(make):  # type: ignore[misc, valid-type]
        def predict(self, frame: pd.DataFrame) -> Any:
            return super().predict(encoder.transform(schema.apply(frame)).values)

        def predict_proba(self, frame: pd.DataFrame) -> Any:
            return super().predict_proba(encoder.transform(schema.apply(frame)).values)

    matrix = encoder.transform(table)
    model = Model(verbose=-1, random_state=spec["seed"])
    model.fit(matrix.values, y, categorical_feature=list(matrix.categorical))
    return model, {}


def main() -> None:
    """Fit, predict, score."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    folder, target, task = Path(spec["folder"]), spec["target"], spec["task"]
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    X, y, new, truth = (
        train.drop(columns=target), train[target], test.drop(columns=target), test[target]
    )  # fmt: skip
    fit = {"automl": fit_automl, "lightgbm": fit_lightgbm}[spec["system"]]
    started = time.perf_counter()
    model, told = fit(X, y, spec)
    fitted = time.perf_counter()
    out = np.asarray(model.predict(new) if task == "regression" else model.predict_proba(new))
    classes = [] if task == "regression" else [str(c) for c in model.classes_]
    predicted = time.perf_counter()
    told |= {"fit_s": fitted - started, "predict_s": predicted - fitted}
    told |= {"score": score(task, truth, out, classes)}
    told |= {"score_se": standard_error(task, truth, out, classes)}
    print(json.dumps(told))


def standard_error(task: str, y: pd.Series, out: np.ndarray, classes: list[str]) -> float:
    """Of the held-out score, by what it is on bootstrap samples of the held-out rows."""
    rng, draws = np.random.default_rng(0), []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(y), len(y))
        if task == "regression" or y.iloc[rows].nunique() > 1:
            draws.append(score(task, y.iloc[rows], out[rows], classes))
    return float(np.std(draws))


if __name__ == "__main__":
    main()
