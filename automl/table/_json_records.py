"""Reading JSON: an object per line, an array of objects, or objects one after the other."""

import io
import json
import logging
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pandas as pd

from automl.exceptions import DataError
from automl.table._encoding import Cleaned, encoding_of
from automl.table._messages import shown
from automl.table._parts import check_wanted
from automl.table._pieces import held
from automl.table._source import Source

logger = logging.getLogger("automl.table")

RECORDS = 10_000
"""Objects that are held as such at once."""

_BLOCK = 1 << 20
_EACH = 'every value must be one JSON object, as in {"a": 1, "b": "x"}'
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")


def read_json(source: Source, columns: Sequence[str] | None) -> pd.DataFrame:
    """Read JSON records; a key within an object within a record becomes ``outer.inner``.

    Raises
    ------
    DataError
        If it is not JSON, or not made of objects; it names the line.
    """
    encoding = encoding_of(source)
    name = "utf-8-sig" if encoding.name == "utf-8" else encoding.name
    cleaned = Cleaned(source.open(), keep_zeros=encoding.wide)
    with io.TextIOWrapper(io.BufferedReader(cleaned, _BLOCK), name, encoding.errors) as stream:
        frames = list(held(_frames(stream), "the table"))
    if encoding.note:
        logger.warning("%s: %s", source.shown, encoding.note)
    if not frames:
        raise DataError("there is no JSON object in it")
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True, sort=False)
    check_wanted(list(map(str, frame.columns)), columns)
    return frame if columns is None else frame[list(columns)]


def _frames(stream: io.TextIOBase) -> Iterator[pd.DataFrame]:
    records = _records(stream)
    while some := list(islice(records, RECORDS)):
        yield pd.DataFrame(some)


def _records(stream: io.TextIOBase) -> Iterator[dict[str, Any]]:
    first = ""
    for first in stream:
        if first.strip():
            break
    if first.lstrip().startswith("{") and _is_json(first):
        found = _from_lines(first, stream)
    else:
        found = _from_values(first, stream)
    for place, value in found:
        if not isinstance(value, dict):
            raise DataError(f"{place} holds {shown(value)}; {_EACH}")
        yield _flat(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _from_lines(first: str, stream: io.TextIOBase) -> Iterator[tuple[str, Any]]:
    yield "line 1", json.loads(first)
    for number, line in enumerate(stream, 2):
        if not line.strip():
            continue
        try:
            yield f"line {number:,}", json.loads(line)
        except RecursionError as error:
            raise DataError(f"line {number:,} is nested too deeply") from error
        except ValueError as error:
            raise DataError(f"line {number:,} is not JSON ({error}); {_EACH}") from error


def _from_values(text: str, stream: io.TextIOBase) -> Iterator[tuple[str, Any]]:
    """Take values one by one off a text: of an array, or one after the other."""
    at = _beyond(text, 0)
    if text[at : at + 1] == "[":
        at += 1
    number, ended = 1, False
    while True:
        at = _beyond(text, at)
        if text[at : at + 1] == "]":
            return
        try:
            value, at = _DECODER.raw_decode(text, at)
        except RecursionError as error:
            raise DataError(f"value {number:,} is nested too deeply") from error
        except ValueError as error:
            if ended:
                if at == len(text):
                    return
                raise DataError(f"value {number:,} is not JSON ({error}); {_EACH}") from error
            text, at = text[at:], 0
            more = stream.read(max(_BLOCK, len(text)))  # doubling keeps long values cheap
            ended = not more
            text += more
            continue
        yield f"value {number:,}", value
        number += 1


def _beyond(text: str, at: int) -> int:
    """Return the place behind commas and white space."""
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Spread objects within a record over columns.

    Examples
    --------
    >>> _flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}})
    {'a': 1, 'b.c': 2, 'b.d.e': 3}
    """
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            out |= {f"{key}.{inner}": deep for inner, deep in _flat(value).items()}
        else:
            out[key] = value
    return out
