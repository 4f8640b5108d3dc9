import pytest

from automl import load
from automl.registry import Registry


@pytest.fixture
def registry(classifier, tmp_path):
    """Two versions of the model for penguins; the second one serves."""
    registry = Registry.open(tmp_path / "registry", create=True)
    for _ in range(2):
        registry.promote(registry.add(classifier[0], {"data": {"n_rows": 344}}).number)
    return registry


def test_add_makes_a_registry_that_predicts_like_its_run(run, classifier, penguins, tmp_path):
    added = run("models", "add", "new", classifier[0], "--promote", "--reason", "first", "--json")
    path = str(tmp_path / "new" / "versions" / "0001" / "model.automl")
    assert added.json == {
        "registry": str(tmp_path / "new"),
        "version": 1,
        "current": 1,
        "before": None,
        "path": path,
    }
    assert run("models", "add", "new", classifier[0]).out.endswith("it does not serve yet\n")
    predicted = run("predict", "new", penguins, "--proba").out
    assert predicted == run("predict", classifier[0], penguins, "--proba").out
    assert run("evaluate", "new", penguins, "--json").json["model"] == path


def test_add_of_what_is_no_model_makes_no_registry(run, tmp_path):
    outcome = run("models", "add", "new", "nothing.automl")
    told = "The model nothing.automl can't be read: No such file or directory."
    assert (outcome.code, outcome.error) == (3, told)
    assert list(tmp_path.iterdir()) == []


def test_list_marks_what_serves(run, registry, classifier):
    listed = run("models", "list", "registry", "--json").json
    assert (listed["current"], listed["before"], listed["job"]) == (2, 1, None)
    first, second = listed["versions"]
    assert (first["version"], first["parent"], second["parent"]) == (1, None, 1)
    assert second["score"] == classifier[1].json["score"]
    lines = run("models", "list", "registry").out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["1", first["created"][:10]], ["*", "2"]]


def test_list_shows_what_is_damaged(run, registry):
    (registry.version(1).path / "manifest.json").unlink()
    listed = run("models", "list", "registry", "--json").json
    assert "manifest.json can't be read" in listed["versions"][0]["damaged"]
    assert listed["versions"][1]["damaged"] is None
    assert run("models", "list", "registry").code == 0


def test_log_lists_the_latest_jobs(run, registry):
    assert run("models", "log", "registry").out.startswith("no jobs yet in ")
    for rows in (100, 1200):
        registry.log_job({"decision": "refused", "data": {"n_rows": rows}, "reason": "too few"})
    found = run("models", "log", "registry", "--last", "1", "--json").json
    assert [job["data"]["n_rows"] for job in found["jobs"]] == [1200]
    lines = run("models", "log", "registry").out.splitlines()
    assert [line.split()[2:4] for line in lines[1:]] == [["refused", "100"], ["refused", "1,200"]]


def test_show_tells_score_origin_and_history(run, registry):
    found = run("models", "show", "registry", "1", "--json").json
    assert (found["version"], found["serves"]) == (1, False)
    assert found["lineage"] == {"data": {"n_rows": 344}}
    assert [event["action"] for event in found["history"]] == ["add", "promote"]
    assert load(found["path"]).winner_ == found["model"]["winner"]
    shown = run("models", "show", "registry").out.splitlines()
    assert shown[0].split(maxsplit=1) == ["version", "2, serves"]


def test_diff_compares_the_one_before_with_the_current(run, registry, regressor):
    registry.promote(registry.add(regressor[0], {}).number)
    found = run("models", "diff", "registry", "--json").json
    assert (found["old"], found["new"]) == (2, 3)
    assert found["differences"]["configuration"]["task"] == ["multiclass", "regression"]
    assert found["differences"]["columns"]["island"] == ["categorical", None]
    text = run("models", "diff", "registry", "1", "2").out
    assert text.startswith("version 1 -> 2\nthe same: scores, ")


def test_promote_and_rollback_switch_what_serves(run, registry):
    assert run("models", "promote", "registry", "1", "--json").json["current"] == 1
    assert (
        run("models", "rollback", "registry", "--reason", "oops").out == "version 2 serves again\n"
    )
    assert registry.current.number == 2
    assert registry.history()[-1]["reason"] == "oops"
    assert (
        registry.history()[-1]["by"]["command"] == "automl models rollback registry --reason oops"
    )


def test_prune_says_what_is_gone(run, registry, classifier):
    registry.promote(registry.add(classifier[0], {}).number)
    assert run("models", "prune", "registry", "--keep", "1", "--json").json == {
        "registry": str(registry.path),
        "deleted": [1],
        "kept": [2, 3],
    }


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("show", "registry", "7"), 2, "There is no version '7'"),
        (("promote", "registry", "latest"), 2, "There is no version 'latest'"),
        (("list", "nowhere"), 2, "There is no registry in"),
        (
            ("prune", "registry", "--keep", "0"),
            2,
            "give 1 or more; see automl models prune --help",
        ),
        (("prune", "registry"), 2, "required: --keep"),
        ((), 2, "required: ACTION; see automl models --help"),
        (("delete", "registry"), 2, "invalid choice: 'delete'"),
    ],
)
def test_what_is_not_allowed_is_told(run, registry, words, code, told):
    outcome = run("models", *words, "--json")
    assert outcome.code == code
    assert told in outcome.error
    assert outcome.json["error"]["code"] == "usage"


def test_a_damaged_registry_or_model_ends_with_code_3(run, registry, penguins):
    path = registry.current.model_path
    path.write_bytes(path.read_bytes()[:-1])
    outcome = run("predict", "registry", penguins)
    assert outcome.code == 3
    assert outcome.error.endswith(f"automl models rollback {registry.path}")
    assert run("models", "rollback", "registry").code == 0
    assert run("predict", "registry", penguins).code == 0
    (registry.path / "registry.json").write_text("{")
    assert run("models", "list", "registry").code == 3


def test_a_registry_in_use_is_told_in_list_and_does_not_stop_a_rollback(run, registry):
    with registry.lock(owner="nightly"):
        assert "at work: nightly (process " in run("models", "list", "registry").out
        assert run("models", "rollback", "registry").code == 0


def test_a_change_by_another_is_waited_for_and_then_told(run, registry, monkeypatch):
    import automl.registry._store as module

    monkeypatch.setattr(module, "CHANGE_TIMEOUT", 0.0)
    from automl.__main__ import main
    from automl.registry._lock import hold

    with hold(registry.path / "locks" / "state", "slow", 0):
        assert main(["models", "rollback", str(registry.path)]) == 6
    assert registry.current.number == 2


def test_a_model_that_is_damaged_makes_no_registry(run, tmp_path):
    (tmp_path / "bad.automl").write_bytes(b"no model")
    outcome = run("models", "add", "registry", "bad.automl")
    assert outcome.code != 0
    assert not (tmp_path / "registry").exists()
