"""Whole jobs: what is promoted, what is not, and what the registry then holds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from automl import AutoModel, load
from automl.exceptions import DataError, RegistryLockedError, UsageError
from automl.families import Problem, get_family
from automl.registry import Registry
from automl.retrain import Retrain
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion
from automl.retrain._recipe import Recipe
from automl.retrain._train import Trainer, still_suited

from .conftest import make_rows

ONE = Retrain(n_jobs=1)
SMALL = Problem("regression", n_rows=1000, n_columns=4)
QUICK = {"time": "day", "n_jobs": 1, "time_budget": 30}


def shifted(n, seed, first_day):
    """Rents rose: what the champion learned is out of date."""
    rows = make_rows(n, seed, first_day=first_day)
    return rows.assign(rent=rows["rent"] + 4 * rows["area"])


@pytest.fixture(scope="module")
def promoted(tree, history, tmp_path_factory):
    """A refit that won, and its registry."""
    out = tmp_path_factory.mktemp("models") / "registry"
    new = shifted(600, 1, 30)
    result = Retrain(out=out, mode="auto", window=700, slices=["town"], **QUICK).run(
        tree, new, history
    )
    return result, Registry.open(out), new


def test_rents_that_rose_promote_a_refit(promoted):
    result, registry, _ = promoted
    assert (result.decision, result.trained, result.exit_code) == ("promoted", "refit", 0)
    (job,) = registry.jobs()
    assert (job["decision"], job["champion"], job["version"]) == ("promoted", 1, 2)
    assert result.difference > 0
    assert result.interval[0] > 0
    assert result.challenger["score"] < result.champion["score"]
    assert result.version == registry.current.number == 2
    assert {f.name for f in result.checks if f.action == "retrain"} >= {"fallen", "growth"}
    assert {"town=Ulm", "town=Bonn"} <= set(result.slices)


def test_a_family_for_small_tables_is_left_out_once_the_table_has_grown(history, tmp_path):
    kernel = [{"family": "kernel", "params": get_family("kernel").starts(SMALL)[0].params}]
    model = AutoModel(
        metric="mae", time_budget=None, n_jobs=1, cv=3, configurations=kernel, max_trials=1
    )
    model.fit(history.drop(columns="rent"), history["rent"])
    path = model.save(tmp_path / "model.automl")
    many = pd.concat([make_rows(5000, seed) for seed in (3, 4)], ignore_index=True)
    new = shifted(600, 1, 210)
    result = Retrain(out=tmp_path / "models", mode="refit", **QUICK | {"time_budget": 8}).run(
        path, new, many
    )
    assert result.decision == "promoted"
    manifest = Champion.read(
        Registry.open(tmp_path / "models").current.read(), "the new one"
    ).manifest
    assert "kernel" not in [m["family"] for m in manifest["members"]]


@pytest.mark.parametrize(
    ("declared", "n_rows", "kept"),
    [
        (["kernel", "linear"], 1000, ["kernel", "linear"]),
        (["kernel", "linear"], 50_000, ["linear"]),
        (["kernel"], 50_000, ["auto"]),
        (["constant", "kernel"], 50_000, ["auto"]),
        (["auto"], 50_000, ["auto"]),
    ],
)
def test_of_declared_families_those_are_searched_that_still_suit(declared, n_rows, kept):
    grown = Problem("regression", n_rows=n_rows, n_columns=10)
    assert still_suited(declared, grown) == kept


def test_a_name_that_is_no_family_is_refused_in_a_retraining_too():
    with pytest.raises(UsageError, match="no model family"):
        still_suited(["krenel"], SMALL)


def test_a_search_follows_one_that_was_declared_with_names_and_commas(history, tmp_path):
    model = AutoModel(
        metric="mae",
        time_budget=None,
        n_jobs=1,
        cv=3,
        families="linear, random_forest",
        max_trials=1,
    )
    model.fit(history.drop(columns="rent"), history["rent"])
    found = Champion.read(model.save(tmp_path / "model.automl").read_bytes(), "the champion")
    batch = Batch.read(shifted(600, 1, 30), "rent", "day", what="the new data")
    fit = Trainer(found, ONE).search(Recipe.of(found.manifest), batch, 20)
    assert {t["family"] for t in fit.leaderboard} <= {"constant", "linear", "random_forest"}


def test_the_first_champion_is_version_one(promoted, tree):
    _, registry, _ = promoted
    assert registry.version(1).read() == tree.read_bytes()


def test_the_version_says_where_it_comes_from(promoted):
    result, registry, new = promoted
    manifest = registry.current.manifest
    assert manifest["parent"] == 1
    assert manifest["lineage"]["data"]["n_rows"] == len(new)
    assert manifest["lineage"]["model"] == "fitted again on all rows"
    assert manifest["decision"]["comparison"]["difference"] == result.difference
    assert manifest["decision"]["expected"]["score"] == result.challenger["score"]


def test_what_serves_holds_the_whole_recipe_of_the_first_champion(promoted, tree):
    _, registry, _ = promoted
    first = Champion.read(tree.read_bytes(), "the first")
    second = Champion.read(registry.current.read(), "the second")
    assert "recipe" not in first.manifest
    (before,), (after,) = (Recipe.of(c.manifest).parts for c in (first, second))
    assert (after.family, after.params, after.weight) == ("lightgbm", before.params, before.weight)
    assert second.manifest["recipe"]["folds"] == 3


def test_what_serves_was_fitted_on_the_window(promoted):
    _, registry, _ = promoted
    assert registry.current.manifest["model"]["n_rows"] == 700
    recent = shifted(200, 9, 50)
    model = load(registry.current.model_path)
    error = np.abs(model.predict(recent.drop(columns="rent")) - recent["rent"]).mean()
    assert error < 120


def test_the_same_file_again_is_nothing_to_do(promoted):
    _, registry, new = promoted
    before = len(registry.versions())
    for mode in ("auto", "refit"):
        result = Retrain(mode=mode, **QUICK).run(registry.path, new)
        assert (result.decision, result.exit_code, result.version) == ("nothing", 0, 2)
    assert len(registry.versions()) == before


def test_as_expected_and_few_is_nothing_to_do(champion, history, tmp_path):
    new = make_rows(120, 3, first_day=30)
    job = Retrain(out=tmp_path / "models", checks={"rows": "off"}, **QUICK)
    result = job.run(champion, new, history)
    assert (result.decision, result.trained) == ("nothing", "")
    assert "as expected" in result.reason


def test_refused_data_trains_nothing(champion, tmp_path):
    new = make_rows(400, 3, first_day=30).rename(columns={"area": "aera"})
    result = Retrain(out=tmp_path / "models", **QUICK).run(champion, new)
    assert (result.decision, result.exit_code, result.version) == ("refused", 3, 1)
    assert "did you mean 'aera'?" in result.reason
    registry = Registry.open(tmp_path / "models")
    assert len(registry.versions()) == 1
    (job,) = registry.jobs()
    assert (job["decision"], job["reason"]) == ("refused", result.reason)
    assert (job["champion"], job["version"], job["data"]["n_rows"]) == (1, 1, 400)


def test_a_job_that_fails_is_on_record_too(champion, tmp_path):
    out = tmp_path / "models"
    with pytest.raises(DataError, match="no column 'rent'"):
        Retrain(out=out, **QUICK).run(champion, make_rows(90, 3).drop(columns="rent"))
    (job,) = Registry.open(out).jobs()
    assert (job["decision"], job["champion"], job["mode"]) == ("failed", 1, "auto")
    assert "no column 'rent'" in job["reason"]
    assert job["by"]["owner"] == "automl retrain"


def test_a_challenger_that_is_no_better_is_kept_on_record(champion, tmp_path):
    new = make_rows(200, 3, first_day=30)
    job = Retrain(out=tmp_path / "models", mode="refit", margin=50, **QUICK)
    result = job.run(champion, new)
    assert (result.decision, result.exit_code, result.version) == ("kept", 5, 1)
    assert "not better by more than 50" in result.reason
    registry = Registry.open(tmp_path / "models")
    assert [v.number for v in registry.versions()] == [1, 2]
    assert registry.current.number == 1
    assert registry.version(2).manifest["decision"]["decision"] == "kept"
    assert Retrain(mode="refit", **QUICK).run(registry.path, new).decision == "nothing"


@pytest.mark.parametrize(
    ("limit", "word"),
    [({"max_size": 100}, "bytes"), ({"max_latency": 1e-6}, "ms"), ({"min_score": 1.0}, "reach")],
)
def test_declared_limits_hold(champion, tmp_path, limit, word):
    job = Retrain(out=tmp_path / "models", mode="refit", **limit, **QUICK)
    result = job.run(champion, shifted(300, 3, 30))
    assert result.decision == "kept"
    assert word in result.reason


def test_days_as_numbers_are_read_as_the_champion_reads_them(history, tmp_path):
    def written(rows):
        return rows.assign(day=rows["day"].dt.strftime("%Y%m%d").astype(int))

    settings = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}
    model = AutoModel(metric="mae", random_state=0, **settings)
    model.fit(written(history).drop(columns="rent"), history["rent"])
    out, new = tmp_path / "models", shifted(300, 3, 30)
    result = Retrain(out=out, mode="refit", window="2d", **QUICK).run(model, written(new))
    assert {f.name for f in result.checks if f.action == "warn"}.isdisjoint({"stale"})
    assert Registry.open(out).current.manifest["lineage"]["end"] == new["day"].max().timestamp()


def test_rows_of_one_date_are_trained_on(champion, tmp_path):
    new = shifted(400, 3, 30).assign(day="2026-02-01")
    out = tmp_path / "models"
    result = Retrain(out=out, mode="refit", window=200, **QUICK).run(champion, new)
    assert (result.decision, result.challenger["n_rows"]) == ("promoted", 200)


def test_a_search_begins_with_the_recipe(champion, history, tmp_path):
    job = Retrain(out=tmp_path / "models", mode="search", **(QUICK | {"time_budget": None}))
    result = job.run(champion, shifted(300, 3, 30), history)
    assert result.trained == "search"
    assert result.decision in ("promoted", "kept")


def test_a_search_after_a_refit_is_declared_as_the_first_one(history, promoted):
    _, registry, _ = promoted
    config = registry.current.manifest["model"]["config"]
    assert config["families"] == ["lightgbm"]  # of the refit
    champion = Champion.read(registry.current.read(), "the champion")
    declared = Trainer(champion).declared
    assert (declared["families"], declared["max_trials"], declared["cv"]) == ("auto", 1, 3)
    batch = Batch.read(history.iloc[:200], "rent", "day", what="the table")
    fit = Trainer(champion, ONE).search(Recipe(()), batch, None)
    assert (fit.manifest["config"]["families"], fit.summary["n_trials"]) == ("auto", 1)
    assert fit.manifest["search"] == declared


def test_without_a_limit_a_search_takes_the_time_of_the_champions(champion, history):
    model = Champion.read(champion.read_bytes(), "the champion")
    config = model.manifest["config"] | {"max_trials": None, "time_budget": 2}
    model = replace(model, manifest={**model.manifest, "config": config})
    batch = Batch.read(history.iloc[:100], "rent", "day", what="the table")
    fit = Trainer(model, ONE).search(Recipe(()), batch, None)
    assert fit.manifest["config"]["time_budget"] == 2


def test_a_column_too_many_is_no_feature(champion, tmp_path):
    new = shifted(300, 3, 30).assign(lift=np.arange(300) % 2)
    out = tmp_path / "models"
    assert Retrain(out=out, mode="refit", **QUICK).run(champion, new).decision == "promoted"
    model = load(out)
    assert model.predict(new.drop(columns=["rent", "lift"])).shape == (300,)


def test_another_job_has_the_registry(champion, tmp_path, monkeypatch):
    monkeypatch.setattr("automl.retrain._retrain.LOCK_SECONDS", 0.1)
    registry = Registry.open(tmp_path / "models", create=True)
    with registry.lock("another job"), pytest.raises(RegistryLockedError, match="another job"):
        Retrain(out=registry.path, **QUICK).run(champion, make_rows(100, 1))


def test_a_registry_with_another_champion_is_left_alone(champion, promoted):
    _, registry, _ = promoted
    with pytest.raises(UsageError, match="version 2 serves"):
        Retrain(out=registry.path, **QUICK).run(champion, make_rows(100, 1))


def test_what_can_not_be_run_is_said(champion, tmp_path, history):
    out = tmp_path / "models"
    with pytest.raises(UsageError, match="name one"):
        Retrain().run(champion, history)
    with pytest.raises(DataError, match="'rent'"):
        Retrain(out=out).run(champion, history.rename(columns={"rent": "rents"}))
    with pytest.raises(DataError, match="'hour'"):
        Retrain(out=out, time="hour").run(champion, history)
    for columns in ({"slices": ["region"]}, {"groups": "region"}):
        with pytest.raises(DataError, match="no column 'region' in the new data"):
            Retrain(out=out, **columns).run(champion, history)
    new = history.assign(day=history["day"].where(history.index != 3, pd.NaT))
    with pytest.raises(DataError, match="no value that can be read in row 3"):
        Retrain(out=out, time="day").run(champion, new)
    with pytest.raises(UsageError, match="90 days"):
        Retrain(out=out, mode="refit", window="90 days", **QUICK).run(
            champion, shifted(300, 3, 30)
        )


def test_a_metric_of_labels_sees_those_that_are_decided_for(history, tmp_path):
    """A rare class, for which the most probable class is no good label."""
    rent = history["rent"] + np.random.default_rng(0).normal(0, 200, len(history))
    rare = history.assign(rent=np.where(rent > rent.quantile(0.9), "y", "n"))
    settings = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}
    model = AutoModel(metric="balanced_accuracy", random_state=0, **settings)
    model.fit(rare.drop(columns=["rent", "area"]), rare["rent"])
    new = rare.assign(day=rare["day"] + pd.Timedelta(days=40)).drop(columns="area")
    job = Retrain(out=tmp_path / "models", mode="refit", checks={"repeated": "off"}, **QUICK)
    result = job.run(model, new)
    decision = Registry.open(tmp_path / "models").version(2).manifest["decision"]
    recent = new.iloc[-decision["comparison"]["n_rows"] :]
    labels = model.predict(recent.drop(columns="rent"))
    assert model._predictor.decision is not None
    assert result.champion["score"] == pytest.approx(
        balanced_accuracy_score(recent["rent"], labels)
    )


def test_groups_stay_together_and_are_no_feature(champion, tmp_path):
    new = make_rows(300, 3, first_day=30).assign(house=np.arange(300) // 3)
    job = Retrain(out=tmp_path / "models", mode="refit", groups="house", n_jobs=1, time_budget=30)
    result = job.run(champion, new)
    assert result.decision in ("promoted", "kept")
    columns = Registry.open(tmp_path / "models").version(2).manifest["model"]["columns"]
    assert columns["house"] == "dropped"


def test_the_time_may_be_no_feature(history, tmp_path):
    settings = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}
    left_out = {"day": "dropped", "deposit": "dropped"}
    model = AutoModel(metric="mae", types=left_out, random_state=0, **settings)
    model.fit(history.drop(columns="rent").assign(deposit=1.0), history["rent"])
    out, new = tmp_path / "models", shifted(300, 3, 30)
    new["deposit"] = 3 * new["rent"]  # would be a leak, if a model saw it
    assert Retrain(out=out, mode="refit", **QUICK).run(model, new).decision == "promoted"
    current = Registry.open(out).current.manifest
    assert current["model"]["columns"]["day"] == "dropped"
    assert current["lineage"]["time"]["role"] == "datetime"
    assert current["lineage"]["end"] == new["day"].max().timestamp()
    again = Retrain(mode="refit", **QUICK).run(out, new.iloc[:-1])
    assert {f.name for f in again.checks if f.action == "warn"} >= {"stale"}
    assert (again.decision, again.reason[:13]) == ("nothing", "0 recent rows")


def test_free_text_is_trained_on_and_has_no_profile(history, tmp_path):
    def with_text(rows):
        words = np.random.default_rng(0).choice(
            ["quiet", "sunny", "small", "garden"], (len(rows), 6)
        )
        notes = [f"{' '.join(line)} no {i}" for i, line in enumerate(words)]
        return rows.assign(note=notes, street=[f"road-{i % 60}" for i in range(len(rows))])

    settings = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}
    old = with_text(history)
    model = AutoModel(metric="mae", types={"note": "text"}, random_state=0, **settings)
    model.fit(old.drop(columns="rent"), old["rent"])
    assert "note" not in model._facts["profile"]["columns"]
    job = Retrain(out=tmp_path / "models", mode="refit", **QUICK)
    result = job.run(model, with_text(make_rows(300, 3, first_day=30)), old)
    assert result.decision in ("promoted", "kept")
    version = Registry.open(tmp_path / "models").version(2)
    assert version.manifest["model"]["columns"]["note"] == "text"
    assert version.load()._predictor.schema.readable == ("note", "street")
