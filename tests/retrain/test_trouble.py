"""Data that must not be trained on is refused, each for its own reason."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl import AutoModel
from automl.artifact import describe, dump_bytes
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion
from automl.retrain._checks import Report
from automl.retrain._look import look
from automl.retrain._rules import Rules
from automl.table import fingerprint

from .conftest import make_rows


@pytest.fixture(scope="module")
def model(champion):
    """The champion, with an earlier batch of 800 rows on record."""
    earlier = ({"lineage": {"data": {"sha256": "", "n_rows": 800}}},)
    return Champion.read(champion.read_bytes(), "the champion", earlier=earlier)


def check(model, frame, old=None, **checks):
    """All findings for a batch."""
    report = Report(Rules.read(checks))
    batch = Batch.read(frame, "rent", "day", what="the new data")
    before = None if old is None else Batch.read(old, "rent", "day", what="the old data")
    look(report, model, batch, before, found=fingerprint(frame), time="day")
    return report


def names(report, action):
    return {f.name for f in report.of(action)}


def only_message(report, name):
    (message,) = {f.message for f in report.findings if f.name == name and f.action != "ok"}
    return message


def test_the_next_batch_raises_no_alarm(model, batch, history):
    report = check(model, batch, history)
    assert names(report, "refuse") == names(report, "nothing") == names(report, "warn") == set()
    assert names(report, "retrain") == {"growth"}


def test_half_the_rows_are_missing(model, batch):
    report = check(model, batch.iloc[:400])
    assert names(report, "refuse") == {"rows"}
    assert "400 rows where there are 800" in only_message(report, "rows")


def test_a_renamed_column_is_named_with_its_new_name(model, batch):
    report = check(model, batch.rename(columns={"rooms": "room_s"}))
    assert names(report, "refuse") == {"missing_columns"}
    assert "'rooms' (did you mean 'room_s'?)" in only_message(report, "missing_columns")


@pytest.mark.parametrize("column", ["area", "town"])
def test_a_renamed_column_is_known_by_its_values(model, batch, column):
    report = check(model, batch.rename(columns={column: "q7"}), leak="off")
    assert names(report, "refuse") == {"missing_columns"}
    assert f"'{column}' (has it become 'q7'" in only_message(report, "missing_columns")
    report = check(model, batch.rename(columns={column: "q7"}).assign(q7=-5.0), leak="off")
    assert "has it" not in only_message(report, "missing_columns")


@pytest.mark.parametrize("factor", [1000, 1e-3])
def test_units_changed_by_a_thousand(model, batch, factor):
    batch["area"] *= factor
    report = check(model, batch)
    assert "units" in names(report, "refuse")
    assert f"'area' changed by a factor of about {factor:g}"[:36] in only_message(report, "units")


def test_the_unit_of_the_target_changed(model, batch):
    batch["rent"] /= 1000
    assert "target_units" in names(check(model, batch), "refuse")


def test_shuffled_labels_no_longer_fit(model, batch):
    batch["rent"] = batch["rent"].sample(frac=1, random_state=0).to_numpy()
    report = check(model, batch)
    assert names(report, "refuse") == {"labels"}
    assert "no longer fit the features" in only_message(report, "labels")


def test_another_relation_that_can_be_learned_is_a_reason_to_train(model, batch):
    batch["rent"] = 2000 - batch["rent"]
    report = check(model, batch, target_psi="off", target_units="off")
    assert "labels" not in names(report, "refuse")
    assert "fallen" in names(report, "retrain")


def test_the_training_data_again_is_nothing_to_do(model, history):
    report = check(model, history)
    assert names(report, "nothing") == {"repeated"}
    assert names(report, "refuse") == set()


def test_the_same_file_as_an_earlier_one(champion, batch):
    earlier = ({"lineage": {"data": fingerprint(batch)}},)
    model = Champion.read(champion.read_bytes(), "the champion", earlier=earlier)
    assert names(check(model, batch), "nothing") == {"repeated"}
    batch.loc[7, "rent"] += 1
    assert names(check(model, batch), "nothing") == set()


def test_a_new_category_takes_over(model, batch):
    rng = np.random.default_rng(0)
    batch["town"] = np.where(rng.random(len(batch)) < 0.6, "unknown", batch["town"])
    report = check(model, batch)
    assert names(report, "refuse") == {"takeover"}
    assert "'unknown' makes up" in only_message(report, "takeover")
    assert "new_categories" in names(report, "retrain")


def test_a_few_new_categories_are_a_reason_to_train(model, batch):
    batch.loc[batch.index % 10 == 0, "town"] = "Celle"
    report = check(model, batch)
    assert names(report, "refuse") == set()
    assert "new_categories" in names(report, "retrain")


@pytest.mark.parametrize("column", ["rooms", "built", "fee"])
def test_the_target_leaked_into_a_column(model, batch, column):
    batch[column] = batch["rent"] * 1.01 + 3
    report = check(model, batch)
    assert "leak" in names(report, "refuse")
    assert f"'{column}' alone explains" in only_message(report, "leak")


def test_a_leak_of_noise_is_found_and_a_good_column_is_none(model, batch):
    noisy = batch["rent"] + np.random.default_rng(0).normal(0, 30, len(batch))
    assert "leak" in names(check(model, batch.assign(built=noisy)), "refuse")
    assert "leak" not in names(check(model, batch), "refuse")


def test_values_of_another_type(model, batch):
    batch["area"] = batch["area"].astype(object)
    batch.loc[3, "area"] = "large"
    report = check(model, batch)
    assert names(report, "refuse") == {"types"}
    assert "'large'" in only_message(report, "types")


def test_a_column_that_is_lost(model, batch):
    report = check(model, batch.assign(built=np.nan))
    assert "lost_column" in names(report, "refuse")
    half = batch["built"].where(batch.index % 3 > 0)
    report = check(model, batch.assign(built=half))
    assert names(report, "refuse") == set()
    assert names(report, "warn") == {"missing_values"}


def test_columns_that_all_became_empty(model, batch):
    batch[["area", "rooms", "town", "built"]] = None
    report = check(model, batch[["area", "rooms", "town", "built", "rent", "day"]])
    lost = {f.column for f in report.of("refuse") if f.name == "lost_column"}
    assert lost == {"area", "rooms", "town", "built"}


def test_rows_without_a_target(model, batch):
    batch.loc[:99, "rent"] = np.nan
    assert names(check(model, batch), "refuse") == {"missing_target"}


def test_a_row_without_a_target_is_no_error(model, history):
    rows = history.assign(day=history["day"] + pd.Timedelta(days=40))
    rows.loc[7, "rent"] = np.nan  # as many rows as the champion was trained on
    assert names(check(model, rows), "refuse") == set()


@pytest.mark.parametrize("lacking", ["NA", "", None])
def test_words_for_missing_are_no_targets(model, batch, lacking):
    rent = batch["rent"].astype(str)
    rent[:2] = lacking
    assert names(check(model, batch.assign(rent=rent)), "refuse") == set()
    rent[:99] = lacking
    assert names(check(model, batch.assign(rent=rent)), "refuse") == {"missing_target"}


def test_drift_of_one_column_is_a_reason_to_train(model, batch, history):
    batch["built"] = batch["built"] + 60
    report = check(model, batch, history)
    assert {"psi", "ks", "classifier"} <= names(report, "retrain")
    assert names(report, "refuse") == set()
    ignoring = check(model, batch, history, ignore=["built"])
    assert names(ignoring, "retrain") == {"growth"}


def test_rows_from_before_are_told(model, batch, history):
    mixed = pd.concat([history.iloc[-200:], batch], ignore_index=True)
    assert "20% of the rows are not later" in only_message(check(model, mixed), "stale")


def test_actions_are_the_users(model, batch):
    assert names(check(model, batch.iloc[:400], rows="off"), "refuse") == set()
    assert names(check(model, batch.iloc[:400], rows="warn"), "warn") == {"rows"}
    assert names(check(model, batch.iloc[:400], rows=0.6), "refuse") == set()


@pytest.mark.parametrize("rent", [800.0, 0.0])
def test_a_target_that_is_the_same_in_all_rows(model, batch, rent):
    report = check(model, batch.assign(rent=rent), target_units="off")
    assert names(report, "refuse") == {"labels"}
    assert "all 800 rows have the same 'rent'" in only_message(report, "labels")


def rare_rows(n, seed):
    """A class of one row in ten, which no column tells; most towns are there twice or less."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "town": [f"t{i}" for i in rng.integers(0, 2 * n, n)],
            "size": rng.normal(size=n),
            "hit": np.where(rng.random(n) < 0.1, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def rare():
    rows = rare_rows(2000, 0)
    rows["town"] = rare_rows(40, 0)["town"].sample(2000, replace=True, random_state=0).to_numpy()
    settings = {"time_budget": None, "max_trials": 1, "families": ["linear"], "n_jobs": 1}
    model = AutoModel(random_state=0, **settings).fit(rows[["town", "size"]], rows["hit"])
    return Champion.read(
        dump_bytes(model._predictor, describe(model._predictor, model._facts)), "x"
    )


def of_rare(rare, rows, **checks):
    report = Report(Rules.read({"rows": "off", "takeover": "off", **checks}))
    batch = Batch.read(rows, "hit", None, what="the new data")
    look(report, rare, batch, None, found=fingerprint(rows))
    return report


def test_few_rows_are_no_leak_by_chance(rare):
    refused = [names(of_rare(rare, rare_rows(40, seed)), "refuse") for seed in range(1, 40)]
    assert set().union(*refused) == set()
    rows = rare_rows(150, 1)
    assert "leak" in names(of_rare(rare, rows.assign(town=rows["hit"])), "refuse")


def test_one_class_is_refused_where_chance_does_not_make_it(rare):
    assert names(of_rare(rare, rare_rows(20, 1).assign(hit="no")), "refuse") == set()
    report = of_rare(rare, rare_rows(200, 1).assign(hit="no"), target_psi="off")
    assert names(report, "refuse") == {"labels"}


def test_few_rows_can_not_show_that_labels_are_wrong(model, batch):
    few = batch.iloc[:60].copy()
    few["rent"] = few["rent"].sample(frac=1, random_state=0).to_numpy()
    report = check(model, few, rows="off")
    assert names(report, "refuse") == set()
    assert {"fallen", "labels"} <= names(report, "retrain")


def test_another_metric_than_the_champions_tells_nothing_of_a_fall(champion, batch):
    model = Champion.read(champion.read_bytes(), "the champion", metric="r2")
    report = check(model, batch)
    assert {f.name for f in report.findings}.isdisjoint({"fallen", "labels"})
    assert np.isnan(model.expected.score)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(2, 10_000), n=st.integers(500, 1500))
def test_more_of_the_same_is_never_refused(model, seed, n):
    report = check(model, make_rows(n, seed, first_day=30))
    assert names(report, "refuse") == names(report, "nothing") == set()
    assert names(report, "retrain") <= {"growth"}


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000))
def test_resampled_rows_are_never_refused(model, history, seed):
    rows = history.sample(len(history), replace=True, random_state=seed)
    report = check(model, rows.assign(day=rows["day"] + pd.Timedelta(days=40)))
    assert names(report, "refuse") == names(report, "nothing") == set()
    assert names(report, "retrain") <= {"growth"}
