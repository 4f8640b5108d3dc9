import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.table import ColumnReport, Schema, inspect_table, read_roles, roles_text

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "key": range(60),
        "price ($)": [f"${n:,}" for n in range(900, 1500, 10)],
        'a "quoted" name': ["yes", "no"] * 30,
        "Größe\tin\nm": RNG.random(60),
        "day": pd.date_range("2020", periods=60).strftime("%d.%m.%Y"),
        "kind": ["a", "b", "c"] * 20,
        "same": 1,
    }
)


def test_the_file_changes_nothing_by_itself(tmp_path):
    found = inspect_table(FRAME)
    file = tmp_path / "roles.toml"
    file.write_text(roles_text(found.columns), encoding="utf-8")
    roles = read_roles(file)
    assert set(roles) == set(FRAME.columns) - {"same"}
    declared, inferred = Schema.infer(FRAME, types=roles), Schema.infer(FRAME)
    assert [c.role for c in declared.columns] == [c.role for c in inferred.columns]
    one, other = declared.apply(FRAME), inferred.apply(FRAME)
    for name, values in other.columns.items():
        np.testing.assert_array_equal(one.columns[name], values)


@pytest.mark.parametrize("as_json", [False, True])
def test_categories_of_which_the_letters_are_read_stay_so(tmp_path, as_json):
    frame = FRAME.assign(street=[f"road-{i % 55}" for i in range(60)])
    found, file = inspect_table(frame), tmp_path / "roles"
    file.write_text(json.dumps(found.to_dict()) if as_json else roles_text(found.columns))
    declared = Schema.infer(frame, types=read_roles(file))
    assert declared.readable == ("street",)
    assert declared.columns[-1] == Schema.infer(frame).columns[-1]


def test_json_is_read_too(tmp_path):
    file = tmp_path / "roles.json"
    file.write_text(json.dumps(inspect_table(FRAME).to_dict()))
    assert read_roles(file)["kind"] == "categorical"
    file.write_text('{"columns": {"kind": "drop"}}')
    assert read_roles(file) == {"kind": "drop"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name(tmp_path_factory, name):
    file = tmp_path_factory.mktemp("roles") / "roles.toml"
    column = ColumnReport(name, "numeric", name, 0.0, 1, [])
    file.write_text(roles_text([column]), encoding="utf-8")
    assert read_roles(file) == {name: "numeric"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[columns", "neither TOML nor JSON"),
        ("{", "neither TOML nor JSON"),
        ("[types]", r"no table \[columns\]"),
        ("columns = 3", r"no table \[columns\]"),
        ('[columns]\na = "nummeric"', "'a' to be 'nummeric' .did you mean 'numeric'"),
        ('[columns]\na = "constant"', "can be declared numeric"),
        ("[columns]\na = 3", "to be 3"),
    ],
)
def test_wrong_files(tmp_path, text, told):
    file = tmp_path / "roles.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        read_roles(file)
    with pytest.raises(UsageError, match="can't be read"):
        read_roles(tmp_path / "nothing")
