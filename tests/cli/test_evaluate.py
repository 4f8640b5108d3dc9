import pandas as pd
import pytest

import automl
from automl.objective import extra_metrics


def test_every_metric_in_full_precision(run, classifier, penguins):
    folder = classifier[0]
    found = run("evaluate", folder, penguins, "--json").json
    assert list(found)[:4] == ["model", "n_rows", "metric", "score"]
    assert list(found)[4:] == extra_metrics("multiclass")
    assert (found["model"], found["n_rows"]) == (str(folder / "model.automl"), 344)
    assert found["score"] == found["log_loss"]
    frame = pd.read_csv(penguins)
    model = automl.load(folder)
    assert found["score"] == -model.score(frame, frame.species)
    assert found["accuracy"] == (model.predict(frame) == frame.species).mean()


def test_text_has_a_line_per_metric(run, regressor, earthquakes):
    outcome = run("evaluate", regressor[0] / "model.automl", earthquakes)
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.out.splitlines()]
    assert names == ["model", "rows", "rmse", "mae", "mape", "median_absolute_error", "r2"]


def test_what_is_not_defined_is_null(run, classifier, penguins, tmp_path):
    frame = pd.read_csv(penguins)
    frame[frame.species == "Adelie"].to_csv(tmp_path / "one.csv", index=False)
    found = run("evaluate", classifier[0], "one.csv", "--json").json
    assert found["roc_auc_ovr"] is None
    assert found["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.drop(columns="species"), "no target column 'species'"),
        (lambda f: f.rename(columns={"species": "Species"}), "did you mean 'Species'?"),
        (lambda f: f.assign(species=f.species.where(f.index > 3)), "4 missing values"),
        (lambda f: f.assign(species="Emperor"), "unknown label 'Emperor'"),
    ],
)
def test_a_table_without_a_good_target_is_refused(
    run, classifier, penguins, tmp_path, change, told
):
    change(pd.read_csv(penguins)).to_csv(tmp_path / "t.csv", index=False)
    outcome = run("evaluate", classifier[0], "t.csv", "--json")
    assert outcome.code == 3
    assert told in outcome.json["error"]["message"]
