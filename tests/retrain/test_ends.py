"""How a job ends where something goes wrong: no time, no classes, a signal, another version."""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel
from automl.exceptions import DataError, NoModelError
from automl.objective import Metric
from automl.registry import Registry
from automl.retrain import Retrain
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion
from automl.retrain._checks import Report
from automl.retrain._compare import Demands, judge, paired
from automl.retrain._contest import Contest
from automl.retrain._divide import divide
from automl.retrain._look import look
from automl.retrain._recipe import Part, Recipe
from automl.retrain._rules import Rules
from automl.retrain._train import Trainer
from automl.search import Clock
from automl.table import fingerprint

from .conftest import make_rows
from .test_job import QUICK, shifted

LINEAR = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}


def journal(path):
    return [event["action"] for event in Registry.open(path).history()]


def test_a_budget_that_is_used_up_keeps_the_champion(champion, tmp_path):
    job = Retrain(out=tmp_path / "models", mode="refit", **QUICK)
    result = job.run(champion, shifted(300, 3, 30), started=time.monotonic() - 60)
    assert (result.decision, result.exit_code) == ("kept", 5)
    assert "too short" in result.reason
    assert journal(tmp_path / "models") == ["add", "promote"]


def test_no_time_for_the_last_fit_lets_the_compared_model_serve(champion, tmp_path, monkeypatch):
    refit = Trainer.refit

    def slow(trainer, recipe, batch, seconds):
        job.clock.started -= 60
        return refit(trainer, recipe, batch, 20)

    def remember(contest, parts, fallen):
        nonlocal job
        job = contest
        return best(contest, parts, fallen)

    job, best = None, Contest.best
    monkeypatch.setattr(Trainer, "refit", slow)
    monkeypatch.setattr(Contest, "best", remember)
    run = Retrain(out=tmp_path / "models", mode="refit", **QUICK)
    assert run.run(champion, shifted(300, 3, 30)).decision == "promoted"
    lineage = Registry.open(tmp_path / "models").current.manifest["lineage"]
    assert "there was no time" in lineage["model"]


def slow_metric(seconds):
    def error(y, predictions, weight=None):
        time.sleep(seconds)
        return float(np.abs(y - predictions[:, 0]).mean())

    return Metric("slow", False, 0.0, "value", error)


@pytest.mark.parametrize(("cost", "promoted"), [(0.002, True), (0.3, False)])
def test_a_slow_metric_gets_fewer_resamples_or_none(cost, promoted):
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    old, new = (y + rng.normal(0, spread, 2000) for spread in (2, 1))
    metric, began = slow_metric(cost), time.monotonic()
    found = paired(metric, y, old[:, None], new[:, None], seconds=0.5)
    assert time.monotonic() - began < 3
    assert np.isnan(found.interval[1]) != promoted
    verdict = judge(metric, found, 0.8, {}, Demands())
    assert verdict.promote == promoted
    assert promoted or "takes too long" in verdict.reason


def test_with_a_slow_metric_a_fall_is_not_told(champion, caplog):
    model = Champion.read(champion.read_bytes(), "the champion")
    model = replace(model, metric=replace(model.metric, evaluate=slow_metric(0.1).evaluate))
    rows, report = shifted(300, 3, 30), Report(Rules.read(None))
    batch = Batch.read(rows, "rent", "day", what="the new data")
    began = time.monotonic()
    look(report, model, batch, None, found=fingerprint(rows), time="day", seconds=1)
    assert time.monotonic() - began < 5
    assert "fallen" not in {finding.name for finding in report.findings}
    assert "takes too long" in caplog.text


def test_how_far_the_champion_fell_is_told_by_the_latest_rows(champion, monkeypatch):
    monkeypatch.setattr("automl.retrain._look.MOST_SCORED", 100)
    model = Champion.read(champion.read_bytes(), "the champion")
    for seed, first in ((0, True), (1, False)):
        rows = pd.concat([shifted(100, 3, 90), make_rows(300, 4, first_day=30)])
        rows = rows if first else rows.assign(day=rows["day"].to_numpy()[::-1])
        report = Report(Rules.read({"target_psi": "off"}))
        batch = Batch.read(rows, "rent", "day", what="the new data")
        look(report, model, batch, None, found=fingerprint(rows), time="day", seed=seed)
        fallen = next(f.value for f in report.findings if f.name == "fallen")
        assert (fallen > 0.5) == first


def test_weights_that_a_retraining_does_not_have_are_told(history, tmp_path, caplog):
    model = AutoModel(metric="mae", random_state=0, **LINEAR)
    weight = np.ones(len(history))
    model.fit(history.drop(columns="rent"), history["rent"], sample_weight=weight)
    Retrain(out=tmp_path / "models", **QUICK).run(model, history)
    assert "fitted with weights" in caplog.text


