"""The table as LightGBM trains on it: cut into bins once, then taken apart for each fold."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.families._base import FitData, Params

if TYPE_CHECKING:
    import lightgbm

DATASET = {
    "max_bin": 255,
    "feature_pre_filter": False,
    "min_data_in_bin": 3,
    "verbosity": -1,
    "data_random_seed": 1,
}
"""Fixed for all trials, so that the table is binned once."""

SAMPLE = 200_000
SAMPLE_CELLS = 20_000_000
"""LightGBM copies that many rows, 12 bytes a cell, to find the bins; fewer of a wide table."""

FEW = 0.5
"""Where a fit needs less than this share of the rows, only these are binned, for it alone."""


def sample_size(n_columns: int) -> int:
    """Rows that bins are made from."""
    return min(SAMPLE, max(SAMPLE // 10, SAMPLE_CELLS // n_columns))


def datasets(
    data: FitData, params: Params
) -> tuple["lightgbm.Dataset", "lightgbm.Dataset | None", int]:
    """Binned training rows, and binned validation rows if there are any.

    Returns
    -------
    lightgbm.Dataset
    lightgbm.Dataset or None
    int
        How many tables were copied to the card. Its parts are made there, of the whole; what
        histograms read row by row LightGBM copies again for each booster, which is not counted.
    """
    on_card = params.get("device_type", "cpu") != "cpu"
    if len(data.train) + len(data.valid) < FEW * len(data.y):
        train = _construct(data, data.train, params)
        valid = _construct(data, data.valid, params, reference=train) if len(data.valid) else None
        return train, valid, on_card * (1 + (valid is not None))
    copies = int(on_card and _key(params) not in data.cache)
    full = _binned(data, params)
    train = _subset(full, data.train, params)
    return train, _subset(full, data.valid, params) if len(data.valid) else None, copies


def _construct(
    data: FitData,
    rows: np.ndarray | slice,
    params: Params,
    reference: "lightgbm.Dataset | None" = None,
) -> "lightgbm.Dataset":
    """Bin rows of the table."""
    import lightgbm as lgb

    return lgb.Dataset(
        data.matrix.values[rows],
        label=data.y[rows],
        weight=None if data.weight is None else data.weight[rows],
        categorical_feature=list(data.matrix.categorical),
        reference=reference,
        params=params,
        free_raw_data=True,
    ).construct()


def _binned(data: FitData, params: Params) -> "lightgbm.Dataset":
    """The whole table, binned by the first process that needs it."""
    import lightgbm as lgb

    key = _key(params)
    if key not in data.cache:
        # Bins for a card are laid out otherwise, and one process has them.
        shared = data.folder if key == "lightgbm" else None
        file = None if shared is None else shared / "lightgbm.bin"
        if file is not None and file.exists():
            categories = list(data.matrix.categorical)
            full = lgb.Dataset(file, categorical_feature=categories, params=params).construct()
        else:
            full = _construct(data, slice(None), params)
            if file is not None:
                _save(full, file)
        data.cache[key] = full
    return data.cache[key]


def _key(params: Params) -> str:
    """Under which name the cache of a process has the binned table."""
    device = params.get("device_type", "cpu")
    return "lightgbm" if device == "cpu" else f"lightgbm {device}:{params['gpu_device_id']}"


def _save(dataset: "lightgbm.Dataset", file: Path) -> None:
    """Write a binned table, complete or not at all; others may do the same at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=file.parent) as draft:
        dataset.save_binary(Path(draft, file.name))
        Path(draft, file.name).replace(file)


def _subset(full: "lightgbm.Dataset", rows: np.ndarray, params: Params) -> "lightgbm.Dataset":
    """Rows of a binned table, which are in ascending order."""
    part = full.subset([], params=params)
    part.used_indices = rows.astype(np.int32)  # what `subset` makes of them are Python's numbers
    return part.construct()
