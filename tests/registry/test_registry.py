import errno
import os
import shutil

import pytest

from automl.exceptions import (
    ArtifactError,
    RegistryError,
    RegistryWriteError,
    UsageError,
)
from automl.registry import Registry, _files, is_registry
from tests.registry.conftest import X


def numbers(registry):
    return [version.number for version in registry.versions()]


def actions(registry):
    return [(event["action"], event["current"]) for event in registry.history()]


def test_an_added_version_serves_only_when_promoted(registry, model):
    version = registry.add(model, {"data": {"n_rows": 60}}, {"better": True}, reason="first")
    assert registry.current is None
    assert registry.promote(1, "it is the first") == version
    assert registry.current == version
    assert version.model_path.read_bytes() == model.read_bytes()
    assert version.load().predict(X).tolist() == registry.current.load().predict(X).tolist()
    assert actions(registry) == [("add", None), ("promote", 1)]
    assert [event["reason"] for event in registry.history()] == ["first", "it is the first"]


def test_the_manifest_says_where_a_version_comes_from(serving, model):
    version = serving.add(
        model,
        {"data": {"sha256": "ab"}, "seed": 3, "scores": {"new": float("nan")}},
        {"decision": "kept"},
    )
    manifest = version.manifest
    assert manifest["parent"] == 2
    assert manifest["lineage"] == {"data": {"sha256": "ab"}, "seed": 3, "scores": {"new": None}}
    assert manifest["decision"] == {"decision": "kept"}
    assert manifest["model"]["metric"]["name"] == "roc_auc"
    assert manifest["model"]["columns"] == {"x0": "numeric", "x1": "numeric"}
    assert "numpy" in manifest["model"]["libraries"]
    assert manifest["surroundings"]["python"]
    assert manifest["by"]["pid"] == os.getpid()
    assert version.files["model.automl"]["bytes"] == model.stat().st_size
    assert version.created == manifest["created"]


def test_a_model_may_be_given_as_bytes(registry, model):
    assert registry.add(model.read_bytes(), {}).read() == model.read_bytes()
    with pytest.raises(ArtifactError, match="the model is not a saved model"):
        registry.add(b"no zip", {})


def test_the_parent_may_be_told(serving, model):
    assert serving.add(model, {"parent": 1}).manifest["parent"] == 1


def test_further_files_are_kept_and_checked(registry, model, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    version = registry.add(model, {}, files={"run.json": tmp_path / "run.json"})
    assert version.read("run.json") == b"{}"
    (version.path / "run.json").write_text("{ }")
    with pytest.raises(ArtifactError, match="run.json was changed"):
        version.read("run.json")
    with pytest.raises(ArtifactError, match="has no file 'journal'"):
        version.read("journal")


@pytest.mark.parametrize("name", ["manifest.json", "model.automl", "../x", ".hidden"])
def test_a_further_file_may_not_take_any_name(registry, model, name):
    with pytest.raises(ArtifactError, match="can't be called"):
        registry.add(model, {}, files={name: model})
    assert registry.versions() == []


def test_rollback_goes_back_step_by_step_and_not_forth(serving, model):
    serving.promote(serving.add(model, {}).number)
    assert serving.rollback("worse").number == 2
    assert serving.rollback().number == 1
    with pytest.raises(UsageError, match="No version .* served before"):
        serving.rollback()
    assert serving.current.number == 1
    assert [e["reason"] for e in serving.history() if e["action"] == "rollback"] == ["worse", ""]


def test_rollback_after_an_old_version_was_promoted_again(serving):
    serving.promote(1)
    assert serving.before.number == 2
    assert serving.rollback().number == 2


def test_promoting_what_serves_changes_nothing(serving):
    before = serving.history()
    serving.promote(2)
    assert (serving.history(), serving.before.number) == (before, 1)


def test_a_promotion_can_depend_on_who_serves(serving, model):
    serving.add(model, {})
    with pytest.raises(UsageError, match="was to follow 1, but 2 serves"):
        serving.promote(3, expected=1)
    assert serving.current.number == 2
    assert serving.promote(3, expected=2).number == 3


def test_prune_spares_what_serves_and_the_one_before(serving, model):
    for _ in range(3):
        serving.add(model, {})
    serving.promote(1)  # before it: 2
    assert serving.prune(keep=1) == [3, 4]
    assert numbers(serving) == [1, 2, 5]
    assert sorted(p.name for p in (serving.path / "versions").iterdir()) == [
        "0001",
        "0002",
        "0005",
    ]
    assert serving.add(model, {}).number == 6
    with pytest.raises(UsageError, match="give 1 or more"):
        serving.prune(keep=0)


def test_no_number_is_given_twice(registry, model):
    for _ in range(3):
        registry.add(model, {})
    assert registry.prune(keep=1) == [1, 2]
    assert registry.add(model, {}).number == 4


def test_versions_are_named_by_number_or_word(serving):
    assert serving.version("current") == serving.version(2) == serving.version("0002")
    assert serving.version("before").number == 1
    for name in (3, "x", "-1", ""):
        with pytest.raises(UsageError, match=r"there are: 1, 2"):
            serving.version(name)


def test_an_empty_registry_says_so(registry):
    for name in ("current", "before", 1):
        with pytest.raises(UsageError):
            registry.version(name)
    assert (registry.current, registry.before, registry.history()) == (None, None, [])


def test_open_finds_makes_or_refuses(tmp_path):
    with pytest.raises(UsageError, match="There is no registry"):
        Registry.open(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    Registry.open(tmp_path / "deep" / "new", create=True)
    assert is_registry(tmp_path / "deep" / "new")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(UsageError, match=r"holds something that is no registry \('mine.txt'\)"):
        Registry.open(tmp_path / "other", create=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryWriteError, match="can't be written"):
        Registry.open(tmp_path / "file", create=True)


def test_a_creation_that_was_killed_can_be_done_again(registry):
    (registry.path / "registry.json").unlink()
    assert Registry.open(registry.path, create=True).versions() == []


def test_a_damaged_model_is_not_added(registry, model, tmp_path):
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.automl").write_bytes(content)
    with pytest.raises(ArtifactError):
        registry.add(tmp_path / "bad.automl", {})
    assert registry.versions() == []


def test_a_damaged_version_is_not_served_and_the_way_back_is_named(serving):
    path = serving.current.model_path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"Version 2 .* was changed .* automl models rollback"):
        serving.current.read()
    assert serving.rollback().number == 1
    with pytest.raises(ArtifactError):
        serving.promote(2)
    assert serving.current.number == 1


def test_rollback_passes_over_a_damaged_version(serving, model, caplog):
    serving.promote(serving.add(model, {}).number)
    serving.version(2).model_path.unlink()
    assert serving.rollback().number == 1
    assert "Version 2" in caplog.text


def test_a_changed_manifest_is_noticed(serving):
    path = serving.version(1).path / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 7'))
    with pytest.raises(RegistryError, match=r"manifest.json was changed"):
        serving.version(1).manifest  # noqa: B018


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 2}', "upgrade"),
        ('{"format": 0}', "there never was"),
        ('{"format": 1}', "is damaged"),
        (
            '{"format": 1, "current": 1, "before": [], "versions": {}, "next": 1, "event": {}}',
            "names version 1",
        ),
    ],
)
def test_a_damaged_or_newer_registry_is_refused(registry, content, message):
    (registry.path / "registry.json").write_text(content)
    with pytest.raises(RegistryError, match=message):
        Registry.open(registry.path)


