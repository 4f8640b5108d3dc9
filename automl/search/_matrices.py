"""Encoded tables, made by a worker when first asked for and shared with all of them."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import DataRef, Event, Job
from automl.features import Encoder, Matrix, encoder_from_dict, expected_width, fit_encoder
from automl.search._encode import (
    ENCODE_TABLE,
    Encoded,
    EncodeTask,
    bundle,
    matrix_ref,
    open_columns,
    text_arrays,
)
from automl.search._trial import Trial
from automl.table import Table


class Matrices:
    """The encodings of one training table.

    Parameters
    ----------
    table : Table
        Its columns lie in shared files afterwards, and no longer in this process.
    put : callable
        Called with (name, arrays); shares them with the workers and returns a reference.
    folder : Path
        Where workers write the matrices.
    target : DataRef, optional
        The shared target with its folds, for what texts tell of it.
    n_outputs : int
        Columns of a prediction.
    sentences : bool
        Whether texts become vectors of sentences, too.

    Attributes
    ----------
    encoders : dict of str to Encoder
        Those that are ready.
    jobs : dict of int to str
        Jobs that make an encoding ready.
    parked : dict of str to list
        The encodings that are being made, each with the fits that wait for it: (trial, fold,
        threads).
    """

    def __init__(
        self,
        table: Table,
        put: Callable[[str, Mapping[str, np.ndarray]], DataRef],
        folder: Path,
        *,
        target: DataRef | None = None,
        n_outputs: int = 1,
        sentences: bool = False,
    ) -> None:
        self._features = table.schema
        self._schema, self._n_rows = table.schema.to_dict(), table.n_rows
        self._folder = folder
        self._bundles, arrays = bundle(list(table.arrays.values()))
        self._columns = put("table", arrays)
        names = list(table.arrays)
        table.move(lambda: open_columns(self._columns, self._bundles, names))
        texts = text_arrays(table)
        self._texts = put("texts", texts) if texts else None
        self._data = (target,) if target is not None and texts else ()
        self._n_outputs, self._sentences = n_outputs, sentences
        none = fit_encoder("none", table)
        matrix = none.transform(table)
        self.encoders: dict[str, Encoder] = {"none": none}
        self._shared = {"none": (put("none", {"values": matrix.values}), matrix)}

        self.jobs: dict[int, str] = {}
        self.parked: dict[str, list[tuple[Trial, int, int]]] = {}

    def ready(self, encoding: str) -> bool:
        """Whether workers can use it."""
        return encoding in self._shared

    def width(self, encoding: str) -> int:
        """Columns of an encoding, or about how many it would have."""
        if encoding in self._shared:
            return len(self._shared[encoding][1].names)
        return self.expected_width(encoding)

    def expected_width(self, encoding: str) -> int:
        """About how many columns an encoding has, known before it is made."""
        return expected_width(encoding, self._features)

    def get(self, encoding: str) -> tuple[DataRef, Matrix]:
        """Reference to the shared values of a ready encoding, and the matrix without them."""
        return self._shared[encoding]

    def job(self, encoding: str, *, seconds: float = np.inf, **limits: Any) -> Job:
        """The job that makes an encoding ready.

        Parameters
        ----------
        encoding : str
        seconds : float
            What texts may take, about.
        **limits
            Those of a :class:`Job`.
        """
        folder = self._folder / encoding
        shutil.rmtree(folder, ignore_errors=True)  # of a try that did not end
        task = EncodeTask(
            encoding,
            self._schema,
            self._columns,
            self._bundles,
            self._n_rows,
            folder,
            self._texts,
            self._n_outputs,
            seconds,
            limits.get("memory"),
            self._sentences,
        )
        return Job(ENCODE_TABLE, task, self._data, **limits)

    def folder(self, encoding: str) -> Path:
        """Where fits on this encoding keep what they share, such as binned columns."""
        folder = self._folder / f"{encoding}-shared"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def begin(self, encoding: str, job: int) -> None:
        """Remember that a job makes an encoding ready."""
        self.jobs[job] = encoding
        self.parked[encoding] = []

    def end(self, event: Event) -> tuple[str, list[tuple[Trial, int, int]]]:
        """Take the end of that job; return the encoding and what has waited for it."""
        encoding = self.jobs.pop(event.job)
        if event.kind == "done":
            self._take(encoding, event.value)
        return encoding, self.parked.pop(encoding)

    def _take(self, encoding: str, encoded: Encoded) -> None:
        self.encoders[encoding] = encoder_from_dict(encoded.encoder, encoded.texts)
        empty = np.empty((0, len(encoded.names)), dtype=encoded.dtype)
        matrix = Matrix(empty, encoded.names, encoded.sources, encoded.cardinalities)
        self._shared[encoding] = matrix_ref(self._folder / encoding, encoded.n_told), matrix
