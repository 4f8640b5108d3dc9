"""Weights of rows in every part of a retraining."""

import numpy as np
import pandas as pd
import pytest

from automl._weights import WeightsError
from automl.objective import get_metric
from automl.registry import Registry
from automl.retrain import Retrain
from automl.retrain._batch import Batch, joined
from automl.retrain._challenger import compare
from automl.retrain._champion import Champion
from automl.retrain._checks import Report
from automl.retrain._compare import Demands, compare_slices, paired
from automl.retrain._divide import divide, require_classes
from automl.retrain._look import look
from automl.retrain._overlap import without_new
from automl.retrain._probe import constant_score, learnable
from automl.retrain._recipe import Recipe
from automl.retrain._rules import Rules
from automl.retrain._train import Trainer
from automl.table import Schema, Target, fingerprint

from .conftest import fit_linear, make_rows

MAE = get_metric("mae", task="regression")
QUICK = {"time": "day", "n_jobs": 1, "time_budget": 30}


def with_wrong_rows(n, seed, first_day=30):
    """Rents that rose, and a third of rows that are wrong and weigh nothing."""
    rows = make_rows(n, seed, first_day=first_day)
    rng = np.random.default_rng(seed + 100)
    wrong = rng.random(n) < 1 / 3
    rent = np.where(wrong, 10_000 * rng.random(n), rows["rent"] + 4 * rows["area"])
    return rows.assign(rent=rent, share=np.where(wrong, 0.0, rng.integers(1, 4, n)))


@pytest.fixture(scope="module")
def weighted(history, tmp_path_factory):
    """A champion that was fitted with weights."""
    weight = pd.Series(np.linspace(1, 2, len(history)), name="share")
    return fit_linear(history, tmp_path_factory.mktemp("weighted"), weight)


# -- the comparison -----------------------------------------------------------------------


def test_the_difference_is_that_of_weighted_scores():
    y = np.zeros(4)
    old, new = np.array([[1.0], [1.0], [4.0], [4.0]]), np.array([[2.0], [2.0], [2.0], [2.0]])
    alike = paired(MAE, y, old, new)
    assert (alike.champion, alike.challenger, alike.difference) == (2.5, 2.0, 0.5)
    found = paired(MAE, y, old, new, sample_weight=np.array([3.0, 3.0, 1.0, 1.0]))
    assert (found.champion, found.challenger, found.difference) == (1.75, 2.0, -0.25)


def test_the_interval_is_that_of_the_rows_that_count():
    rng = np.random.default_rng(0)
    y, old = np.zeros(400), rng.normal(0, 3, (400, 1))
    new = old + rng.normal(0, 1, (400, 1))
    counts = np.arange(400) < 100
    y[~counts] = 1e6 * rng.normal(size=300)
    found = paired(MAE, y, old, new, sample_weight=counts.astype(float))
    alone = paired(MAE, y[counts], old[counts], new[counts])
    assert found.difference == pytest.approx(alone.difference)
    assert found.interval == pytest.approx(alone.interval, abs=0.05)
    width = np.ptp(alone.interval)
    assert 0.8 * width < np.ptp(found.interval) < 1.3 * width


def test_a_metric_without_weights_takes_all_rows_alike():
    metric = get_metric("max_error", task="regression")
    y, old, new = np.zeros(2), np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]])
    assert paired(metric, y, old, new, sample_weight=np.array([1.0, 0.0])).difference == 3.0


def test_slices_are_weighed_and_as_large_as_the_rows_that_count():
    frame = pd.DataFrame({"town": np.repeat(["Ulm", "Bonn"], 60)})
    y, old, new = np.zeros(120), np.ones((120, 1)), np.full((120, 1), 2.0)
    new[:30] = 0.5
    weight = np.repeat([3.0, 1.0, 1.0, 0.0], [30, 30, 29, 31])
    found = compare_slices(MAE, y, (old, new), frame, ["town"], sample_weight=weight)
    assert list(found) == ["town=Ulm"]
    assert found["town=Ulm"].difference == pytest.approx((3 * 0.5 - 1 * 1.0) / 4)


