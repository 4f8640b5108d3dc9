import pandas as pd
import pytest


def test_both_measures_where_the_model_has_both(run, regressor, earthquakes):
    found = run("explain", regressor[0], earthquakes, "--json", "--repeats", "2").json
    assert (found["metric"], found["repeats"]) == ("rmse", 2)
    rows = found["importances"]
    values = [row["importance"] for row in rows]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.01
    assert sum(row["contribution"] for row in rows) == pytest.approx(1.0)
    frame = pd.read_parquet(earthquakes)
    assert {row["column"] for row in rows} <= set(frame.columns) - {"magnitude"}


def test_importance_is_in_the_metric_of_the_model(run, classifier, penguins):
    found = run("explain", classifier[0], penguins, "--repeats", "1", "--json").json
    assert (found["metric"], found["n_rows"]) == ("log_loss", 344)
    rows = 344 * found["importances"][0]["importance"]
    assert abs(rows - round(rows)) > 1e-6  # a loss of accuracy would be a count of rows


def test_text_is_a_table(run, classifier, penguins):
    outcome = run("explain", classifier[0], penguins, "--repeats", "1")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.split()[:4] == ["column", "log_loss", "lost", "+-"]


def test_without_the_target_contributions_only(run, regressor, earthquakes, tmp_path):
    pd.read_parquet(earthquakes).drop(columns="magnitude").to_parquet(tmp_path / "t.parquet")
    outcome = run("explain", regressor[0], "t.parquet")
    assert outcome.code == 0
    assert outcome.out.split()[:2] == ["column", "contribution"]
    assert outcome.err.startswith("warning: The table has no column 'magnitude'")
    assert outcome.err.count("\n") == 1


def test_without_the_target_and_boosters_nothing_can_be_said(run, classifier, penguins, tmp_path):
    pd.read_csv(penguins).drop(columns="species").to_csv(tmp_path / "t.csv", index=False)
    outcome = run("explain", classifier[0], "t.csv")
    assert (outcome.code, outcome.out) == (3, "")
    assert "no column 'species'" in outcome.error
