"""The saved model: one file, native formats, checked when it is read, no pickle."""

from automl.artifact._format import FORMAT
from automl.artifact._read import load_bytes, read_path
from automl.artifact._write import SaveError, describe, dump_bytes, write_bytes

__all__ = [
    "FORMAT",
    "SaveError",
    "describe",
    "dump_bytes",
    "load_bytes",
    "read_path",
    "write_bytes",
]
