"""Tables to measure on, splits, scores, and a line of facts about the machine."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from automl.table import read_table

SHIPPED = Path(__file__).resolve().parent.parent / "datasets"
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


def index(folder: Path) -> dict[str, dict[str, Any]]:
    """The tables of a folder by name."""
    listed = json.loads((folder / "index.json").read_text())
    entries = listed if isinstance(listed, list) else listed["tables"]
    return {e["name"]: e for e in entries}


def load(folder: Path, entry: dict[str, Any]) -> pd.DataFrame:
    """Read a table, without the rows that have no target."""
    frame = read_table(folder / entry.get("file", f"{entry['name']}.parquet"))
    return frame[frame[entry["target"]].notna()].reset_index(drop=True)


def split(
    frame: pd.DataFrame, entry: dict[str, Any], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two thirds to train, one third to test; classes as text, those under ten rows left out."""
    target, stratify = entry["target"], None
    if entry["task"] != "regression":
        frame = frame.assign(**{target: "c" + frame[target].astype(str)})
        counts = frame[target].value_counts()
        frame = frame[frame[target].isin(counts[counts >= 10].index)].reset_index(drop=True)
        stratify = frame[target]
    size = 1 / 3 if len(frame) < 100_000 else 50_000
    train, test = train_test_split(frame, test_size=size, random_state=seed, stratify=stratify)
    return train.reset_index(drop=True), test.reset_index(drop=True)


def score(task: str, y: pd.Series, predictions: np.ndarray, classes: list[str]) -> float:
    """AUC, log loss or RMSE."""
    if task == "regression":
        return float(root_mean_squared_error(y.astype(float), predictions))
    if task == "binary":
        return float(roc_auc_score(y == classes[1], predictions[:, 1]))
    clipped = np.clip(predictions, 1e-15, 1)
    return float(log_loss(y, clipped / clipped.sum(axis=1, keepdims=True), labels=classes))


def machine() -> dict[str, Any]:
    """Date and size of the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }
