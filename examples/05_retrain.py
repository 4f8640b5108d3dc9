"""A job for every night: check new rows, train a challenger, promote it if it is better."""

import tempfile
from pathlib import Path

import pandas as pd

import automl

source = Path(__file__).parents[1] / "datasets" / "birdstrikes.csv"
strikes = pd.read_csv(source, parse_dates=["date"]).sort_values("date")
history, tonight = strikes.iloc[:6000], strikes.iloc[6000:8500]

X, y = history.drop(columns="damage"), history["damage"]
champion = automl.AutoModel(families=["linear"], time_budget=None, max_trials=1, random_state=0)
champion.fit(X, y)

job = {"time": "date", "time_budget": None, "mode": "refit", "slices": ["time_of_day"]}

with tempfile.TemporaryDirectory() as folder:
    registry = Path(folder) / "models"

    # The first time the champion is a model; it becomes version 1 of a new registry.
    result = automl.Retrain(out=registry, **job).run(champion, tonight, history)
    print(f"{result.decision}: {result.reason}")
    print("version", result.version, "serves; difference", result.difference, result.interval)

    # The same file once more is recognised, and nothing is trained.
    result = automl.Retrain(**job).run(registry, tonight, history)
    print(f"{result.decision}: {result.reason}")

    # A broken file is refused, and the reason says what is wrong with it.
    broken = strikes.iloc[8500:].rename(columns={"speed_knots": "speed"})
    result = automl.Retrain(**job).run(registry, broken)
    print(f"{result.decision}: {result.reason}")

    # Whatever was decided, a path of the registry loads the version that serves.
    model = automl.load(registry)
    print(model.predict_proba(strikes.iloc[8500:8503].drop(columns="damage")))
