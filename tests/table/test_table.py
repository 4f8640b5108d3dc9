import numpy as np
import pandas as pd
import pytest

from automl.table import Schema

N = 70
FRAME = pd.DataFrame(
    {
        "float": np.linspace(0, 1, N),
        "single": np.linspace(0, 1, N, dtype=np.float32),
        "int": np.arange(N) % 7,
        "bool": np.arange(N) % 2 == 0,
        "date": pd.date_range("2020-01-01", periods=N),
        "zone": pd.date_range("2020-01-01", periods=N, tz="Europe/Berlin"),
        "text": ["a", "b"] * (N // 2),
    }
)
TABLE = Schema.infer(FRAME).apply(FRAME)


@pytest.mark.parametrize("name", ["float", "single", "int", "bool", "date"])
def test_what_numpy_holds_is_not_copied(name):
    assert np.shares_memory(TABLE.arrays[name], FRAME[name].to_numpy())


def test_columns_are_typed():
    assert list(TABLE.columns) == list(FRAME.columns)
    assert len(TABLE.columns) == FRAME.shape[1]
    for name, values in TABLE.columns.items():
        assert values.dtype == (np.int32 if name == "text" else np.float64)
        assert values.shape == (N,)
    np.testing.assert_array_equal(TABLE.columns["int"], FRAME["int"])
    np.testing.assert_array_equal(TABLE.columns["bool"], FRAME["bool"])
    np.testing.assert_array_equal(TABLE.columns["date"], np.arange(N) * 86400.0 + 1577836800)
    assert TABLE.columns["zone"][0] == TABLE.columns["date"][0] - 3600


@pytest.mark.parametrize("name", FRAME.columns)
def test_blocks_are_the_column(name):
    whole = TABLE.columns[name]
    np.testing.assert_array_equal(TABLE.block(name, slice(3, 9)), whole[3:9])
    np.testing.assert_array_equal(np.concatenate(list(TABLE.blocks(name))), whole)
    np.testing.assert_array_equal(TABLE.take(np.array([5, 1])).columns[name], whole[[5, 1]])


def test_size_counts_what_is_held():
    per_row = {"float": 8, "single": 4, "int": 8, "bool": 1, "date": 8, "zone": 8, "text": 4}
    assert TABLE.nbytes == N * sum(per_row.values())


def test_extent():
    assert (TABLE.extent("int").low, TABLE.extent("int").high) == (0.0, 6.0)
    assert TABLE.is_integral("int")
    assert not TABLE.is_integral("float")


def test_columns_move_into_files_and_what_was_read_is_let_go(tmp_path):
    table = Schema.infer(FRAME).apply(FRAME, fitting=True)
    before = {name: values.copy() for name, values in table.columns.items()}
    for name, values in table.arrays.items():
        np.save(tmp_path / f"{name}.npy", values)
    opened = []

    def open_files():
        opened.append({n: np.load(tmp_path / f"{n}.npy", mmap_mode="r") for n in before})
        return opened[-1]

    table.rest()  # nothing lies in files yet
    table.move(open_files)
    for _ in range(2):
        assert table.arrays is opened[-1]
        for name, values in before.items():
            np.testing.assert_array_equal(table.columns[name], values)
        table.rest()
    assert len(opened) == 3
    with pytest.raises(ValueError, match="needs the columns"):
        table.move(dict)
