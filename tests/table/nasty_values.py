"""Nasty values: cells of all kinds, and targets."""

import json

from tests.table.nasty import joined, nasty, table, with_column


def with_target(cells: list[str]) -> str:
    rows = table(len(cells))
    for row, cell in zip(rows[1:], cells, strict=True):
        row[3] = cell
    return joined(rows)


def records() -> list[dict[str, object]]:
    header, *rows = table()
    return [dict(zip(header, [float(r[0]), r[1], int(r[2]), r[3]], strict=True)) for r in rows]


# -- cells ----------------------------------------------------------------------------------


@nasty("huge_field.csv")
def _() -> str:
    return with_column("note", lambda i: "x" * 5_000_000 if i == 3 else "short")


@nasty("wide_texts.csv")
def _() -> str:
    return with_column("note", lambda i: f"word{i % 5} " * 2_000)


@nasty("mixed_types.csv")
def _() -> str:
    return with_column("m", lambda i: ["1", "2.5", "yes", "2026-01-31", "n/a", "[1]", "-"][i % 7])


@nasty("text_far_below_numbers.csv")
def _() -> str:
    return with_column("m", lambda i: "many" if i == 39_000 else str(i % 13), 40_000)


@nasty("infinities.csv", warned="infinite values taken as missing, in 'm'")
def _() -> str:
    return with_column("m", lambda i: ["inf", "-inf", "Infinity", str(i)][i % 4])


@nasty("beyond_floats.csv", warned="taken as missing, in 'm'")
def _() -> str:
    return with_column("m", lambda i: f"{1 + i % 9}e{'400' if i % 5 == 0 else '3'}")


@nasty("beyond_64_bits.csv")
def _() -> str:
    return with_column("m", lambda i: str(10**25 + i) if i % 3 else str(2**63 + i))


@nasty("column_without_values.csv")
def _() -> str:
    return with_column("m", lambda i: ["", "NA", "?", "null"][i % 4])


@nasty("no_values_at_all.csv", told=r"No column is left for a model")
def _() -> str:
    return joined([["a", "b", "y"], *(["", "NA", "yes" if i % 2 else "no"] for i in range(40))])


@nasty("equal_rows.csv", told=r"No column is left for a model")
def _() -> str:
    return "a,b,y\n" + "1,x,yes\n" * 40 + "1,x,no\n" * 40


@nasty("mixed_dates.csv")
def _() -> str:
    formats = ["2026-01-{:02}", "{:02}/02/2026", "March {}, 2026", "2026-04-{:02}T10:00:00+02:00"]
    return with_column("d", lambda i: f'"{formats[i % 4].format(1 + i % 28)}"')


@nasty("impossible_dates.csv")
def _() -> str:
    return with_column("d", lambda i: "2026-02-31" if i % 9 == 0 else f"2026-01-{1 + i % 28:02}")


@nasty("dates_of_all_ages.csv")
def _() -> str:
    return with_column("d", lambda i: ["0001-01-01", "9999-12-31", "1969-07-20"][i % 3])


@nasty("mixed_booleans.csv")
def _() -> str:
    return with_column("t", lambda i: ["yes", "N", "TRUE", "f", "1", "0", "on", ""][i % 8])


@nasty("numbers_with_units.csv")
def _() -> str:
    return with_column("m", lambda i: [f"{i} kg", f"{i}kg", f"{i}.5 kg", "-"][i % 4])


@nasty("money.csv")
def _() -> str:
    return with_column("m", lambda i: f'"${1000 + i:,}.50"' if i % 6 else f"{i}%")


@nasty("ranges.csv")
def _() -> str:
    return with_column("m", lambda i: f"{2000 + i} - {2100 + i}")


@nasty("leading_zeros.csv")
def _() -> str:
    return with_column("zip", lambda i: f"{i % 9:05}")


@nasty("hexadecimal.csv")
def _() -> str:
    return with_column("h", lambda i: f"0x{i % 30:04X}")


@nasty("strange_spaces.csv")
def _() -> str:
    return with_column("m", lambda i: ["\u00a0red", "red ", "\u200bred", "\u3000"][i % 4])


@nasty("formulas.csv")
def _() -> str:
    return with_column("m", lambda i: ["=1+1", "#REF!", "#DIV/0!", "@x", "-3"][i % 5])


@nasty("markup_in_cells.csv")
def _() -> str:
    return with_column("m", lambda i: f"<b>{i % 4}</b><script>alert(1)</script>")


@nasty("as_many_categories_as_rows.csv", slow=True)
def _() -> str:
    return with_column("m", lambda i: f"user {i * 7919 % 1_000_003}", 200_000)


# -- targets --------------------------------------------------------------------------------


@nasty("constant_target.csv", told=r"'y' has one class only")
def _() -> str:
    return with_target(["yes"] * 80)


@nasty("missing_targets.csv", told=r"'y' has 8 missing values, the first in row 0")
def _() -> str:
    return with_target(["" if i % 10 == 0 else str(i % 2) for i in range(80)])


@nasty("target_without_values.csv", told=r"'y' has 80 missing values")
def _() -> str:
    return with_target(["NA"] * 80)


@nasty("target_of_names.csv", told=r"'y' has 80 classes in 80 rows")
def _() -> str:
    return with_target([f"person {i}" for i in range(80)])


@nasty("target_of_rare_classes.csv")
def _() -> str:
    return with_target([*["a", "b", "c"] * 25, "d", "e", "f", "g", "g"])


@nasty("target_of_numbers_and_texts.csv")
def _() -> str:
    return with_target([["1", "2", "low"][i % 3] for i in range(80)])


@nasty("target_infinite.csv", told=r"'y' has \d+ missing values")
def _() -> str:
    return with_target([str(i / 7) if i % 9 else "inf" for i in range(80)])


@nasty("two_rows.csv", told=r"'y' has 2 classes in 2 rows")
def _() -> str:
    return "a,b,y\n1,2,3.5\n2,1,4.5\n"


# -- JSON -----------------------------------------------------------------------------------


@nasty("array.json")
def _() -> str:
    return json.dumps(records())


@nasty("indented.json")
def _() -> str:
    return "\n".join(json.dumps(record, indent=2) for record in records())


@nasty("lines_of_json.csv")
def _() -> str:
    return "\n".join(map(json.dumps, records()))


@nasty("nested_objects.jsonl")
def _() -> str:
    return "\n".join(
        json.dumps(r | {"place": {"at": {"x": i % 7, "y": i % 3}, "name": "ab"[i % 2]}})
        for i, r in enumerate(records())
    )


@nasty("nested_lists.jsonl", warned=r"'tags' is left out: it holds a list in row 0")
def _() -> str:
    return "\n".join(json.dumps(r | {"tags": ["x", i]}) for i, r in enumerate(records()))


@nasty("different_keys.jsonl")
def _() -> str:
    return "\n".join(json.dumps(r | {f"k{i % 5}": i}) for i, r in enumerate(records()))


@nasty("broken_line.jsonl", told=r"line 41 is not JSON")
def _() -> str:
    lines = list(map(json.dumps, records()))
    lines[40] = lines[40][:-3]
    return "\n".join(lines)


@nasty("bottomless.jsonl", told=r"nested too deeply")
def _() -> str:
    return '{"a": 1, "y": 1}\n{"a": ' + "[" * 200_000 + "]" * 200_000 + "}\n"


@nasty("not_objects.jsonl", told=r"must be one JSON object")
def _() -> str:
    return "[1, 2]\n[3, 4]\n"
