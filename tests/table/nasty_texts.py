"""Nasty texts: encodings, dialects, rows and headers."""

import codecs

from tests.table.nasty import joined, nasty, table, with_column

# -- encodings ------------------------------------------------------------------------------

TOWNS = ["Köln", "Málaga", "Orléans", "Århus"]


def towns(i: int) -> str:
    return TOWNS[i % 4]


@nasty("utf8_bom.csv")
def _() -> bytes:
    return codecs.BOM_UTF8 + joined(table()).encode()


@nasty("utf16_le.csv")
def _() -> bytes:
    return codecs.BOM_UTF16_LE + with_column("town", towns).encode("utf-16-le")


@nasty("utf16_be.csv")
def _() -> bytes:
    return codecs.BOM_UTF16_BE + with_column("town", towns).encode("utf-16-be")


@nasty("utf16_without_mark.csv")
def _() -> bytes:
    return with_column("town", towns).encode("utf-16-le")


@nasty("utf32.csv")
def _() -> bytes:
    return with_column("town", towns).encode("utf-32")


@nasty("windows_1252.csv", warned="not UTF-8; read as Windows-1252")
def _() -> bytes:
    return with_column("preis_€", towns).encode("cp1252")


@nasty("windows_1252_far_below.csv", warned="not UTF-8; read as Windows-1252")
def _() -> bytes:
    return with_column("town", lambda i: "Köln" if i == 29_999 else "Ulm", 30_000).encode("cp1252")


@nasty("latin_1.csv", warned="not UTF-8; read as Latin-1")
def _() -> bytes:
    return with_column("town", lambda i: towns(i) + "\x81").encode("latin-1")


@nasty("damaged_utf8.csv", warned="1 character is damaged UTF-8")
def _() -> bytes:
    return with_column("town", towns).encode().replace("Århus".encode(), b"\xff", 1)


@nasty("emoji.csv")
def _() -> str:
    return with_column("🏠 size 📏", lambda i: "🙂🙃😀"[i % 3] * (1 + i % 2))


@nasty("right_to_left.csv")
def _() -> str:
    return with_column("עיר", lambda i: ["חיפה", "ירושלים"][i % 2])


@nasty("zero_bytes_in_cells.csv")
def _() -> str:
    return with_column("town", lambda i: "U\0lm" if i % 5 == 0 else "Bonn")


# -- dialects -------------------------------------------------------------------------------


def european(grouped: bool) -> str:
    rows = table()
    for i, row in enumerate(rows[1:]):
        row[0] = row[0].replace(".", ",")
        if grouped and i % 2:
            row[0] = f"{1 + i % 9}.{100 + i}," + row[0].partition(",")[2]
    return joined(rows, ";")


@nasty("decimal_comma.csv")
def _() -> str:
    return european(grouped=False)


@nasty("thousands_points.csv")
def _() -> str:
    return european(grouped=True)


@nasty("tabs.tsv")
def _() -> str:
    return joined(table(), "\t")


@nasty("tabs_named.csv")
def _() -> str:
    return joined(table(), "\t")


@nasty("bars.txt")
def _() -> str:
    return joined(table(), "|")


@nasty("aligned_by_spaces.txt")
def _() -> str:
    return "".join("".join(cell.rjust(8) for cell in row) + "\n" for row in table())


@nasty("says_sep.csv")
def _() -> str:
    return "sep=;\n" + joined(table(), ";")


@nasty("title_lines.csv", warned="2 lines before the header skipped")
def _() -> str:
    return "Sales report 2026\n\nConfidential\n" + joined(table())


@nasty("comment_lines.csv", warned="3 lines before the header skipped")
def _() -> str:
    return "# made by a sensor\n# unit: mm, s\n# version 3\n" + joined(table())


@nasty("carriage_returns.csv")
def _() -> str:
    return joined(table(), end="\r")


@nasty("windows_line_ends.csv")
def _() -> str:
    return joined(table(), end="\r\n")


@nasty("mixed_line_ends.csv")
def _() -> str:
    lines = joined(table()).splitlines()
    return "".join(line + ("\r\n" if i % 3 else "\n") for i, line in enumerate(lines))


@nasty("blank_lines.csv")
def _() -> str:
    return joined(table(), end="\n\n\n")


@nasty("no_last_line_end.csv")
def _() -> str:
    return joined(table()).rstrip("\n")


@nasty("spaces_after_delimiters.csv")
def _() -> str:
    return joined(table(), ",   ")


