"""The family keeps automl's contract, is found by its entry point, and honours categories."""

from dataclasses import replace
from importlib.metadata import entry_points

import numpy as np
import pandas as pd
import pytest
from automl import AutoModel, load
from automl.families import Watch, check_family, family_names, get_family
from automl.families._case import Case

from automl_catboost import CatBoost


def test_it_keeps_the_contract():
    check_family(CatBoost())


def test_it_is_found_by_its_entry_point():
    assert "catboost" in {e.name for e in entry_points(group="automl.families")}
    assert "catboost" in family_names()
    assert isinstance(get_family("catboost"), CatBoost)


@pytest.fixture
def shops():
    """A target that hangs on which shop it is, of 40, in no order, and on a number."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 40, 1500)
    size = rng.normal(size=1500)
    likes = rng.normal(size=40)[shop] + 0.5 * size + 0.3 * rng.normal(size=1500) > 0
    frame = pd.DataFrame({"shop": pd.Series(shop).map("shop {}".format), "size": size})
    frame.loc[::20, "shop"] = None
    return frame, np.where(likes, "yes", "no")


def test_it_can_win_and_its_model_can_be_loaded(shops, tmp_path):
    X, y = shops
    model = AutoModel(
        metric="roc_auc",
        time_budget=None,
        max_trials=1,
        families=["catboost"],
        n_jobs=1,
        random_state=0,
    ).fit(X[:1000], y[:1000])
    assert model.winner_ == "catboost-1"
    assert model.score(X[1000:], y[1000:]) > 0.85
    loaded = load(model.save(tmp_path / "it.automl"))
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert not [p for p in tmp_path.iterdir() if not p.name.startswith("it.automl")]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_one_class_alone_gives_a_model(task):
    case = Case(CatBoost(), task)
    data = case.data()
    model, _ = case.fit(replace(data, y=np.zeros_like(data.y)))
    out = model.predict(data.valid_X)
    assert out.shape == (len(data.valid), case.problem.n_outputs)
    assert ((out[:, 0] < 0.5) if task == "binary" else (out[:, 0] == 1)).all()


def test_an_error_of_the_metric_is_told_as_it_is():
    def loss(_):
        raise ZeroDivisionError("this metric divides")

    case = Case(CatBoost(), "regression")
    with pytest.raises(ZeroDivisionError, match="this metric divides"):
        case.fit(case.data(), Watch(loss))


def test_columns_that_say_more_contribute_more():
    case = Case(CatBoost(), "binary")
    data = case.data()
    model, _ = case.fit(data)
    shares = model.contributions(data.valid_X)
    assert shares.shape == (data.matrix.shape[1],)
    assert shares.argmax() == 0


def test_a_training_that_ends_by_itself_shows_its_last_round():
    case = Case(CatBoost(), "regression")
    data = case.data()
    watch = Watch(case.loss(data), limit=7)
    model, _ = case.fit(data, watch)
    assert watch.last_step == 7
    assert np.allclose(watch.best_predictions, model.predict(data.valid_X), rtol=1e-4)