def fails_at(monkeypatch, step):
    """Let the disk be full at one of the steps that write."""
    real = getattr(_files.os, step)
    calls = []

    def full(*arguments):
        if step == "fsync" and len(calls) < 2:  # the first files fit, then one does not
            calls.append(arguments)
            return real(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_files.os, step, full)


@pytest.mark.parametrize("step", ["fsync", "replace", "rename"])
def test_on_a_full_disk_nothing_is_lost_or_left(serving, model, step, monkeypatch):
    before = serving.history()
    with monkeypatch.context() as patch:
        fails_at(patch, step)
        with pytest.raises(RegistryWriteError, match=r"No space left .* untouched"):
            serving.add(model, {})
    assert (numbers(serving), serving.current.number) == ([1, 2], 2)
    assert serving.history() == before
    assert list((serving.path / "work").iterdir()) == []
    assert serving.add(model, {}).number == 3


def test_a_journal_that_could_not_be_written_is_caught_up(serving, monkeypatch, caplog):
    def full(path, mode="r"):
        if mode == "a+b":
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr(_files, "open", full, raising=False)
        assert serving.promote(1).number == 1  # it serves, whatever the journal says
        assert "The journal can't be written" in caplog.text
        with pytest.raises(RegistryWriteError, match="No space left"):
            serving.promote(2)  # would make the journal lose a line
    assert actions(serving)[-1] == ("promote", 1)
    serving.promote(2)
    assert [e["number"] for e in serving.history()] == [1, 2, 3, 4, 5, 6]
    assert actions(serving)[-2:] == [("promote", 1), ("promote", 2)]


def test_a_torn_line_of_the_journal_is_mended(serving):
    journal = serving.path / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])  # the last event, killed while it was written
    assert actions(serving) == [("add", None), ("promote", 1), ("add", 1), ("promote", 2)]
    serving.rollback()
    assert journal.read_bytes().startswith(whole)
    assert actions(serving)[-1] == ("rollback", 1)


def test_leftovers_of_killed_jobs_are_swept(serving, model):
    shutil.copytree(serving.version(1).path, serving.path / "versions" / "0003")
    (serving.path / "versions" / "notes.txt").write_text("a user's")
    (serving.path / "work" / "0003.ab").mkdir()
    (serving.path / "work" / "0003.ab" / "model.automl").write_text("half")
    (serving.path / "work" / "registry.json.cd").write_text("half")
    with serving.lock(owner="next"):
        assert list((serving.path / "work").iterdir()) == []
        left = sorted(p.name for p in (serving.path / "versions").iterdir())
        assert left == ["0001", "0002", "notes.txt"]
    assert serving.add(model, {}).number == 3


def test_a_lock_names_its_owner_in_the_journal(registry, model):
    with registry.lock(owner="retrain"):
        registry.add(model, {})
    registry.promote(1)
    assert [event["by"]["owner"] for event in registry.history()] == ["retrain", "user"]
