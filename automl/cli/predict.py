"""Predict the rows of a table with a saved model.

The result is CSV with one row per input row, in its order: the column prediction, and with
--proba one column proba_<class> per class.
"""

import argparse
import contextlib
import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from automl.cli._console import Console, OutputError
from automl.cli._options import MODEL
from automl.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from automl.ensemble import Predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl predict``."""
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("data", metavar="DATA", help="table to predict; - for standard input")
    parser.add_argument(
        "--out",
        metavar="FILE",
        help=f"write to {', '.join(_WRITERS)} (default: CSV on standard output)",
    )
    parser.add_argument(
        "--device",
        metavar="cpu|cuda|cuda:N",
        default="cpu",
        help="where to predict; models that can't use a card predict on the CPU (default: cpu)",
    )
    parser.add_argument("--proba", action="store_true", help="add the classes' probabilities")


def run(args: argparse.Namespace, console: Console) -> int:
    """Load, predict, write."""
    out = None if args.out in (None, "-") else _checked(Path(args.out).expanduser())

    from automl.compute import resolve_device

    card = resolve_device(args.device)

    from automl.artifact import load_bytes
    from automl.registry import read_model
    from automl.table import read_table

    predictor, manifest = load_bytes(read_model(args.model), args.model)
    if args.proba and predictor.target.classes is None:
        raise UsageError("--proba: this model predicts values, which have no probabilities.")
    if card is not None:
        predictor.move(card.cuda)
    frame = read_table(args.data, texts=predictor.texts)
    known = {predictor.target.name, manifest.get("weights")}
    of_no_use = [c for c in frame.columns if c in known and c not in predictor.schema.names]
    predicted = _predict(predictor, frame.drop(columns=of_no_use), proba=args.proba)
    if out is None:
        console.write(_csv(predicted))
    else:
        _write(predicted, out)
    return 0


def _predict(predictor: "Predictor", frame: "pd.DataFrame", *, proba: bool) -> "pd.DataFrame":
    import pandas as pd

    from automl.compute import resolve_n_jobs

    target = predictor.target
    raw = predictor.predict_raw(frame, n_threads=resolve_n_jobs(-1))
    columns = {"prediction": predictor.decide(raw)}
    if proba and target.classes is not None:
        shares = predictor.probabilities(raw)
        names = [f"proba_{label}" for label in target.classes.tolist()]
        columns |= dict(zip(names, shares.T, strict=True))
    return pd.DataFrame(columns)


def _checked(path: Path) -> Path:
    """Refuse an output that can't be written before any work is done."""
    if _writer(path) is None:
        raise UsageError(f"--out {path}: the name must end in {', '.join(_WRITERS)}.")
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}.")
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"--out {path}: it can't be written.")
    return path.resolve()


def _write(frame: "pd.DataFrame", path: Path) -> None:
    """Put the file in place whole or not at all."""
    writer = _writer(path)
    assert writer is not None
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(writer(frame))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _writer(path: Path) -> "Callable[[pd.DataFrame], bytes] | None":
    name = path.name.lower()
    return next((w for suffix, w in _WRITERS.items() if name.endswith(suffix)), None)


def _csv(frame: "pd.DataFrame") -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _gzipped_csv(frame: "pd.DataFrame") -> bytes:
    return gzip.compress(_csv(frame), mtime=0)  # the same bytes for the same predictions


def _parquet(frame: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


_WRITERS: "dict[str, Callable[[pd.DataFrame], bytes]]" = {
    ".csv": _csv,
    ".csv.gz": _gzipped_csv,
    ".parquet": _parquet,
}
