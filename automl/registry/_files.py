"""Files that are there whole or not at all, also after a power cut."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from automl.exceptions import RegistryWriteError


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Say what can't be written, and that nothing is lost."""
    try:
        yield
    except RegistryWriteError:
        raise
    except OSError as e:
        raise RegistryWriteError(
            f"{what} can't be written: {e.strerror or e}. What was there before is untouched."
        ) from e


def replace_file(path: Path, content: bytes, work: Path) -> None:
    """Give a file a new content; every reader sees the old one or the new one.

    Parameters
    ----------
    path : Path
    content : bytes
    work : Path
        Folder of the same file system for the file while it is written. It is made if needed.
    """
    work.mkdir(exist_ok=True)
    part = work / f"{path.name}.{secrets.token_hex(4)}"
    try:
        _write(part, content)
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def put_folder(path: Path, files: Mapping[str, bytes], work: Path) -> None:
    """Make a folder with files; it appears complete or not at all.

    Parameters
    ----------
    path : Path
        It must not be there.
    files : mapping of str to bytes
    work : Path
    """
    part = work / f"{path.name}.{secrets.token_hex(4)}"
    try:
        part.mkdir(parents=True)
        for name, content in files.items():
            _write(part / name, content)
        _sync_folder(part)
        os.rename(part, path)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file; one that a killed writer left unfinished is cut off first."""
    with open(path, "a+b") as file:
        file.truncate(_whole_lines(path))
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def remove_folder(path: Path, work: Path) -> None:
    """Take a folder out of sight at once, then delete it."""
    work.mkdir(exist_ok=True)
    gone = work / f"{path.name}.{secrets.token_hex(4)}"
    with suppress(OSError):
        os.rename(path, gone)
    shutil.rmtree(gone, ignore_errors=True)


def empty_folder(path: Path) -> None:
    """Delete all that is in a folder, as far as it can be."""
    with suppress(OSError):
        for entry in list(path.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with suppress(OSError):
                    entry.unlink()


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make new names in a folder last; some file systems can't be asked to."""
    with suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _whole_lines(path: Path) -> int:
    """The length of a file up to the end of its last whole line."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
