import argparse
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.cli._options import (
    Option,
    Settings,
    add_options,
    names,
    number,
    one_of,
    pairs,
    path,
    switch,
    whole,
)
from automl.exceptions import UsageError

OPTIONS = (
    Option("n-jobs", "", whole(), "N", -1),
    Option("drop", "", names, "A,B", ()),
    Option("json", ""),
    Option("config", "", path, "FILE"),
)


def settings(flags=None, env=None):
    nothing = {option.key: None for option in OPTIONS}
    return Settings(OPTIONS, nothing | (flags or {}), env or {})


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "automl.toml"
        file.write_text(text)
        return str(file)

    return write


def test_flag_over_environment_over_file_over_default(config):
    file = config("n-jobs = 3")
    flags, env = {"n_jobs": "1"}, {"AUTOML_N_JOBS": "2"}
    assert settings(flags | {"config": file}, env).get("n-jobs") == 1
    assert settings({"config": file}, env).get("n-jobs") == 2
    assert settings({"config": file}).get("n-jobs") == 3
    assert settings({}).get("n-jobs") == -1


def test_the_file_may_be_named_by_the_environment(config):
    assert settings({}, {"AUTOML_CONFIG": config("n_jobs = 3")}).get("n-jobs") == 3


def test_an_empty_variable_is_none():
    found = settings({}, {"AUTOML_N_JOBS": " "})
    assert not found.given("n-jobs")
    assert found.get("n-jobs") == -1


def test_given_only_where_it_was_given(config):
    assert settings({"n_jobs": "-1"}).given("n-jobs")
    assert not settings({}).given("n-jobs")


def test_a_switch_can_be_turned_off_above_the_file(config):
    file = config("json = true")
    assert settings({"config": file}).get("json") is True
    assert settings({"config": file}, {"AUTOML_JSON": "false"}).get("json") is False


def test_a_list_in_the_file(config):
    assert settings({"config": config('drop = ["a", "b,c"]')}).get("drop") == ["a", "b,c"]


@pytest.mark.parametrize(
    ("flags", "env", "text", "origin"),
    [
        ({"n_jobs": "x"}, {}, "", "--n-jobs: 'x'"),
        ({}, {"AUTOML_N_JOBS": "1.5"}, "", "AUTOML_N_JOBS: '1.5'"),
        ({}, {}, "n-jobs = true", "automl.toml, n-jobs: True"),
        ({}, {"AUTOML_JSON": "maybe"}, "", "AUTOML_JSON: 'maybe'"),
    ],
)
def test_an_error_says_where_the_value_came_from(config, flags, env, text, origin):
    found = settings(flags | {"config": config(text)}, env)
    with pytest.raises(UsageError) as caught:
        _ = found.get("n-jobs"), found.get("json")
    assert origin in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("n_job = 1", "'n_job' (did you mean 'n_jobs'?)"),
        ("[fit]\nseed = 1", "'fit'"),
        ('config = "x.toml"', "'config'"),
        ("n_jobs = ", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused(config, text, told):
    with pytest.raises(UsageError) as caught:
        settings({"config": config(text)})
    assert told in str(caught.value)


def test_a_missing_file_is_refused():
    with pytest.raises(UsageError, match=r"nowhere\.toml can't be read: No such file"):
        settings({"config": "nowhere.toml"})


def test_flags_of_options():
    parser = argparse.ArgumentParser()
    add_options(parser, OPTIONS)
    flags = vars(parser.parse_args(["--n-jobs", "-2", "--json"]))
    assert flags == {"n_jobs": "-2", "drop": None, "json": True, "config": None}


words = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n\0'), min_size=1).filter(
    lambda text: text == text.strip()
)


@given(st.lists(words, min_size=1))
def test_any_names_can_be_quoted(columns):
    assert names(",".join(f'"{column}"' for column in columns)) == columns


@given(st.dictionaries(words.filter(lambda text: "," not in text), st.just("numeric"), min_size=1))
def test_pairs_split_at_the_last_equals_sign(types):
    assert pairs(",".join(f"{name}={kind}" for name, kind in types.items())) == types


@pytest.mark.parametrize("read", [names, pairs, number, switch, whole(0), one_of("a"), path])
@given(value=st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text()))
def test_readers_raise_nothing_but_value_errors(read, value):
    with suppress(ValueError):
        read(value)


@pytest.mark.parametrize("value", ["", "a,,b", ",", []])
def test_names_need_a_name(value):
    with pytest.raises(ValueError, match="separated by commas"):
        names(value)


@pytest.mark.parametrize("value", ["nan", True, None, "one"])
def test_a_number_is_needed(value):
    with pytest.raises(ValueError, match="give a number"):
        number(value)


@pytest.mark.parametrize("value", ["-1", -1, 1.5, True, "1e3", float("inf"), None])
def test_a_whole_number_is_needed(value):
    with pytest.raises(ValueError, match="whole number from 0 up"):
        whole(0)(value)


def test_a_path_may_begin_at_home():
    assert path("~/runs") == Path.home() / "runs"