def test_a_slice_without_an_interval_may_not_lose_at_all():
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    old, new = (y + rng.normal(0, spread, 2000) for spread in (2, 1))
    metric = slow_metric(0)
    overall = paired(metric, y, old[:, None], new[:, None])
    nan = (float("nan"), float("nan"))
    for sign, promote in ((1, True), (-1, False)):
        slices = {"a=b": replace(overall, difference=sign * 0.1, interval=nan)}
        assert judge(metric, overall, 0.8, slices, Demands()).promote == promote


def test_a_last_fit_that_breaks_a_limit_does_not_serve(champion, tmp_path, monkeypatch):
    asked = []

    def broken(fit, recent, demands):
        asked.append(fit.manifest["n_rows"])
        return "" if len(asked) == 1 else "the challenger has 9 bytes; 8 are allowed"

    monkeypatch.setattr("automl.retrain._challenger.broken_limit", broken)
    monkeypatch.setattr("automl.retrain._contest.broken_limit", broken)
    out = tmp_path / "models"
    assert Retrain(out=out, mode="refit", **QUICK).run(champion, shifted(300, 3, 30)).version == 2
    current = Registry.open(out).current.manifest
    assert asked == [200, 300]
    assert current["model"]["n_rows"] == 200
    assert "9 bytes; 8 are allowed" in current["lineage"]["model"]


def test_a_last_fit_that_was_cut_off_does_not_serve(champion, tmp_path, monkeypatch):
    monkeypatch.setattr(Recipe, "made", lambda recipe, board: 0.4)
    out = tmp_path / "models"
    assert Retrain(out=out, mode="refit", **QUICK).run(champion, shifted(300, 3, 30)).version == 2
    assert "was cut off" in Registry.open(out).current.manifest["lineage"]["model"]


def test_an_interrupted_job_keeps_what_was_compared(champion, tmp_path, monkeypatch):
    compared = []

    def compare(*args, **options):
        compared.append(True)
        return found(*args, **options)

    import automl.retrain._contest as contest

    found = contest.compare
    monkeypatch.setattr(contest, "compare", compare)
    job = Retrain(out=tmp_path / "models", mode="refit", **QUICK)
    result = job.run(champion, shifted(300, 3, 30), interrupted=lambda: bool(compared))
    assert result.decision == "promoted"
    lineage = Registry.open(tmp_path / "models").current.manifest["lineage"]
    assert "interrupted" in lineage["model"]
    result = Retrain(mode="refit", **QUICK).run(
        tmp_path / "models", shifted(300, 4, 40), interrupted=lambda: True
    )
    assert (result.decision, result.reason[:23]) == ("kept", "the job was interrupted")


def test_where_everything_fails_there_is_an_error(champion, tmp_path, monkeypatch):
    def fails(trainer, recipe, batch, seconds):
        error = NoModelError("5 failed")
        error.n_failed = 5
        raise error

    monkeypatch.setattr(Trainer, "refit", fails)
    with pytest.raises(NoModelError, match="5 failed"):
        Retrain(out=tmp_path / "models", mode="refit", **QUICK).run(champion, shifted(300, 3, 30))


def test_failures_are_counted(history):
    settings = {"time_budget": None, "max_trials": 1, "n_jobs": 1}
    wrong = [{"family": "lightgbm", "params": {"objective": "no such"}}]
    model = AutoModel(metric="mae", configurations=wrong, **settings)
    with pytest.raises(NoModelError) as caught:
        model.fit(history.drop(columns="rent"), history["rent"])
    assert caught.value.n_failed == 1


def test_another_version_that_serves_by_now_goes_on_serving(champion, tmp_path, monkeypatch):
    out = tmp_path / "models"
    whole = Contest.whole

    def meanwhile(contest, best, parts):
        registry = Registry.open(out)
        registry.promote(registry.add(champion, {}).number)
        return whole(contest, best, parts)

    monkeypatch.setattr(Contest, "whole", meanwhile)
    result = Retrain(out=out, mode="refit", **QUICK).run(champion, shifted(300, 3, 30))
    assert (result.decision, result.exit_code, result.version) == ("kept", 5, 2)
    assert "version 2 was let serve" in result.reason
    registry = Registry.open(out)
    assert (registry.current.number, len(registry.versions())) == (2, 3)
    assert registry.version(3).manifest["decision"]["decision"] == "kept"


def test_an_old_version_that_is_damaged_ends_no_job(champion, tmp_path, caplog):
    out = tmp_path / "models"
    job = Retrain(out=out, mode="refit", margin=50, **QUICK)
    job.run(champion, make_rows(200, 3, first_day=30))
    shutil.rmtree(Registry.open(out).version(2).path)
    assert job.run(out, make_rows(200, 4, first_day=40)).decision == "kept"
    assert "manifest.json can't be read" in caplog.text


