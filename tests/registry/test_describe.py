import subprocess

import pytest

from automl.registry import compare
from automl.registry._describe import describe_surroundings


def git(folder, *words):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True
    )


@pytest.fixture
def project(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_the_commit_of_the_folder_is_noted(project):
    found = describe_surroundings(project)["git"]
    assert (len(found["commit"]), found["changed"]) == (40, False)
    (project / "new.txt").write_text("")  # not the code's
    assert describe_surroundings(project)["git"] == found
    (project / "a.py").write_text("2")
    assert describe_surroundings(project)["git"] == found | {"changed": True}


def test_without_a_repository_or_git_there_is_no_commit(tmp_path, project, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    empty = tmp_path.parent / "no-repository"
    empty.mkdir(exist_ok=True)
    assert describe_surroundings(empty)["git"] is None
    monkeypatch.setenv("PATH", str(empty))
    assert describe_surroundings(project)["git"] is None


def test_what_differs_is_told_by_what_it_is_about(serving, model):
    lineage = {
        "data": {"sha256": "ab", "n_rows": 5},
        "configuration": {"mode": "refit"},
        "scores": {"new": 0.5},
        "trigger": "drift",
    }
    serving.add(model, lineage)
    found = compare(*(serving.version(n).manifest for n in (2, 3)))
    assert found["scores"]["metric"] == ["log_loss", "roc_auc"]
    assert found["scores"]["scores.new"] == [None, 0.5]
    assert found["data"] == {"data.sha256": [None, "ab"], "data.n_rows": [None, 5]}
    assert found["configuration"]["seed"] == [1, 0]
    assert found["configuration"]["configuration.mode"] == [None, "refit"]
    assert found["lineage"] == {"trigger": [None, "drift"]}
    assert found["columns"] == found["libraries"] == {}


def test_a_version_does_not_differ_from_itself(serving):
    manifest = serving.version(1).manifest
    assert not any(compare(manifest, manifest).values())
