"""Say what success means: a function of your own decides what is tried, stopped and chosen."""

from pathlib import Path

import numpy as np
import pandas as pd

from automl import AutoModel

strikes = pd.read_csv(Path(__file__).parents[1] / "datasets" / "birdstrikes.csv", nrows=6000)
X, y = strikes.drop(columns="damage"), strikes["damage"]
old, new = X.index < 4000, X.index >= 4000


def caught(y_true, y_proba):
    """Share of the damaged aircraft among the tenth that would be inspected first."""
    first = np.argsort(-y_proba, kind="stable")[: len(y_proba) // 10]
    damaged = y_true == "yes"
    return damaged[first].sum() / max(damaged.sum(), 1)


caught.response_method = "predict_proba"  # it wants probabilities, not labels
caught.greater_is_better = True

model = AutoModel(
    metric=caught, families=["lightgbm", "linear"], time_budget=None, max_trials=4, random_state=0
)
model.fit(X[old], y[old])

print(model.leaderboard_[["name", "score", "state", "seconds"]].to_string(index=False))
low, high = model.score_interval_
print(f"\ncross-validated {model.score_:.3f}, 95 % interval {low:.3f} to {high:.3f}")
print(f"on new rows     {model.score(X[new], y[new]):.3f}")
print("by chance       0.100")