@pytest.mark.parametrize(
    ("metric", "task", "y", "best"),
    [
        ("rmse", "regression", np.array([0.0, 0.0, 6.0, 6.0]), np.sqrt(0.8 * 0.2) * 6),
        ("mae", "regression", np.array([0.0, 0.0, 6.0, 6.0]), 0.2 * 6),
        ("brier", "binary", np.array([0, 0, 1, 1]), 0.8 * 0.2),
    ],
)
def test_the_best_constant_is_weighed(metric, task, y, best):
    target = Target(task, "y", None if task == "regression" else np.array([0, 1]))
    weight = np.array([1.0, 1.0, 4.0, 4.0])
    found = constant_score(get_metric(metric, task=task), y, target, weight)
    assert found == pytest.approx(best)


def test_labels_that_count_can_be_learned_among_those_that_do_not():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1200)
    counts = rng.random(1200) < 0.5
    y = np.where(counts, x, -x)
    target, weight = Target("regression", "y", None), counts.astype(float)
    score, baseline = learnable({"x": x}, y, target, MAE, sample_weight=weight)
    assert score < 0.3 * baseline
    score, baseline = learnable({"x": x}, y, target, MAE)
    assert score > 0.9 * baseline


# -- the rows -----------------------------------------------------------------------------


def weighed(frame, **changes):
    return Batch.read(frame.assign(**changes), "y", "day", what="t").weighed("w", "t")


@pytest.fixture
def numbered():
    """Rows in disorder; the weight of each is its day."""
    day = np.random.default_rng(0).permutation(120).astype(float)
    return pd.DataFrame({"day": day, "a": day % 7, "y": day, "w": day})


def test_weights_stay_with_their_rows(numbered):
    new, old = (
        weighed(numbered, day=numbered["day"] + 120, w=numbered["w"] + 120),
        weighed(numbered),
    )
    parts = divide(new, old, window=60)
    for batch, first in ((parts.train, 150), (parts.recent, 210), (parts.rows, 180)):
        assert batch.weights.tolist() == batch.when.tolist()
        assert batch.when.min() == first
    assert joined([new, old]).weights.sum() == sum(range(240))


def test_rows_weighed_anew_are_the_same_rows(numbered):
    old, new = weighed(numbered), weighed(numbered.tail(40), w=9.0)
    schema = Schema.infer(numbered.drop(columns=["y", "w"]))
    left = without_new(old, new, schema)
    assert len(left) == 80
    assert not set(left.when) & set(new.when)


def test_rows_that_all_weigh_nothing_are_no_rows_to_train_on(numbered):
    late = np.where(numbered["day"] >= 90, 1.0, 0.0)
    parts = divide(weighed(numbered, w=late), None)
    with pytest.raises(ValueError, match="All 90 rows to train on have the weight zero"):
        require_classes(parts, Target("regression", "y", None))


def test_weights_must_be_there_and_not_be_the_target(numbered):
    batch = Batch.read(numbered, "y", "day", what="the new data")
    with pytest.raises(WeightsError, match="no weights column 'W' in the new data"):
        batch.weighed("W", "the new data")
    with pytest.raises(ValueError, match="both the target and the weights"):
        batch.weighed("y", "the new data")


# -- challengers --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["refit", "search"])
def test_challengers_learn_and_are_compared_by_weights(champion, kind):
    model = Champion.read(champion.read_bytes(), "the champion", metric="mae")
    rows, recent = (
        Batch.read(with_wrong_rows(400, seed), "rent", "day", what="t").weighed("share", "t")
        for seed in (1, 2)
    )
    trainer = Trainer(model, Retrain(n_jobs=1))
    fit = getattr(trainer, kind)(Recipe.of(model.manifest), rows, None)
    assert (fit.manifest["weighted"], fit.manifest["weights"]) == (True, "share")
    assert "share" not in {column.name for column in fit.predictor.schema.features}
    found, expected = compare(model, fit, recent, Demands())
    before, after = (
        np.average(np.abs(p.predict_raw(recent.frame)[:, 0] - recent.y), weights=recent.weights)
        for p in (model.predictor, fit.predictor)
    )
    assert found.overall.champion == pytest.approx(before)
    assert found.overall.difference == pytest.approx(before - after)
    assert after < 150  # with the wrong rows it is far above
    low, high = expected["interval"]
    assert low < after < high < 200


