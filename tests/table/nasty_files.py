"""Nasty files: compressed, in parts, of other kinds, and none at all."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.table.nasty import joined, nasty, table

TEXT = joined(table()).encode()


def frame() -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(TEXT))


def parquet(data: pd.DataFrame | pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(data if isinstance(data, pa.Table) else pa.Table.from_pandas(data), out)
    return out.getvalue()


# -- compressed -----------------------------------------------------------------------------


@nasty("t.csv.gz")
def _() -> bytes:
    return gzip.compress(TEXT)


@nasty("t.csv.zst")
def _() -> bytes:
    return pa.compress(TEXT, codec="zstd", asbytes=True)


@nasty("t.csv.bz2")
def _() -> bytes:
    return bz2.compress(TEXT)


@nasty("t.csv.xz")
def _() -> bytes:
    return lzma.compress(TEXT)


@nasty("compressed_but_not_named.csv")
def _() -> bytes:
    return gzip.compress(TEXT)


@nasty("named_but_not_compressed.csv.gz", told=r"its content is not gzip")
def _() -> bytes:
    return TEXT


@nasty("cut.csv.gz", told=r"cut\.csv\.gz' can't be read: .*end-of-stream")
def _() -> bytes:
    return gzip.compress(TEXT * 100)[:-30]


@nasty("cut.csv.zst", told=r"cut\.csv\.zst' can't be read: Truncated")
def _() -> bytes:
    return pa.compress(TEXT * 100, codec="zstd", asbytes=True)[:-30]


@nasty("bomb_of_zeros.csv.gz", told=r"nothing but zero bytes")
def _() -> bytes:
    return _bomb(b"", b"\0" * 2**20, 200)


@nasty("bomb_without_line_end.csv.gz", told=r"first 16,777,216 bytes have no line end")
def _() -> bytes:
    return _bomb(b"", b"a" * 2**20, 200)


@nasty(
    "bomb_in_a_cell.csv.gz",
    told=r"256 rows take more than 256 MiB.*is a quote never closed",
    slow=True,
)
def _() -> bytes:
    return _bomb(TEXT + b'1,"', b"a" * 2**20, 1000)


def _bomb(head: bytes, block: bytes, times: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(times):
            file.write(block)
    return out.getvalue()


# -- in parts -------------------------------------------------------------------------------


@nasty("parts_by_year")
def _() -> dict[str, bytes]:
    return {f"year={y}/part.parquet": parquet(frame().assign(a=y)) for y in (2025, 2026)}


@nasty("parts/*.csv")
def _() -> dict[str, bytes]:
    header, *rows = table()
    turned = joined([row[::-1] for row in [header, *rows]], ";").encode("utf-16")
    return {"1.csv": TEXT, "2.csv": turned, "_SUCCESS": b"", "notes.md": b"# notes"}


@nasty("parts_that_differ", told=r"2\.csv' lacks the column 'c' and adds the column 'd'")
def _() -> dict[str, bytes]:
    return {"1.csv": TEXT, "2.csv": TEXT.replace(b"a,b,c,y", b"a,b,d,y")}


@nasty("parts_of_other_types", told=r"'a' holds texts in .*2\.parquet', but numbers")
def _() -> dict[str, bytes]:
    return {"1.parquet": parquet(frame()), "2.parquet": parquet(frame().astype({"a": "str"}))}


@nasty("parts_of_several_kinds", told=r"2 files of several kinds, CSV and Parquet")
def _() -> dict[str, bytes]:
    return {"t.csv": TEXT, "t.parquet": parquet(frame())}


@nasty("folder_without_a_table", told=r"is a directory without a table")
def _() -> dict[str, bytes]:
    return {"README.md": b"nothing"}


# -- of other kinds -------------------------------------------------------------------------


@nasty("t.feather")
def _() -> bytes:
    out = io.BytesIO()
    frame().to_feather(out)
    return out.getvalue()


@nasty("parquet_named.csv")
def _() -> bytes:
    return parquet(frame())


@nasty("csv_named.parquet", told=r"its name says Parquet, but its content is not")
def _() -> bytes:
    return TEXT


@nasty("without_suffix")
def _() -> bytes:
    return TEXT


@nasty("types.parquet")
def _() -> bytes:
    data = pa.Table.from_pandas(frame())
    n = len(data)
    more = {
        "decimal": pa.array([Decimal(i) / 4 for i in range(n)], pa.decimal128(9, 2)),
        "kind": pa.array(["u", "v"] * (n // 2)).dictionary_encode(),
        "day": pa.array(range(n), pa.date32()),
        "zone": pa.array([10**15 * i % 7 for i in range(n)], pa.timestamp("us", "Asia/Tokyo")),
        "length": pa.array(range(n), pa.duration("s")),
        "nothing": pa.nulls(n),
        "half": pa.array(np.arange(n, dtype=np.float16)),
        "large": pa.array(["x", None] * (n // 2), pa.large_string()),
    }
    for name, column in more.items():
        data = data.append_column(name, column)
    return parquet(data)


@nasty("no_rows.parquet", told=r"header of 4 columns, but no rows")
def _() -> bytes:
    return parquet(frame().iloc[:0])


@nasty("cut.parquet", told=r"cut\.parquet' can't be read")
def _() -> bytes:
    return parquet(frame())[:-50]


@nasty("web_page.csv", told=r"it is a web page")
def _() -> str:
    return "<!DOCTYPE html>\n<html><body>404, not found</body></html>\n"


@nasty("document.xml", told=r"it is an XML document")
def _() -> str:
    return '<?xml version="1.0"?><rows><row a="1"/></rows>'


@nasty("archive.csv", told=r"it is a zip archive \('t.csv'\)")
def _() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("t.csv", TEXT)
    return out.getvalue()


@nasty("document.csv", told=r"it is a PDF document")
def _() -> bytes:
    return b"%PDF-1.7\n" + bytes(range(256)) * 10


@nasty("old_workbook.xls", told=r"Excel workbook of the old kind")
def _() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)


@nasty("pickle.csv", told=r"a pickle, which is never opened")
def _() -> bytes:
    return pickle.dumps(frame().to_dict("list"), protocol=4)


@nasty("pointer.csv", told=r"git lfs pull")
def _() -> str:
    return "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@nasty("noise.csv", told=r"binary data of a kind that is not known")
def _() -> bytes:
    return np.random.default_rng(0).bytes(100_000)


@nasty("prose.txt", told=r"no target column 'y'")
def _() -> str:
    return "Call me Ishmael. Some years ago, never mind how long,\nI thought I would sail.\n" * 9


@nasty("empty.csv", told=r"empty\.csv' is empty")
def _() -> bytes:
    return b""


@nasty("blank.csv", told=r"there is no text in it")
def _() -> bytes:
    return b"\n  \n\n"
