"""Which encoding a text has. The answer follows from the bytes alone, the same on each machine.

A byte-order mark decides; else a zero in every other byte means UTF-16; else it is UTF-8 if all
of it is. Text that is not has a few damaged bytes, or it is Windows-1252, which Excel writes in
much of the world and of which Latin-1's letters are a part.
"""

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO

from automl.table._messages import counted
from automl.table._source import Source

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDEFINED = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
"""Bytes that mean nothing in Windows-1252."""

_BLOCK = 1 << 20
_HEAD = 1 << 18


@dataclass(frozen=True)
class Encoding:
    """How bytes become text.

    Parameters
    ----------
    name : str
        Python's name of the codec.
    errors : str, default="strict"
        What is done with bytes that can't be read.
    note : str, default=""
        What the user should know about it.
    """

    name: str
    errors: str = "strict"
    note: str = ""

    @property
    def wide(self) -> bool:
        """Whether zero bytes belong to the text."""
        return self.name.startswith(("utf-16", "utf-32"))

    def text(self, content: bytes) -> str:
        """Read the beginning of a text; the last character may be cut."""
        decoder = codecs.getincrementaldecoder(self.name)("replace")
        text = decoder.decode(content)
        return text if self.wide else text.replace("\0", "")


def detect(start: bytes) -> Encoding:
    """Return the encoding by the first bytes, UTF-8 where they say nothing else.

    Examples
    --------
    >>> detect("a,b".encode("utf-16")).name, detect("town,area".encode("utf-16-be")).name
    ('utf-16', 'utf-16-be')
    >>> detect(b"a,b").name
    'utf-8'
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return Encoding(name)
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = len(start) / 2
    if max(even, odd) >= max(8, 0.3 * half) and min(even, odd) < 0.05 * half:
        return Encoding("utf-16-le" if odd > even else "utf-16-be")
    return Encoding("utf-8")


def encoding_of(source: Source) -> Encoding:
    """Return the encoding of a source as far as its first bytes tell, all of it if need be."""
    found = detect(source.start)
    if found.name == "utf-8":
        try:
            codecs.getincrementaldecoder("utf-8")().decode(source.head(_HEAD))
        except UnicodeDecodeError:
            return other_than_utf8(source)
    return found


def other_than_utf8(source: Source) -> Encoding:
    """Return what a text is that is not UTF-8 all through, after a look at all of it.

    Examples
    --------
    >>> other_than_utf8(Source.of_bytes("Köln".encode("latin-1"))).name
    'cp1252'
    >>> damaged = "Köln Łódź".encode() + bytes([0xFF])
    >>> other_than_utf8(Source.of_bytes(damaged)).note
    '1 character is damaged UTF-8 and read as "�"'
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    n_damaged = n_beyond = 0
    undefined = False
    with source.open() as stream:
        while block := stream.read(_BLOCK):
            if block.isascii() and not decoder.getstate()[0]:
                continue
            text = decoder.decode(block)
            n_damaged += text.count("\ufffd")
            n_beyond += len(text) - len(text.encode("ascii", "ignore"))
            undefined = undefined or any(byte in block for byte in _UNDEFINED)
    n_damaged += bool(decoder.getstate()[0])
    if n_beyond > 2 * n_damaged:
        are = "is" if n_damaged == 1 else "are"
        note = f'{counted(n_damaged, "character")} {are} damaged UTF-8 and read as "\ufffd"'
        return Encoding("utf-8", "replace", note)
    if undefined:
        return Encoding("latin-1", note="not UTF-8; read as Latin-1")
    return Encoding("cp1252", note="not UTF-8; read as Windows-1252")


class Endless(Exception):  # noqa: N818 - a signal, not an error
    """More was read than one piece of a table should have."""


class Cleaned(io.RawIOBase):
    """A stream without zero bytes, which end a cell too early in pandas' parser.

    It also refuses to go on without end where nothing comes of what is read.

    Parameters
    ----------
    stream : binary file
    keep_zeros : bool
        True for encodings in which they belong to the text.
    """

    def __init__(self, stream: BinaryIO, *, keep_zeros: bool) -> None:
        super().__init__()
        self._stream, self._keep = stream, keep_zeros
        self._n_read = 0
        self.longest: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            block = self._stream.read(len(buffer))
            self._n_read += len(block)
            if self.longest is not None and self._n_read > self.longest:
                raise Endless
            kept = block if self._keep or 0 not in block else block.replace(b"\0", b"")
            if kept or not block:
                buffer[: len(kept)] = kept
                return len(kept)

    def begin_piece(self) -> None:
        """Count anew what is read for one piece of the table."""
        self._n_read = 0

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
