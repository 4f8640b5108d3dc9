"""Fits of the libraries that families use, for tests in workers. The payload is the threads."""

import importlib
from contextlib import suppress


def _table(n_rows=40_000):
    import numpy as np

    generator = np.random.default_rng(0)
    X = generator.normal(size=(n_rows, 30)).astype(np.float32)
    return X, (X[:, 0] + generator.normal(size=n_rows) > 0).astype(int)


def lightgbm(payload, data, channel):
    import lightgbm as lgb

    table = lgb.Dataset(*_table())
    channel.report("fit")
    told = {} if payload is None else {"num_threads": payload}
    lgb.train({"objective": "binary", "verbose": -1, "num_leaves": 63} | told, table, 30)


def xgboost(payload, data, channel):
    import xgboost as xgb

    table = xgb.DMatrix(*_table(), nthread=payload)
    channel.report("fit")
    told = {} if payload is None else {"nthread": payload}
    # XGBoost takes no more threads than OMP_NUM_THREADS says, unless its own setting does.
    with xgb.config_context(nthread=payload or 0):
        xgb.train({"objective": "binary:logistic"} | told, table, 30)


def forest(payload, data, channel):
    from sklearn.ensemble import RandomForestClassifier

    X, y = _table(10_000)
    channel.report("fit")
    RandomForestClassifier(16, n_jobs=payload, max_depth=10).fit(X, y)


def pools(payload, data, channel):
    """How many threads libraries would make by themselves."""
    import joblib
    import pyarrow

    sizes = {
        "arrow": pyarrow.cpu_count(),
        "arrow, files": pyarrow.io_thread_count(),
        "joblib": joblib.cpu_count(),
        "joblib, all": joblib.effective_n_jobs(-1),
    }
    with suppress(ImportError):
        sizes["polars"] = importlib.import_module("polars").thread_pool_size()
    return sizes
