import gzip
import json
import os
import pty
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import recall_score

from automl.run import read_leaderboard

from .conftest import DATASETS, QUICK, command, environment

KEYS = [
    *("run", "model", "task", "metric", "score", "score_interval", "winner"),
    *("n_trials", "n_pruned", "n_failed", "n_rows", "elapsed_s", "budget_s", "device"),
    *("cross_validated", "pruning_saved_s"),
]


def configuration(folder):
    return read_leaderboard(folder)[0]["config"]


def test_json_is_one_object_with_these_keys(classifier):
    folder, outcome = classifier
    found = outcome.json
    assert list(found) == KEYS
    assert found["run"] == str(folder)
    assert found["model"] == str(folder / "model.automl")
    assert Path(found["model"]).is_file()
    assert (found["task"], found["metric"], found["device"]) == ("multiclass", "log_loss", "cpu")
    assert found["score_interval"][0] <= found["score"] <= found["score_interval"][1]
    assert (found["n_trials"], found["n_pruned"], found["n_failed"]) == (1, 0, 0)
    assert found["budget_s"] is None
    assert found["elapsed_s"] > 0


def test_progress_goes_to_standard_error_in_plain_lines(classifier):
    err = classifier[1].err
    assert "task        multiclass (3 distinct labels)" in err
    assert "metric      log_loss" in err
    assert "set aside   region (constant" in err
    assert "best log_loss" in err
    assert "\x1b" not in err


def test_text_shows_the_leaderboard_and_what_to_do_next(regressor):
    out = regressor[1].out
    assert "* lightgbm-1" in out
    assert "constant" in out
    assert "95 % interval" in out
    assert "model  run/model.automl" in out
    assert "automl predict run/model.automl" in out


def test_the_budget_is_60_seconds_unless_trials_are_given(run, penguins, classifier):
    assert configuration(classifier[0])["time_budget"] is None
    arguments = ("fit", penguins, "--target", "species", *QUICK, "--time-budget", "30s")
    outcome = run(*arguments, "--json", "--quiet")
    assert (outcome.json["budget_s"], outcome.err) == (30.0, "")


def test_options_of_all_places_reach_the_run(run, penguins, tmp_path):
    (tmp_path / "automl.toml").write_text(
        'target = "species"\nfamilies = ["linear"]\nmax-trials = 1\nseed = 3\nmetric = "f1"\n'
        'types = {island = "categorical"}\ndrop = ["comments"]\nno_ensemble = true\n'
    )
    env = {"AUTOML_SEED": "4", "AUTOML_METRIC": "mcc"}
    flags = ("--config", "automl.toml", "--metric", "accuracy", "--out", "a/b", "--no-pruning")
    outcome = run("fit", penguins, *flags, "--n-jobs", "1", env=env)
    assert outcome.code == 0, outcome.err
    found = configuration(tmp_path / "a/b")
    assert found["metric"] == "accuracy"
    assert found["seed"] == 4
    assert (found["families"], found["max_trials"]) == (["linear"], 1)
    assert (found["types"], found["drop"]) == ({"island": "categorical"}, ["comments"])
    assert (found["ensemble"], found["pruning"], found["n_jobs"]) == (False, False, 1)
    assert "comments (dropped" in outcome.err


def test_standard_input_quietly_into_the_default_folder(run, penguins, tmp_path):
    arguments = ("fit", "-", "--target", "species", *QUICK, "--quiet")
    outcome = run(*arguments, stdin=gzip.compress(penguins.read_bytes()))
    assert (outcome.code, outcome.err) == (0, "")
    (folder,) = (tmp_path / "automl-runs").iterdir()
    assert folder.name.startswith("stdin-")
    assert (folder / "model.automl").is_file()
    assert f"automl-runs/{folder.name}/model.automl" in outcome.out


def test_groups_are_no_feature_and_need_not_be_there_later(run, penguins, tmp_path):
    flags = ("--groups", "individual_id", "--out", "run")
    outcome = run("fit", penguins, "--target", "species", *QUICK, *flags)
    assert outcome.code == 0, outcome.err
    assert "grouped" in outcome.err
    frame = pd.read_csv(penguins).drop(columns=["individual_id", "species"])
    frame.to_csv(tmp_path / "new.csv", index=False)
    predicted = run("predict", "run", "new.csv")
    assert (predicted.code, predicted.err) == (0, "")
    assert predicted.out.count("\n") == len(frame) + 1
    assert run("predict", "run", penguins).err == ""