def test_a_class_without_rows_is_told_before_training(history, tmp_path):
    rows = history.assign(rent=np.where(history.index % 50 == 0, "c", history["town"]))
    model = AutoModel(random_state=0, **LINEAR).fit(rows[["area", "built"]], rows["rent"])
    new = rows.assign(day=rows["day"] + pd.Timedelta(days=40))
    new = new[["day", "area", "built", "rent"]]
    new = new[(new["rent"] != "c") | (new.index > 1300)]
    off = ("repeated", "labels", "target_psi", "fallen")
    job = Retrain(out=tmp_path / "models", mode="refit", checks=dict.fromkeys(off, "off"), **QUICK)
    with pytest.raises(DataError, match="none of .* has 'c'. Give more of the old data"):
        job.run(model, new)


def test_a_champion_of_texts_alone_has_no_verdict_on_labels(history, tmp_path):
    words = np.random.default_rng(0).choice(["quiet", "sunny", "small", "garden"], (900, 6))
    texts = pd.DataFrame({"note": [f"{' '.join(w)} no {i}" for i, w in enumerate(words)]})
    texts["rent"] = [100.0 * line.count("sunny") + i % 7 for i, line in enumerate(texts["note"])]
    model = AutoModel(metric="mae", types={"note": "text"}, random_state=0, **LINEAR)
    model.fit(texts[["note"]].iloc[:600], texts["rent"].iloc[:600])
    new = texts.iloc[600:].assign(rent=texts["rent"].iloc[600:].to_numpy()[::-1])
    job = Retrain(out=tmp_path / "models", mode="refit", n_jobs=1, time_budget=30)
    result = job.run(model, new, texts.iloc[:600])
    assert "fallen" in {f.name for f in result.checks}
    assert "labels" not in {f.name for f in result.checks}


@pytest.mark.parametrize(("mode", "seconds"), [("auto", 17), ("search", 67.5)])
def test_the_search_that_follows_in_mode_auto_is_a_short_one(champion, mode, seconds):
    found = Champion.read(Path(champion).read_bytes(), "the champion")
    settings, clock = Retrain(mode=mode), Clock(time.monotonic(), 100.0)
    contest = Contest(found, settings, clock, Trainer(found, settings), Demands())
    assert contest._for_search(90.0) == seconds
    contest.clock = Clock(time.monotonic())
    assert contest._for_search(None) is None


@pytest.mark.parametrize(("mode", "most"), [("auto", (12.25, 23.5)), ("refit", (60, 100))])
def test_fits_of_mode_auto_are_cut_off_soon(champion, tmp_path, monkeypatch, mode, most):
    refit, allowed = Trainer.refit, []

    def remember(trainer, recipe, batch, seconds):
        allowed.append(seconds)
        return refit(trainer, recipe, batch, seconds)

    monkeypatch.setattr(Trainer, "refit", remember)
    off = ("repeated", "labels", "target_psi", "fallen")
    checks = dict.fromkeys(off, "off")
    job = Retrain(out=tmp_path / "models", mode=mode, n_jobs=1, time_budget=100, checks=checks)
    job.run(champion, shifted(300, 3, 30))
    assert len(allowed) == 2
    for seconds, limit in zip(allowed, most, strict=True):
        assert 0.7 * limit < seconds <= limit


@pytest.mark.parametrize(
    ("mode", "seconds", "least", "most"),
    [("auto", 5, 20, 24), ("auto", 30, 90, 100), ("auto", 200, 0, 0), ("refit", 5, 90, 100)],
)
def test_the_last_fit_is_done_soon_or_has_the_time_that_is_left(
    champion, mode, seconds, least, most
):
    found = Champion.read(Path(champion).read_bytes(), "the champion")
    settings, clock = Retrain(mode=mode), Clock(time.monotonic(), 100.0)
    contest = Contest(found, settings, clock, Trainer(found, settings), Demands())
    recipe = Recipe((Part("linear", {}, 1.0, seconds / 1000),))
    short, cut_off = contest._for_all_rows(recipe, 1000)
    assert (short is None) == (most == 0)
    assert least <= (cut_off or 0) <= most
    contest.clock = Clock(time.monotonic())
    assert contest._for_all_rows(recipe, 1000) == (recipe, None)


@pytest.mark.parametrize("promoted", ["refit", "search"])
def test_of_two_challengers_that_which_may_serve_is_taken(
    champion, history, monkeypatch, promoted
):
    found = Champion.read(Path(champion).read_bytes(), "the champion")
    settings, clock = Retrain(mode="auto"), Clock(time.monotonic(), 100.0)
    contest = Contest(found, settings, clock, Trainer(found, settings), Demands())

    def attempt(contest, kind, recipe, parts):
        score = 2.0 if kind == promoted else 1.0  # the other is better, and breaks a demand
        comparison = SimpleNamespace(
            promote=kind == promoted, overall=SimpleNamespace(challenger=score)
        )
        return SimpleNamespace(kind=kind, comparison=comparison)

    monkeypatch.setattr(Contest, "_attempt", attempt)
    monkeypatch.setattr(Contest, "_worth_a_search", lambda *_: True)
    parts = divide(Batch.read(history, "rent", "day", what="the new data"), None)
    assert contest.best(parts, 0.9).kind == promoted