def test_a_feature_that_weighs_rows_now_is_none_any_more(champion, batch):
    model = Champion.read(champion.read_bytes(), "the champion")
    rows = Batch.read(batch, "rent", "day", what="t").weighed("rooms", "t")
    fit = Trainer(model, Retrain(n_jobs=1)).refit(Recipe.of(model.manifest), rows, None)
    before, after = ({c.name for c in p.schema.features} for p in (model.predictor, fit.predictor))
    assert before - after == {"rooms"}
    assert compare(model, fit, rows, Demands())[0].overall.n_rows == len(batch)


# -- whole jobs ---------------------------------------------------------------------------


def test_a_job_goes_by_weights_from_the_checks_to_the_model_that_serves(
    weighted, history, tmp_path
):
    new, old = with_wrong_rows(400, 1), history.assign(share=1)
    job = Retrain(out=tmp_path / "models", mode="refit", slices=["town"], window=500, **QUICK)
    result = job.run(weighted, new, old)
    assert (result.decision, result.weights) == ("promoted", "share")
    assert result.challenger["score"] < result.champion["score"]
    assert not [f.name for f in result.checks if f.name == "new_columns" and f.action != "ok"]
    current = Registry.open(tmp_path / "models").current
    served = Champion.read(current.read(), "the new one")
    assert (served.weights, served.manifest["n_rows"]) == ("share", 500)
    good = with_wrong_rows(300, 3).query("share > 0").drop(columns=["share", "rent"])
    assert np.abs(served.predictor.predict_raw(good)).max() < 5000


def test_rows_without_weights_are_refused_for_a_champion_with(weighted, tmp_path):
    new = with_wrong_rows(300, 1)
    old = new.drop(columns="share")
    cases = [
        (old, None, "no weights column 'share' in the new data"),
        (new, old, "no weights column 'share' in the old data"),
        (new.assign(share=0), None, "is zero in all 300 rows"),
        (new.assign(share=-new["rent"]), None, "Each row needs a number, zero or above"),
    ]
    for rows, before, told in cases:
        result = Retrain(out=tmp_path / "models", **QUICK).run(weighted, rows, before)
        assert (result.decision, result.exit_code, result.version) == ("refused", 3, 1)
        assert told in result.reason
        assert [f.name for f in result.checks if f.action == "refuse"] == ["weights"]
    registry = Registry.open(tmp_path / "models")
    assert [job["decision"] for job in registry.jobs()] == ["refused"] * len(cases)


def test_wrong_rows_that_weigh_nothing_are_no_fall_and_weights_no_leak(champion):
    rows = make_rows(400, 1, first_day=30)
    wrong = np.random.default_rng(0).random(400) < 1 / 3
    rent = np.where(wrong, -9999, rows["rent"])
    rows = rows.assign(rent=rent, share=np.where(wrong, 0, rent))
    plain = Batch.read(rows, "rent", "day", what="t")
    found = []
    for batch in (plain, plain.weighed("share", "t")):
        report = Report(Rules.read({"target_units": "off", "fallen": -1}))
        model = Champion.read(champion.read_bytes(), "the champion")
        look(report, model, batch, None, found=fingerprint(rows), time="day")
        (fallen,) = [f for f in report.findings if f.name == "fallen"]
        error = np.abs(model.predictor.predict_raw(batch.frame)[:, 0] - rent)
        assert f"mae {np.average(error, weights=batch.weights):.5g} on" in fallen.message
        of_share = {f.name for f in report.findings if f.column == "share"}
        found.append((fallen.value > 0.1, of_share))
        new = next(f.action for f in report.findings if f.name == "new_columns")
        assert new == ("warn" if batch is plain else "ok")
    assert found == [(True, {"leak"}), (False, set())]


def test_few_recent_rows_that_count_are_too_few(weighted, tmp_path):
    new = with_wrong_rows(400, 1)
    new.loc[320:, "share"] = 0.0
    result = Retrain(out=tmp_path / "models", mode="refit", **QUICK).run(weighted, new)
    assert result.decision == "nothing"
    assert "recent rows with a weight above zero are too few" in result.reason
