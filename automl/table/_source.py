"""Where bytes come from: a file or standard input, compressed or not, readable more than once."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from automl.exceptions import DataError

STANDARD_INPUT = "standard input"
_BLOCK = 1 << 18


def _zstd(raw: BinaryIO) -> BinaryIO:
    # Arrow's own codec: Python has one from 3.14 on.
    native = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    return cast(BinaryIO, io.BufferedReader(native, _BLOCK))


@dataclass(frozen=True)
class Codec:
    """A kind of compression: the suffix of its files, their first bytes, and how to read them."""

    name: str
    suffix: str
    magic: bytes
    open: Callable[[BinaryIO], Any]


CODECS = (
    Codec("gzip", ".gz", b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    Codec("zstd", ".zst", b"\x28\xb5\x2f\xfd", _zstd),
    Codec("bzip2", ".bz2", b"BZh", bz2.BZ2File),
    Codec("xz", ".xz", b"\xfd7zXZ\x00", lzma.LZMAFile),
)


@dataclass(frozen=True)
class Source:
    """The bytes of one table.

    Parameters
    ----------
    shown : str
        What messages call it.
    name : str
        The file's name in lower case, without the suffix of a compression; "" if it has none.
    at : pathlib.Path or bytes
        Where the bytes are.
    codec : Codec or None
        How they are compressed.

    Examples
    --------
    >>> source = Source.of_bytes(gzip.compress(b"a,b"))
    >>> source.codec.name, source.head(2)
    ('gzip', b'a,')
    """

    shown: str
    name: str
    at: Path | bytes
    codec: Codec | None

    @classmethod
    def of_file(cls, path: Path) -> "Source":
        """Look at a file; its first bytes tell whether it is compressed.

        Raises
        ------
        DataError
            If it is empty or its name promises a compression that it does not have.
        """
        shown, name = repr(str(path)), path.name.lower()
        with explained(shown):
            if not path.is_file():  # a pipe, as in <(zcat shops.csv.gz), gives its bytes once
                return cls.of_bytes(path.read_bytes(), shown)
            with path.open("rb") as file:
                start = file.read(8)
        if not start:
            raise DataError(f"The file {shown} is empty.")
        codec = _codec(start)
        promised = next((c for c in CODECS if name.endswith(c.suffix)), None)
        if promised is not None:
            if promised is not codec:
                raise DataError(
                    f"{shown} can't be read: its name ends in {promised.suffix!r}, but its "
                    f"content is not {promised.name}."
                )
            name = name.removesuffix(promised.suffix)
        return cls(shown, name, path, codec)

    @classmethod
    def of_bytes(cls, content: bytes, shown: str = STANDARD_INPUT) -> "Source":
        """Take bytes that are held in memory."""
        return cls(shown, "", content, _codec(content[:8]))

    @classmethod
    def of_standard_input(cls) -> "Source":
        """Read all of standard input.

        Raises
        ------
        DataError
            If nothing came.
        """
        content = sys.stdin.buffer.read()
        if not content.strip():
            raise DataError("Standard input is empty: a table with a header and rows is needed.")
        return cls.of_bytes(content)

    def open(self) -> BinaryIO:
        """Open the bytes, decompressed, at their beginning."""
        raw = io.BytesIO(self.at) if isinstance(self.at, bytes) else self.at.open("rb")
        return raw if self.codec is None else cast(BinaryIO, self.codec.open(raw))

    def head(self, size: int) -> bytes:
        """Return the first bytes, decompressed."""
        parts, left = [], size
        with self.open() as stream:
            while left and (part := stream.read(left)):
                parts.append(part)
                left -= len(part)
        return b"".join(parts)

    @cached_property
    def start(self) -> bytes:
        """The first 4 KiB, decompressed."""
        return self.head(4096)

    def seekable(self) -> Path | io.BytesIO:
        """Return something in which a reader may jump to and fro."""
        if self.codec is None:
            return io.BytesIO(self.at) if isinstance(self.at, bytes) else self.at
        with self.open() as stream:
            return io.BytesIO(stream.read())

    @property
    def size(self) -> int:
        """Bytes as they are stored."""
        return len(self.at) if isinstance(self.at, bytes) else self.at.stat().st_size


def _codec(start: bytes) -> Codec | None:
    return next((codec for codec in CODECS if start.startswith(codec.magic)), None)


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Turn what the libraries raise into an error that names the file."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{shown}: {error}") from error
    except (
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
        pa.ArrowException,
    ) as error:
        raise DataError(f"{shown} can't be read: {error}") from error
