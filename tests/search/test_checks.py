"""What is remembered of a card, and what it was remembered for."""

from dataclasses import replace
from importlib.metadata import version

import pytest

from automl.compute import Device
from automl.families import get_family
from automl.search._checks import _remember, _remembered, cache_file, key_of

CARD = Device(0, "a card", "9.0", 2**34, None, "13.0")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_keys_add_up():
    assert list(_remembered()) == []
    _remember("b")
    _remember("a")
    assert list(_remembered()) == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\x00", b"[1"])
def test_a_damaged_file_is_none(content):
    cache_file().parent.mkdir()
    cache_file().write_bytes(content)
    assert list(_remembered()) == []
    _remember("a")
    assert list(_remembered()) == ["a"]


def test_a_folder_that_can_not_be_made_is_no_error(cache, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    (cache / "file").write_text("")
    _remember("a")
    assert list(_remembered()) == []


def test_a_check_holds_for_the_library_the_driver_and_the_kind_of_card_not_its_number():
    family = get_family("xgboost")
    key = key_of(family, CARD)
    assert key_of(family, replace(CARD, number=3, free_bytes=5)) == key
    others = [
        replace(CARD, name="other"),
        replace(CARD, driver="13.1"),
        replace(CARD, capability="8"),
    ]
    assert key not in {key_of(family, c) for c in others}
    assert key_of(get_family("lightgbm"), CARD) != key
    assert version("xgboost") in key
