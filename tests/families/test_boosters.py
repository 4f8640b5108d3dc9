"""How fits share and copy rows: bins from a file, from a sample, from the rows of one fit."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from automl.families import (
    Problem,
    Resources,
    Watch,
    _binned,
    _quantised,
    check_family,
    forest,
    get_family,
)
from automl.families._case import Case

TASKS = ["binary", "multiclass", "regression"]


# -- LightGBM ----------------------------------------------------------------------------


def weighted(case):
    rng = np.random.default_rng(0)
    return replace(case.data(), weight=rng.uniform(0.5, 2.0, case.n_rows), cache={})


@pytest.mark.parametrize("task", TASKS)
def test_bins_from_a_file_are_the_same_bins(task, tmp_path):
    case = Case(get_family("lightgbm"), task)
    alone = case.fit(weighted(case))[0].save()
    folder = tmp_path / "new"
    for _ in range(2):
        assert case.fit(replace(weighted(case), folder=folder))[0].save() == alone
        assert [f.name for f in folder.iterdir()] == ["lightgbm.bin"]


def test_the_file_is_used_where_there_is_one(tmp_path, monkeypatch):
    case = Case(get_family("lightgbm"), "binary")
    case.fit(replace(case.data(), folder=tmp_path, cache={}))
    monkeypatch.setattr(_binned, "_construct", None)  # binning would fail
    case.fit(replace(case.data(), folder=tmp_path, cache={}))


def test_several_may_write_the_file_at_once(tmp_path):
    case = Case(get_family("lightgbm"), "binary")
    tasks = [replace(case.data(), folder=tmp_path, cache={}) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        models = [m.save() for m, _ in pool.map(case.fit, tasks)]
    assert models == models[:1] * 4
    assert [f.name for f in tmp_path.iterdir()] == ["lightgbm.bin"]


def test_few_rows_are_binned_for_themselves(tmp_path):
    case = Case(get_family("lightgbm"), "binary")
    data = replace(case.data(), folder=tmp_path)
    few = replace(data, train=data.train[:60], valid=data.valid[:20])
    model, watch = case.fit(few)
    assert not list(tmp_path.iterdir())
    assert not few.cache
    out = model.predict(few.valid_X)
    np.testing.assert_allclose(watch.best_predictions, out, rtol=1e-5)


def test_lightgbm_keeps_its_contract_where_each_fit_bins_its_rows(monkeypatch):
    monkeypatch.setattr(_binned, "FEW", 2.0)
    check_family(get_family("lightgbm"))


# -- XGBoost -----------------------------------------------------------------------------


def test_xgboost_keeps_its_contract_on_the_way_of_many_rows(monkeypatch):
    """Bins of a sample, quantised in blocks and not kept, validation rows left as they are."""
    monkeypatch.setattr(_quantised, "SAMPLE", 50)
    monkeypatch.setattr(_quantised, "FEW_ROWS", 0)
    monkeypatch.setattr(_quantised, "BLOCK_CELLS", 37)
    monkeypatch.setattr(_quantised, "KEPT_CELLS", 0)
    check_family(get_family("xgboost"))


@pytest.mark.parametrize("task", TASKS)
def test_plain_and_quantised_validation_rows_are_predicted_alike(task, monkeypatch):
    case = Case(get_family("xgboost"), task)
    shown = []
    for few in (0, 10**9):
        monkeypatch.setattr(_quantised, "FEW_ROWS", few)
        data = case.data()
        steps = []
        watch = Watch(lambda p, s=steps: s.append(p) or float(len(s)), limit=9, patience=99)
        case.fit(data, watch)
        shown.append(steps)
    np.testing.assert_allclose(*shown, rtol=1e-5, atol=1e-6)


def test_xgboost_keeps_its_contract_where_one_matrix_serves_all_folds(monkeypatch):
    monkeypatch.setattr(_quantised, "ONE_COPY", {"cpu"})
    monkeypatch.setattr(_quantised, "SAMPLE", 50)
    check_family(get_family("xgboost"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("weigh", [False, True])
def test_one_matrix_makes_the_trees_that_the_rows_of_each_fold_make(task, weigh, monkeypatch):
    monkeypatch.setattr(_quantised, "SAMPLE", 50)  # the bins are those of a sample either way
    case = Case(get_family("xgboost"), task)
    first = weighted(case) if weigh else case.data()
    rows = np.union1d(first.valid, first.train[:40])
    folds = (first, replace(first, train=first.train[40:], valid=rows), first)
    found = {}
    for device in ("", "cpu"):
        monkeypatch.setattr(_quantised, "ONE_COPY", {device})
        cache, found[device] = {}, []
        for fold in folds:
            model, shown = fit_without_samples(case, replace(fold, cache=cache))
            np.testing.assert_allclose(shown, model.predict(fold.valid_X), rtol=1e-5)
            found[device].append(model.predict(fold.train_X))
        assert len(cache["xgboost"]) == (1 if device else 2)
    for rows_of_each, weights_for_each in zip(found[""], found["cpu"], strict=True):
        np.testing.assert_allclose(weights_for_each, rows_of_each, rtol=1e-5)


def fit_without_samples(case, data):
    """A model, and the predictions that its last step showed."""
    shown = []
    watch = Watch(lambda p: shown.append(p) or -float(len(shown)), limit=9)
    return case.fit(data, watch, params=case.params | {"subsample": 1.0})[0], shown[-1]


def test_one_matrix_is_for_fits_on_a_card_that_leave_out_no_rows(monkeypatch):
    monkeypatch.setattr(_quantised, "SAMPLE", 100)
    card = Resources(device="cuda:1", device_bytes=1e9)
    data = Case(get_family("xgboost"), "binary").data()
    few = replace(data, train=data.train[:90], valid=np.union1d(data.valid, data.train[90:]))
    made = [
        _quantised.quantised(d, card) for d in (data, replace(data, train=data.train[1:]), few)
    ]
    assert [t.whole for t in made] == [True, False, False]
    assert [t.rows.num_row() for t in made] == [240, len(data.train) - 1, 90]
    refit = _quantised.quantised(replace(data, train=np.arange(240), valid=np.arange(0)), card)
    assert refit.rows is made[0].rows
    assert not _quantised.quantised(data, Resources()).whole


def test_quantised_folds_are_kept_while_they_are_small(monkeypatch):
    case = Case(get_family("xgboost"), "binary")
    data = case.data()
    cells = len(data.train) * data.matrix.shape[1]
    monkeypatch.setattr(_quantised, "KEPT_CELLS", 2 * cells)
    folds = [replace(data, train=np.delete(data.train, i)) for i in range(3)]
    kept = []
    for fold in (folds[0], folds[1], folds[1], folds[2]):
        kept.append(_quantised.quantised(fold, Resources())[0])
    assert kept[1] is kept[2]
    assert [m for m, _ in data.cache["xgboost"].values()] == [kept[1], kept[3]]


def test_a_sample_for_bins_knows_every_category(monkeypatch):
    """A category that the sample does not have is no other category."""
    monkeypatch.setattr(_quantised, "SAMPLE", 2)
    case = Case(get_family("xgboost"), "regression")
    plain = case.data()
    city = plain.matrix.values[:, plain.matrix.categorical[0]]
    y = np.where(city == 2, 5.0, np.where(np.isnan(city), 0.0, city))
    model, _ = case.fit(replace(plain, y=y), Watch(None, limit=200))
    known = np.flatnonzero(city < 3)
    out = model.predict(plain.matrix.values[known])[:, 0]
    for code, value in ((0, 0.0), (1, 1.0), (2, 5.0)):
        assert abs(np.median(out[city[known] == code]) - value) < 0.2


# -- forests -----------------------------------------------------------------------------


def test_out_of_bag_forests_read_the_shared_matrix():
    data = Case(get_family("random_forest"), "binary").data()
    rows = np.arange(len(data.y))
    shared = forest._float32(data, rows)
    assert np.shares_memory(shared, data.matrix.values)
    assert not np.shares_memory(forest._float32(data, rows[1:]), data.matrix.values)
    np.testing.assert_array_equal(forest._float32(data, rows[1:]), shared[1:])


def test_samples_of_new_trees_are_those_of_scikit_learn():
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    grown = RandomForestClassifier(6, random_state=0).fit(rng.normal(size=(30, 2)), [0, 1] * 15)
    np.testing.assert_array_equal(forest._drawn(grown, 4), grown.estimators_samples_[4:])
    assert len(grown.estimators_) == 6


# -- threads -----------------------------------------------------------------------------

THREADS = """
import os, sys
from automl.families import Resources, Watch, get_family
from automl.families._case import Case

