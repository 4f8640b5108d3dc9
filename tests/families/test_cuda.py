"""What the boosters do for a card, as far as it shows without one, and with one."""

import numpy as np
import pytest

from automl.compute import find_driver
from automl.families import (
    DeviceError,
    FitData,
    Problem,
    Resources,
    Watch,
    _quantised,
    compare_devices,
    find_backend,
    get_family,
)
from automl.families._binned import _key
from automl.families._cuda import card_settings
from automl.families._quantised import CELL_ON_CARD, quantised
from automl.families.lightgbm import LightGBMModel
from automl.features import Matrix

CARD = Resources(device="cuda:0", device_bytes=1e9)
PROBLEM = Problem("binary", 3000, 6, 2)
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(3000, 6)).astype(np.float32)
Y = (VALUES[:, 0] > 0).astype(np.int64)
NAMES = tuple("abcdef")


def data(train=2000, cache=None):
    matrix = Matrix(VALUES, NAMES, NAMES, (0,) * 6)
    rows = np.arange(train), np.arange(train, 3000)
    return FitData(matrix, Y, *rows, cache={} if cache is None else cache)


def test_rows_for_a_card_are_copied_once_and_kept_apart_from_those_of_the_cpu():
    kept = {}
    fold, other = data(cache=kept), data(1500, cache=kept)
    assert quantised(fold, CARD)[2] == 1
    assert quantised(other, CARD)[2] == 1
    assert [quantised(d, CARD)[2] for d in (fold, other, fold)] == [0, 0, 0]
    assert quantised(fold, CARD)[0] is quantised(fold, CARD)[0]
    assert quantised(fold, Resources())[0] is not quantised(fold, CARD)[0]
    assert quantised(fold, Resources())[2] == 0
    assert quantised(fold, Resources(device="cuda:1", device_bytes=1e9))[2] == 1


def test_a_large_table_is_copied_once_for_all_folds(monkeypatch):
    monkeypatch.setattr(_quantised, "SAMPLE", 1000)
    kept = {}
    folds = [data(2000, kept), data(1500, kept), data(2000, kept)]
    made = []
    for fold in folds:
        made.append(quantised(fold, CARD))
        assert np.flatnonzero(made[-1].rows.get_weight()).tolist() == fold.train.tolist()
    assert [t.copies for t in made] == [1, 0, 0]
    assert len({id(t.rows) for t in made}) == 1


def test_the_oldest_rows_leave_the_card_for_new_ones():
    some = Resources(device="cuda:0", device_bytes=CELL_ON_CARD * 6 * 3600)
    kept = {}
    fold, other = data(cache=kept), data(1800, cache=kept)
    assert [quantised(d, some)[2] for d in (fold, other, other, fold)] == [1, 1, 0, 1]
    none = Resources(device="cuda:0")
    fold = data()
    assert [quantised(fold, none)[2] for _ in range(2)] == [1, 1]


def test_a_fit_that_falls_back_to_the_cpu_is_an_error_that_says_so():
    if find_driver().devices:
        pytest.skip("there is a card to train on")
    family = get_family("xgboost")
    params = family.starts(PROBLEM)[0].params
    with pytest.raises(DeviceError, match="asked for 'cuda:0' and trains on 'cpu'"):
        family.fit(params, data(), Watch(limit=3), problem=PROBLEM, resources=CARD)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_fit_says_where_it_trained(name):
    family, watch = get_family(name), Watch(limit=3)
    params = family.starts(PROBLEM)[0].params
    model = family.fit(params, data(), watch, problem=PROBLEM, resources=Resources())
    assert (watch.device, watch.copies) == ("cpu", 0)
    assert not any(b"cuda" in content for content in model.save().values())


def test_lightgbms_tables_for_a_card_are_not_those_for_the_cpu():
    keys = [_key(card_settings(d)) for d in ("cpu", "cuda:0", "cuda:1")]
    assert len(set(keys)) == 3
    assert _key({}) == keys[0]


def test_lightgbms_space_stays_within_what_its_cuda_backend_heeds():
    optuna = pytest.importorskip("optuna")
    family, study = get_family("lightgbm"), optuna.create_study()
    matrix = data().matrix
    proposals = [family.suggest(study.ask(), PROBLEM) for _ in range(30)]
    proposals += [s.params for s in family.starts(PROBLEM)]
    for params in proposals:
        use = family.device_use(params, PROBLEM, matrix)
        assert (use is not None) == (params["generated"] == "none")
        assert use is None or use.exclusive


