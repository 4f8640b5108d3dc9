"""What a file is: its content decides, its name only where the content says too little."""

import re
import zipfile
from collections.abc import Iterator

from automl.exceptions import DataError
from automl.table._encoding import detect
from automl.table._messages import listed
from automl.table._source import CODECS, Source

TEXT, JSON, PARQUET, ARROW, EXCEL = "CSV", "JSON", "Parquet", "Arrow", "Excel"
SUFFIXES = {
    ".csv": TEXT,
    ".tsv": TEXT,
    ".tab": TEXT,
    ".txt": TEXT,
    ".data": TEXT,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".arrow": ARROW,
    ".feather": ARROW,
    ".xlsx": EXCEL,
    ".xlsm": EXCEL,
}
_BINARY = {PARQUET: b"PAR1", ARROW: b"ARROW1"}
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document; export the table in it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls); save it as .xlsx or CSV"),
    (b"SQLite format 3\0", "an SQLite database; export the table in it as CSV"),
    (b"\x89HDF", "an HDF5 file; write the table in it as Parquet or CSV"),
    (b"\x93NUMPY", "a numpy file; load it in Python and pass the array to AutoModel"),
    (b"ORC", "an ORC file; convert it to Parquet"),
    (b"Obj\x01", "an Avro file; convert it to Parquet"),
    (b"FEA1", "a Feather file of version 1; write it anew with a recent library"),
    (b"\x80\x04\x95", "a pickle, which is never opened here; write the table as Parquet or CSV"),
    (b"\x80\x05\x95", "a pickle, which is never opened here; write the table as Parquet or CSV"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"7z\xbc\xaf", "a 7-zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"version https://git-lfs", "a pointer of Git LFS; get the file itself with: git lfs pull"),
    (b"{\\rtf", "a document in rich text; export the table in it as CSV"),
)
_MARKUP = re.compile(r"\s*<(!doctype|html|head|body|table|\?xml|[a-z]+[ >])", re.IGNORECASE)
_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*\{)')
_CONTROLS = bytes(set(range(28)) - set(b"\t\n\v\f\r\x1b"))


def kind_of(source: Source) -> str:
    """Return what a source holds: one of ``TEXT``, ``JSON``, ``PARQUET``, ``ARROW``, ``EXCEL``.

    Raises
    ------
    DataError
        Saying what it is, if that is not a table, or that it is not what its name says.

    Examples
    --------
    >>> kind_of(Source.of_bytes(b'{"a": 1}')), kind_of(Source.of_bytes(b"a,b"))
    ('JSON', 'CSV')
    >>> kind_of(Source.of_bytes(b"%PDF-1.7"))
    Traceback (most recent call last):
    ...
    automl.exceptions.DataError: it is a PDF document; export the table in it as CSV
    """
    start = source.start
    named = next((kind for suffix, kind in SUFFIXES.items() if source.name.endswith(suffix)), None)
    found = next((kind for kind, magic in _BINARY.items() if start.startswith(magic)), None)
    if found is None and start.startswith(b"PK\x03\x04"):
        found = _in_zip(source)
    if found is not None:
        return found
    if named in (PARQUET, ARROW, EXCEL):
        raise DataError(f"can't be read: its name says {named}, but its content is not")
    _refuse(start)
    text = detect(start).text(start)
    if _MARKUP.match(text):
        what = "an XML document" if text.lstrip().startswith("<?xml") else "a web page (HTML)"
        raise DataError(f"it is {what}, not a table; export the table itself as CSV")
    if named == JSON or _JSON.match(text):
        return JSON
    return TEXT


def known_suffixes() -> str:
    """Return the suffixes of tables and of compressions, for messages.

    Examples
    --------
    >>> known_suffixes()
    "'.csv', '.tsv', ... each also with '.gz', '.zst', '.bz2', '.xz'"
    """
    return f"{listed(SUFFIXES)}, each also with {listed(codec.suffix for codec in CODECS)}"


def has_known_suffix(name: str) -> bool:
    """Tell whether a file's name says that it is a table.

    Examples
    --------
    >>> has_known_suffix("shops.CSV.zst"), has_known_suffix("README.md")
    (True, False)
    """
    name = name.lower()
    for codec in CODECS:
        name = name.removesuffix(codec.suffix)
    return name.endswith(tuple(SUFFIXES))


def _in_zip(source: Source) -> str:
    try:
        with zipfile.ZipFile(source.seekable()) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise DataError(
            "can't be read: it is a zip archive or a workbook, but damaged or cut"
        ) from error
    if "xl/workbook.xml" in names:
        return EXCEL
    what = "an OpenDocument file" if "mimetype" in names else "a zip archive"
    inside = listed(names, 3)
    raise DataError(f"it is {what} ({inside}), not a table; unpack or export the table in it")


def _refuse(start: bytes) -> None:
    for what in _what_else(start):
        raise DataError(f"it is {what}")


def _what_else(start: bytes) -> Iterator[str]:
    yield from (what for magic, what in _OTHERS if start.startswith(magic))
    if start[257:262] == b"ustar":
        yield "a tar archive; unpack it"
    if not start.strip(b"\0"):
        yield f"nothing but zero bytes, as far as {len(start):,} bytes show"
    if not detect(start).wide:
        n_controls = len(start) - len(start.translate(None, _CONTROLS))
        if n_controls > max(8, 0.05 * len(start)):
            yield "binary data of a kind that is not known, not text"
