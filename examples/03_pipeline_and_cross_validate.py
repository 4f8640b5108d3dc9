"""A scikit-learn estimator: in a pipeline, in cross_validate, with scikit-learn's scorers."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from automl import AutoRegressor

colleges = pd.read_csv(Path(__file__).parents[1] / "datasets" / "colleges.csv")
X, y = colleges.drop(columns="median_earnings"), colleges["median_earnings"]


def add_share(table):
    """What the two counts say together."""
    total = table["students_working"] + table["students_not_working"]
    return table.assign(share_working=table["students_working"] / total)


search = AutoRegressor(families=["linear"], time_budget=None, max_trials=2, random_state=0)
in_dollars = TransformedTargetRegressor(search, func=np.log, inverse_func=np.exp)
pipeline = make_pipeline(FunctionTransformer(add_share), in_dollars)

result = cross_validate(
    pipeline,
    X,
    y,
    cv=KFold(3, shuffle=True, random_state=0),
    scoring={"error": "neg_mean_absolute_error", "r2": "r2"},
)
print("mean absolute error by fold, dollars:", np.round(-result["test_error"]).tolist())
print("share of the variance explained by fold:", np.round(result["test_r2"], 2).tolist())
