"""The folder of a run."""

import json
import os

import numpy as np
import pytest

from automl.exceptions import DataError, UsageError
from automl.run import RunDirectory, read_leaderboard


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    run = RunDirectory.create(tmp_path / "a" / "b")
    assert run.path == tmp_path / "a" / "b"
    assert run.work.is_dir()
    assert (run.path / "oof").is_dir()
    assert {run.model.parent, run.journal.parent, run.events.parent} == {run.path}


def test_an_empty_folder_is_taken(tmp_path):
    assert RunDirectory.create(str(tmp_path)).path == tmp_path


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "model.automl"])
def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="holds something already; name a new or empty one"):
        RunDirectory.create(tmp_path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "mine")]


def test_a_run_is_not_written_over_another(tmp_path):
    RunDirectory.create(tmp_path / "run")
    with pytest.raises(UsageError, match="holds something already"):
        RunDirectory.create(tmp_path / "run")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=f"The folder {path} can't be used"):
            RunDirectory.create(path)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("name", ["run", "."])
def test_a_parent_that_can_not_be_written_is_refused(tmp_path, name):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(UsageError, match="can't be (used|written): Permission denied"):
            RunDirectory.create(tmp_path / name)
    finally:
        tmp_path.chmod(0o755)


def test_a_place_where_nobody_may_write_is_refused():
    """Root may write to any disk, but not make folders among the processes."""
    with pytest.raises(UsageError, match="The folder /proc/run can't be used"):
        RunDirectory.create("/proc/run")


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunDirectory.create("~/runs/one").path == tmp_path / "runs" / "one"


def test_without_a_path_the_folder_is_temporary_and_private():
    run, other = RunDirectory.create(None), RunDirectory.create(None)
    try:
        assert run.path != other.path
        assert run.path.stat().st_mode & 0o077 == 0
    finally:
        run.remove()
        other.remove()
    assert not run.path.exists()


def test_work_is_removed_alone(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    run.model.write_bytes(b"model")
    run.remove_work()
    run.remove_work()  # twice is fine
    assert not run.work.exists()
    assert run.model.read_bytes() == b"model"


def test_json_holds_numpy_values_and_is_replaced_whole(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    run.write_json("run.json", {"a": 1})
    run.write_json(
        "run.json", {"n": np.int64(3), "x": np.float32(0.5), "v": np.arange(2), "p": tmp_path}
    )
    read = json.loads((run.path / "run.json").read_text())
    assert read == {"n": 3, "x": 0.5, "v": [0, 1], "p": str(tmp_path)}
    assert not list(run.path.glob(".*"))


def test_predictions_have_a_folder(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    assert run.predictions.is_dir()
    assert run.predictions.parent == run.path


def test_failures_are_kept_whole(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    run.write_failure("linear-3", {"family": "linear", "params": {"x": np.float64(1.0)}})
    run.write_failure("linear-4", {"family": "linear"})
    kept = json.loads((run.path / "failures" / "linear-3.json").read_text())
    assert kept == {"family": "linear", "params": {"x": 1.0}}
    assert len(list((run.path / "failures").iterdir())) == 2


@pytest.fixture
def finished(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    run.write_json("run.json", {"result": {"winner": "linear-1"}, "config": {}})
    run.write_json("leaderboard.json", [{"name": "linear-1"}, {"name": "constant"}])
    run.model.write_bytes(b"model")
    return run


def test_the_leaderboard_is_read_from_the_folder_or_the_model(finished):
    for path in (finished.path, str(finished.path), finished.model):
        run, rows = read_leaderboard(path)
        assert run["result"]["winner"] == "linear-1"
        assert [row["name"] for row in rows] == ["linear-1", "constant"]


@pytest.mark.parametrize("name", ["run.json", "leaderboard.json"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_an_unfinished_or_damaged_run_is_refused_by_name(finished, name, content):
    (finished.path / name).unlink()
    if content is not None:
        (finished.path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{finished.path} is not the folder of a finished run"):
        read_leaderboard(finished.path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere is not the folder of a finished run"):
        read_leaderboard(tmp_path / "nowhere")
