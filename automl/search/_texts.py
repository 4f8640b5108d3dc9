"""Columns of texts, fitted once for all encodings: the first job that needs them writes them."""

import json
import shutil
from pathlib import Path

import numpy as np

from automl.features import Outcome, TextEncoder
from automl.table import Table

STATE, CONTENT, SCORES = "texts.json", "texts.npz", "scores.npy"


def fitted_texts(
    folder: Path,
    table: Table,
    outcome: Outcome | None,
    *,
    seconds: float,
    memory: float | None = None,
    sentences: bool = False,
) -> TextEncoder:
    """Fit the columns of texts, or read what another job of this search has fitted.

    A job that comes while another fits them waits: two at a time would take as long.

    Parameters
    ----------
    folder : Path
        The same for all encodings of a table.
    table : Table
        What was worked out of its texts is left with them.
    outcome : Outcome, optional
        The target with its folds.
    seconds : float
        What it may take, about.
    memory : float, optional
        Bytes that this process may have.
    sentences : bool
        Whether vectors of sentences are made, too.
    """
    import fcntl  # Windows has none, where models only predict

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the process ends, however it ends
        if not (folder / STATE).exists():
            n_outputs = 0 if outcome is None else outcome.y.shape[1]
            texts = TextEncoder.fit(
                table,
                seconds=seconds,
                memory=memory,
                n_outputs=n_outputs,
                n_folds=0 if outcome is None else len(outcome.folds),
                sentences=sentences,
            )
            _write(folder, table, outcome, texts)
    texts = TextEncoder.read(
        json.loads((folder / STATE).read_text()), (folder / CONTENT).read_bytes()
    )
    for i, column in enumerate(texts.columns):
        if (folder / f"{i}.npy").exists():
            column.give(table.texts[column.name], np.load(folder / f"{i}.npy"))
    return texts


def scores_of(folder: Path, target: Path) -> None:
    """Put the scores of the training rows beside a matrix."""
    shutil.copyfile(folder / SCORES, target)


def _write(folder: Path, table: Table, outcome: Outcome | None, texts: TextEncoder) -> None:
    if outcome is not None:
        texts, scores = texts.tell(table, outcome)
        np.save(folder / SCORES, scores)
    (folder / CONTENT).write_bytes(texts.content)
    for i, column in enumerate(texts.columns):
        found = column.of_texts(table.texts[column.name])
        if found is not None:
            np.save(folder / f"{i}.npy", found)
    draft = folder / f"{STATE}.draft"
    draft.write_text(json.dumps(texts.to_dict()))
    draft.replace(folder / STATE)