family = get_family(sys.argv[1])
case = Case(family, "binary", n_rows=3000)
for n_threads in (1, 2, 1):
    data = case.data()
    model = family.fit(case.params, data, Watch(case.loss(data), limit=5), problem=case.problem,
                       resources=Resources(n_threads=n_threads))
    print(len(os.listdir("/proc/self/task")), model.predict(data.valid_X).tobytes().hex())
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_fit_may_be_granted_more_threads_than_the_environment_says(name):
    """Workers have one thread by their environment; where one is idle, the other gets two."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS, name],
        env=os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        check=True,
    )
    counts, predictions = zip(*(line.split() for line in done.stdout.splitlines()), strict=True)
    assert int(counts[1]) == int(counts[0]) + 1
    assert counts[2] == counts[1]
    assert len(set(predictions)) == 1


# -- targets of ratios -------------------------------------------------------------------


def test_tweedie_is_proposed_for_means_of_ratios():
    family = get_family("lightgbm")
    for ratios, absolute, expected in [(1, 0, True), (0, 0, False), (1, 1, False)]:
        problem = Problem("regression", 300, 3, absolute_error=bool(absolute), ratios=bool(ratios))
        starts = family.starts(problem)
        assert any(s.params.get("objective") == "tweedie" for s in starts) is expected


def test_tweedie_predicts_values_above_zero_and_leaves_others_alone():
    case = Case(get_family("lightgbm"), "regression")
    above = replace(case.data(), y=np.exp(case.y))
    tweedie = case.params | {"objective": "tweedie"}
    model, watch = case.fit(above, Watch(lambda p: -len(p), limit=50), params=tweedie)
    assert model.predict(above.valid_X).min() > 0
    below = replace(case.data(), cache={})
    same = [case.fit(below, params=p)[0].predict(below.valid_X) for p in (tweedie, case.params)]
    np.testing.assert_array_equal(*same)