@nasty("everything_quoted.csv")
def _() -> str:
    return joined([[f'"{cell}"' for cell in row] for row in table()])


@nasty("quotes_commas_newlines.csv")
def _() -> str:
    return with_column("note", lambda i: f'"he said ""{i % 7}"", then\nleft, and came back"')


@nasty("backslash_escapes.csv")
def _() -> str:
    return with_column("note", lambda i: f'"he said \\"well, {i % 7}\\" twice"')


@nasty("inches.csv")
def _() -> str:
    return with_column("pipe", lambda i: f'{i % 4} 1/2" pipe')


@nasty("quote_never_closed.csv", warned="a quote is never closed")
def _() -> str:
    return with_column("note", lambda i: '"oops' if i == 40 else "fine")


@nasty("quote_closed_too_late.csv", warned="too long and left out; the first: line 78 has 6")
def _() -> str:
    return with_column("note", lambda i: '"oops' if i == 76 else f'"fine, {i % 3}"')


@nasty("cut_within_quotes.csv", told=r"a quote that opens in line 81 is never closed")
def _() -> str:
    return with_column("note", lambda i: '"oops' if i == 79 else f'"fine, {i % 3}"')


# -- rows -----------------------------------------------------------------------------------


@nasty("short_rows.csv")
def _() -> str:
    return joined([row[::-1][: 3 if i % 4 == 1 else 4] for i, row in enumerate(table())])


@nasty("trailing_delimiters.csv")
def _() -> str:
    return joined(table(), end=",\n")


@nasty("trailing_delimiters_in_rows.csv")
def _() -> str:
    header, rows = table()[:1], table()[1:]
    return joined(header) + joined(rows, end=",,,\n")


@nasty("one_long_row.csv", warned="1 row of 80 too long and left out; the first: line 42 ")
def _() -> str:
    rows = table()
    rows[41] += ["one", "too", "many"]
    return joined(rows)


@nasty("many_long_rows.csv", told=r"20 of 80 rows are too long; the first: line 2 has 5 cells")
def _() -> str:
    return joined([row + ["more"] * (i % 4 == 1) for i, row in enumerate(table())])


@nasty("long_row_far_below.csv", warned=r"the first: line 40,?002 has 5 cells")
def _() -> str:
    rows = table(50_000)
    rows[40_001].append("more")
    return joined(rows)


@nasty("row_names_without_a_name.csv", told=r"header names 4 columns, but the first row has 5")
def _() -> str:
    header, *rows = table()
    return joined([header, *([f"row {i}", *row] for i, row in enumerate(rows))])


# -- headers --------------------------------------------------------------------------------


@nasty("same_names.csv", warned="several columns are called 'a'; numbered")
def _() -> str:
    header, *rows = table()
    return joined([["a", "a", "a", "y"], *rows])


@nasty("empty_names.csv")
def _() -> str:
    header, *rows = table()
    return joined([["", "", " ", "y"], *rows])


@nasty("newlines_in_names.csv")
def _() -> str:
    header, *rows = table()
    return joined([['"a\n(in\r\nmm)"', '"b ""quoted"""', '"c, d"', "y"], *rows])


@nasty("symbols_in_names.csv")
def _() -> str:
    header, *rows = table()
    return joined([["[a]{b}:", "'b'\\n", "__class__", "y"], *rows])


@nasty("name_of_10000_letters.csv")
def _() -> str:
    header, *rows = table()
    return joined([["a" * 10_000, "b", "c", "y"], *rows])


@nasty("no_header.csv", told=r"There is no target column 'y'")
def _() -> str:
    return joined(table()[1:])


@nasty("target_in_capitals.csv", told=r"no target column 'y'.*did you mean 'Y'")
def _() -> str:
    return joined([["a", "b", "c", "Y"], *table()[1:]])


@nasty("header_only.csv", told=r"header of 4 columns, but no rows")
def _() -> str:
    return joined(table()[:1])


@nasty("one_column.csv", told=r"no column beside the target 'y'")
def _() -> str:
    return "y\n" + "yes\nno\n" * 40


@nasty("columns_10000.csv")
def _() -> str:
    names = [f"column_{i}" for i in range(9_999)]
    rows = [[str((i * j) % 97) for j in range(9_999)] for i in range(1, 41)]
    rows = [[*row, "yes" if i % 2 else "no"] for i, row in enumerate(rows)]
    return joined([[*names, "y"], *rows])
