"""The best of what there is, where no configuration came to have all its folds."""

import json
import zipfile

import numpy as np
import pytest

from automl._fit import fit_table
from automl._spec import FitSpec
from automl.families import get_family
from automl.search import FoldOutcome, Trial, TrialState, best_cut_off
from automl.search._trial import WHOLE


def trial(number, losses, state=TrialState.STOPPED):
    found = Trial(number, get_family("lightgbm"), {}, 3, state=state)
    found.outcomes = {fold: FoldOutcome(loss, 1) for fold, loss in losses.items()}
    return found


BASELINE = trial(0, {0: 1.0, 1: 2.0, 2: 3.0}, TrialState.COMPLETE)


@pytest.mark.parametrize(
    ("others", "best"),
    [
        ([], None),
        ([trial(1, {})], None),
        ([trial(1, {0: 1.5})], None),
        ([trial(1, {0: float("nan")})], None),
        ([trial(1, {0: 0.5})], 1),
        ([trial(1, {0: 0.5}), trial(2, {1: 1.4})], 2),
        ([trial(1, {0: 0.5}), trial(2, {0: 0.6, 2: 1.0})], 2),
        ([trial(1, {WHOLE: 1.5})], 1),
        ([trial(1, {0: 0.5}), trial(2, {0: 0.1}, TrialState.PRUNED)], 1),
    ],
)
def test_trials_are_held_against_the_baseline_on_their_own_folds(others, best):
    found = best_cut_off([BASELINE, *others])
    assert (found and found.number) == best


def test_a_baseline_without_losses_finds_nothing():
    plain = trial(0, {0: float("nan")}, TrialState.COMPLETE)
    assert best_cut_off([plain, trial(1, {0: 0.5})]) is None


@pytest.mark.parametrize("wanted", [1, 2])
@pytest.mark.parametrize("metric", ["log_loss", "f1"])
def test_a_search_that_is_cut_off_leaves_a_model_of_the_folds_it_had(tmp_path, wanted, metric):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.where(X[:, 0] + rng.normal(size=300) / 4 > 0.3, "yes", "no")
    fits = []

    def count(progress):
        if progress.event == "fit" and progress.trial.number > 0:
            fits.append(progress.facts["fold"])

    spec = FitSpec(
        metric=metric, time_budget=60, families=["linear"], n_jobs=1, run_dir=tmp_path / "run",
        positive_label="yes",
    )  # fmt: skip
    result = fit_table(
        _frame(X), y, spec, observers=[count], interrupted=lambda: len(fits) >= wanted
    )
    first = result.leaderboard[0]
    assert first["state"] == "stopped"
    assert first["winner"]
    assert first["weight"] == 1
    assert wanted <= first["folds"] < 5
    assert first["score"] == pytest.approx(result.summary["cross_validated"])
    assert result.summary["score"] > 0.8 if metric == "f1" else result.summary["score"] < 0.4
    assert result.summary["score_interval"] is not None
    assert len(np.unique(result.predictor.predict_raw(_frame(X)))) > 2
    with zipfile.ZipFile(tmp_path / "run" / "model.automl") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert len(manifest["members"][0]["models"]) == first["folds"]


def _frame(X):
    import pandas as pd

    return pd.DataFrame(X, columns=["a", "b", "c"])
