import csv
import gzip
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import automl
from automl.compute import find_driver

from .conftest import command, environment


@pytest.fixture(scope="module")
def model(classifier):
    return automl.load(classifier[0])


def test_one_row_per_row_in_its_order(run, classifier, model, penguins, tmp_path):
    frame = pd.read_csv(penguins).sample(40, random_state=1)
    frame.to_csv(tmp_path / "shuffled.csv", index=False)
    outcome = run("predict", classifier[0], "shuffled.csv")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "prediction"
    assert lines[1:] == model.predict(frame).tolist()


def test_probabilities_come_back_exactly(run, classifier, model, penguins):
    outcome = run("predict", classifier[1].json["model"], penguins, "--proba")
    head, *rows = csv.reader(outcome.out.splitlines())
    assert head == ["prediction", *(f"proba_{c}" for c in model.classes_)]
    expected = model.predict_proba(pd.read_csv(penguins))
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], dtype=float), expected)


def test_standard_input(run, classifier, penguins):
    outcome = run("predict", classifier[0], "-", stdin=penguins.read_bytes())
    assert outcome.out == run("predict", classifier[0], penguins).out


def test_files_by_suffix(run, classifier, penguins, tmp_path):
    arguments = ("predict", classifier[0], penguins, "--proba")
    plain = run(*arguments).out
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        outcome = run(*arguments, "--out", name)
        assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "a.csv").read_text() == plain
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == plain
    assert pd.read_parquet(tmp_path / "a.parquet").to_csv(index=False) == plain
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.csv.gz", "a.parquet"]


def test_values_are_numbers(run, regressor, earthquakes):
    head, *rows = run("predict", regressor[0], earthquakes).out.splitlines()
    assert head == "prediction"
    expected = automl.load(regressor[0]).predict(pd.read_parquet(earthquakes))
    assert [float(row) for row in rows] == expected.tolist()


def test_an_older_file_is_replaced(run, classifier, penguins, tmp_path):
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("old.csv")
    assert run("predict", classifier[0], penguins, "--out", "link.csv").code == 0
    assert (tmp_path / "old.csv").read_text().startswith("prediction\n")
    assert (tmp_path / "link.csv").is_symlink()


def test_an_unknown_column_is_told_the_target_is_not(run, classifier, penguins, tmp_path):
    frame = pd.read_csv(penguins).assign(extra=1)
    frame.to_csv(tmp_path / "extra.csv", index=False)
    outcome = run("predict", classifier[0], "extra.csv")
    assert outcome.code == 0
    assert outcome.err == "warning: 1 column not seen at fit and ignored: 'extra'\n"


def test_it_needs_neither_optuna_nor_what_the_winner_does_not_need(classifier, penguins):
    script = (
        "import sys; from automl.__main__ import main; code = main(sys.argv[1:]);"
        "sys.exit(code or any(m in sys.modules for m in ('optuna', 'lightgbm', 'xgboost')))"
    )
    arguments = ("predict", str(classifier[0]), str(penguins))
    subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--out", "a.xlsx"), 2, ".csv, .csv.gz, .parquet"),
        (("--out", "no/a.csv"), 2, "no folder no"),
        (("--json",), 2, "--json"),
    ],
)
def test_wrong_options_are_refused(run, classifier, penguins, flags, code, told):
    outcome = run("predict", classifier[0], penguins, *flags)
    assert outcome.code == code
    assert told in outcome.error


def test_values_have_no_probabilities(run, regressor, earthquakes):
    outcome = run("predict", regressor[0], earthquakes, "--proba")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--proba" in outcome.error


def test_another_table_is_refused(run, classifier, earthquakes):
    outcome = run("predict", classifier[0], earthquakes)
    assert (outcome.code, outcome.out) == (3, "")
    assert "'bill_length_mm'" in outcome.error


def test_no_model_is_refused(run, penguins, tmp_path):
    assert run("predict", tmp_path, penguins).code == 3
    assert "can't be read" in run("predict", "model.automl", penguins).error
    assert "not a saved model" in run("predict", penguins, penguins).error


def test_a_reader_that_stops_is_no_error(classifier, penguins):
    with subprocess.Popen(
        command("predict", classifier[0], penguins),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as program:
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


def test_a_full_disk_is_told(classifier, penguins):
    try:
        full = open("/dev/full", "wb")  # noqa: SIM115
    except OSError:
        pytest.skip("there is no /dev/full")
    with full:
        done = subprocess.run(
            command("predict", classifier[0], penguins),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: Standard output can't be written: No space left on device.\n"


@pytest.mark.skipif(bool(find_driver().devices), reason="there is a CUDA device")
def test_a_card_that_is_not_there_is_refused_before_anything_is_read(run):
    outcome = run("predict", "nothing.automl", "nothing.csv", "--device", "cuda")
    assert outcome.code == 2
    assert "--device cuda: no CUDA device found" in outcome.error
    outcome = run("predict", "nothing.automl", "nothing.csv", "--device", "tpu")
    assert outcome.code == 2
    assert "device='tpu' is not known" in outcome.error


def test_categories_mean_what_they_did_however_few_a_file_has(run, tmp_path):
    spelled = ["true", "false", "unknown"] * 40
    rows = pd.DataFrame(
        {"ready": spelled, "y": ["late" if s == "true" else "early" for s in spelled]}
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    options = (
        "--target",
        "y",
        "--metric",
        "log_loss",
        "--families",
        "linear",
        "--max-trials",
        "1",
        "--n-jobs",
        "1",
    )
    assert run("fit", "rows.csv", *options, "--out", "run").code == 0
    (tmp_path / "few.csv").write_text("ready\ntrue\nfalse\n")
    assert run("predict", "run", "few.csv").out.split() == ["prediction", "late", "early"]
    (tmp_path / "known.csv").write_text("ready,y\ntrue,late\nfalse,early\n")
    assert run("evaluate", "run", "known.csv", "--json").json["accuracy"] == 1
