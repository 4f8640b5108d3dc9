import shutil

import pytest

from automl import load
from automl.exceptions import ArtifactError, UsageError
from automl.registry import Registry, find_model, read_model
from tests.registry.conftest import X


def test_a_registry_stands_for_the_version_that_serves(serving, model, other_model):
    assert read_model(serving.path) == other_model.read_bytes()
    assert find_model(serving.path) == serving.version(2).model_path
    serving.rollback()
    assert read_model(str(serving.path)) == model.read_bytes()
    assert load(serving.path).predict(X).tolist() == load(model).predict(X).tolist()


def test_files_and_folders_of_runs_are_read_as_ever(model, tmp_path):
    shutil.copy(model, tmp_path / "model.automl")
    for path in (model, tmp_path):
        assert read_model(path) == model.read_bytes()
    assert find_model(tmp_path) == tmp_path / "model.automl"
    with pytest.raises(ArtifactError, match=r"no model.automl in the folder"):
        read_model(tmp_path.parent)


def test_a_version_of_its_own_can_be_read(serving, model):
    assert read_model(serving.version(1).path) == model.read_bytes()


def test_a_registry_where_nothing_serves_says_what_to_do(registry, model):
    registry.add(model, {})
    with pytest.raises(UsageError, match=r"there are 1: automl models promote .* VERSION"):
        load(registry.path)


def test_a_damaged_model_names_the_way_back(serving):
    serving.current.model_path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="automl models rollback"):
        load(serving.path)
    serving.rollback()
    load(serving.path)


def test_a_version_replaced_and_deleted_while_it_was_looked_up_is_no_error(
    serving, model, monkeypatch
):
    first = serving.current
    seen = []

    def late(registry):
        """The first look is from before what another process does now."""
        seen.append(registry)
        if len(seen) > 1:
            return current(registry)
        for _ in range(2):
            serving.promote(serving.add(model, {}).number)
        serving.prune(keep=1)
        assert not first.path.exists()
        return first

    current = Registry.current.fget
    monkeypatch.setattr(Registry, "current", property(late))
    assert read_model(serving.path) == model.read_bytes()