def test_xgboost_needs_more_of_a_card_for_more_rows_and_never_all_of_it_for_itself():
    family, matrix = get_family("xgboost"), data().matrix
    params = family.starts(PROBLEM)[0].params
    few, many = (
        family.device_use(params, Problem("binary", n, 6, 2), matrix) for n in (1000, 10_000_000)
    )
    assert few.bytes < many.bytes
    assert not many.exclusive


def test_a_comparison_with_the_cpu_itself_finds_nothing_wrong():
    for name in ("lightgbm", "xgboost"):
        found = compare_devices(name, "cpu")
        assert not found.reason
        assert found.log_loss == pytest.approx(found.log_loss_cpu)


def test_a_build_without_cuda_is_told_from_the_library_and_not_tried():
    if find_backend("lightgbm", "no driver").build != "cpu":
        pytest.skip("this LightGBM was built with CUDA")
    assert compare_devices("lightgbm", "cuda:0").reason == "it was built without CUDA"


needs_card = pytest.mark.skipif(not find_driver().devices, reason="there is no CUDA device")


@pytest.mark.gpu
@needs_card
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("sample", [_quantised.SAMPLE, 1000])
def test_on_a_card_a_table_is_copied_once_and_the_model_predicts_without_one(
    name, sample, monkeypatch
):
    monkeypatch.setattr(_quantised, "SAMPLE", sample)
    if not find_backend(name).usable:
        pytest.skip(find_backend(name).reason)
    family, kept = get_family(name), {}
    params = family.starts(PROBLEM)[0].params
    copies = []
    for _ in range(3):
        watch = Watch(lambda p: float(np.mean((p[:, 0] - Y[2000:]) ** 2)), limit=20)
        fold = data(cache=kept)
        model = family.fit(params, fold, watch, problem=PROBLEM, resources=CARD)
        assert watch.device == "cuda:0"
        copies.append(watch.copies)
    assert copies[0] > 0
    assert copies[1:] == [0, 0]
    assert not any(b"cuda" in content for content in model.save().values())
    loaded = family.load(model.save()).predict(VALUES[2000:])
    assert np.allclose(loaded, watch.best_predictions, atol=1e-5)


@pytest.mark.gpu
@needs_card
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_on_a_card_the_log_loss_is_that_of_the_cpu(name):
    if not find_backend(name).usable:
        pytest.skip(find_backend(name).reason)
    found = compare_devices(name, "cuda:0")
    assert found.log_loss == pytest.approx(found.log_loss_cpu, rel=0.02)


def test_a_models_text_without_its_card_is_read_like_any_other():
    family = get_family("lightgbm")
    params = family.starts(PROBLEM)[0].params
    model = family.fit(params, data(), Watch(limit=3), problem=PROBLEM, resources=Resources())
    text = model.save()["model.txt"].decode()
    assert "[device_type: cpu]" in text
    there = LightGBMModel(text.replace("[device_type: cpu]", "[device_type: cuda]"))
    assert np.array_equal(there.predict(VALUES), model.predict(VALUES))


def test_a_model_that_is_moved_to_a_card_says_if_it_is_not_there():
    if find_driver().devices:
        pytest.skip("there is a card to predict on")
    family = get_family("xgboost")
    params = family.starts(PROBLEM)[0].params
    model = family.fit(params, data(), Watch(limit=3), problem=PROBLEM, resources=Resources())
    before, saved = model.predict(VALUES), model.save()
    model.move("cuda:0")
    with pytest.raises(DeviceError, match="asked for 'cuda:0'"):
        model.predict(VALUES)
    assert model.save() == saved
    model.move("cpu")
    assert np.array_equal(model.predict(VALUES), before)


@pytest.mark.gpu
@needs_card
def test_a_model_predicts_the_same_on_a_card():
    family = get_family("xgboost")
    params = family.starts(PROBLEM)[0].params
    model = family.fit(params, data(), Watch(limit=50), problem=PROBLEM, resources=Resources())
    before = model.predict(VALUES)
    model.move("cuda:0")
    assert np.allclose(model.predict(VALUES), before, atol=1e-5)