def test_a_positive_label_is_matched_by_its_text(run, tmp_path):
    rows = [f"{x},{int(x > 20)}" for x in (37 * i % 60 for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    flags = ("--metric", "recall", "--out", "run", "--positive-label")
    assert run("fit", "t.csv", "--target", "y", *QUICK, *flags, "0").code == 0
    shown = run("evaluate", "run", "t.csv", "--json").json
    labels = pd.read_csv(tmp_path / "t.csv").y
    guesses = [int(guess) for guess in run("predict", "run", "t.csv").out.split()[1:]]
    assert shown["score"] == pytest.approx(recall_score(labels, guesses, pos_label=0))
    outcome = run("fit", "t.csv", "--target", "y", *QUICK, "--positive-label", "7")
    assert outcome.code == 2
    assert "7" in outcome.error


def test_a_metric_of_the_user_may_print(run, penguins, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def hits(y_true, y_pred):\n    print('noise')\n    return (y_true == y_pred).mean()\n"
    )
    flags = ("--metric", "mine:hits", "--json", "--out", "run")
    outcome = run("fit", penguins, "--target", "species", *QUICK, *flags)
    assert outcome.code == 0, outcome.err
    assert outcome.json["metric"] == "mine:hits"
    assert "noise" in outcome.err
    shown = run("evaluate", "run", penguins, "--json")
    assert shown.json["score"] == shown.json["accuracy"]


@pytest.mark.parametrize(
    ("metric", "least", "sign", "code"),
    [("accuracy", "0.5", "", 0), ("log_loss", "0.5", "", 0), ("log_loss", "1e-9", "at most", 5)],
)
def test_min_score_has_the_sign_of_the_metric(run, penguins, tmp_path, metric, least, sign, code):
    flags = ("--metric", metric, "--min-score", least, "--out", "run", "--json")
    outcome = run("fit", penguins, "--target", "species", *QUICK, *flags)
    assert outcome.code == code
    assert (tmp_path / "run/model.automl").is_file()
    assert list(outcome.json)[: len(KEYS)] == KEYS
    if code:
        assert sign in outcome.error
        assert outcome.json["error"] == {"code": "score_too_low", "message": outcome.error}


def test_a_folder_that_holds_something_is_refused_before_reading(run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a.txt").touch()
    outcome = run("fit", "nothing.csv", "--target", "y", "--out", "full", "--json")
    assert outcome.code == 2
    assert "holds something" in outcome.json["error"]["message"]
    (tmp_path / "file").touch()
    assert run("fit", "nothing.csv", "--target", "y", "--out", "file/run").code == 2


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there may be a device")
def test_a_missing_device_is_refused_at_once(run):
    outcome = run("fit", "nothing.csv", "--target", "y", "--device", "cuda")
    assert outcome.code == 2
    assert "no CUDA device" in outcome.error


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--target", "specie"), 3, "did you mean 'species'?"),
        (("--target", "sex"), 3, "'sex' has 11 missing values"),
        (("--target", "region"), 3, "one class only"),
        (("--target", "species", "--groups", "idd"), 3, "groups column 'idd'"),
        (("--target", "species", "--drop", "species"), 2, "--drop names the target"),
        (("--target", "species", "--types", "sex"), 2, "--types: 'sex'"),
        (("--target", "species", "--time-budget", "soon"), 2, "--time-budget: "),
        (("--target", "species", "--families", "linaer"), 2, "Did you mean 'linear'?"),
        (("--target", "species", "--metric", "rocauc"), 2, "'rocauc' is unknown"),
        (("--target", "species", "--n-jobs", "0"), 2, "0 is not allowed"),
    ],
)
def test_what_can_not_be_used_is_named(run, penguins, flags, code, told, tmp_path):
    outcome = run("fit", penguins, *flags)
    assert (outcome.code, outcome.out) == (code, "")
    assert told in outcome.error
    assert not (tmp_path / "automl-runs").exists()


def test_data_errors_with_json(run):
    outcome = run("fit", "nothing.csv", "--target", "y", "--json")
    assert outcome.code == 3
    assert outcome.json == {"error": {"code": "data", "message": outcome.error}}


def test_too_little_time_leaves_the_constant_and_says_so(run, penguins):
    arguments = ("fit", penguins, "--target", "species", "--time-budget", "0.3", "--out", "run")
    outcome = run(*arguments)
    assert outcome.code == 0
    assert "predicts a constant" in outcome.out
    assert run("predict", "run/model.automl", penguins, "--out", "p.csv").code == 0


def test_no_trial_that_works_exits_4(run, penguins, tmp_path):
    (tmp_path / "bad.json").write_text('{"family": "lightgbm", "params": {"num_leaves": 1}}')
    flags = ("--configurations", "bad.json", "--max-trials", "1", "--json")
    outcome = run("fit", penguins, "--target", "species", *flags)
    assert outcome.code == 4
    assert outcome.json["error"] == {"code": "no_model", "message": outcome.error}
    assert "num_leaves" in outcome.error


def test_a_terminal_shows_one_line_that_changes(penguins, tmp_path):
    ours, theirs = pty.openpty()
    arguments = ("fit", penguins, "--target", "species", *QUICK, "--out", "run", "--json")
    env = environment({"TERM": "xterm", "NO_COLOR": "1"})
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=theirs, cwd=tmp_path, env=env
    ) as program:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # nobody writes any more
                break
        result = json.loads(program.stdout.read())
    os.close(ours)
    assert result["winner"] == "linear-1"
    text = shown.decode()
    assert "\r\x1b[2K" in text
    assert f"reading {penguins}"[:40] in text
    assert "task        multiclass" in text
    assert text.endswith("\r\x1b[2K")
    assert "\x1b[1m" not in text


def test_small_tables_of_all_kinds(run, tmp_path):
    arguments = (DATASETS / "flights.csv.gz", "--target", "late", *QUICK, "--json", "--quiet")
    assert run("fit", *arguments).json["task"] == "binary"
    (tmp_path / "empty.csv").touch()
    assert run("fit", "empty.csv", "--target", "y").code == 3
    (tmp_path / "target_only.csv").write_text("y\na\nb\na\nb\n")
    outcome = run("fit", "target_only.csv", "--target", "y")
    assert outcome.code == 3
    assert "no column beside the target 'y'" in outcome.error
