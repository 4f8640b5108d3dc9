"""The folder of a run: everything that a run leaves behind lies in it."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl._json import plain
from automl.exceptions import DataError, UsageError


class RunDirectory:
    """One run on disk.

    ``journal.log`` is Optuna's own journal, ``events.jsonl`` what happened when,
    ``leaderboard.json`` every trial, ``oof/`` the out-of-fold predictions, ``run.json`` the
    configuration and the result, ``model.automl`` the model, ``failures/`` what is needed to see
    a failed trial fail again. ``work/`` exists while the run does.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: str | Path | None) -> "RunDirectory":
        """Make the folder of a new run; ``None`` makes a temporary one.

        Raises
        ------
        UsageError
            If the folder can't be made or holds something already.
        """
        if path is None:
            folder = Path(tempfile.mkdtemp(prefix="automl-"))
        else:
            folder = Path(path).expanduser().resolve()
            try:
                folder.mkdir(parents=True, exist_ok=True)
                occupied = any(folder.iterdir())
            except OSError as e:
                raise UsageError(f"The folder {folder} can't be used: {e.strerror}.") from e
            if occupied:
                raise UsageError(
                    f"The folder {folder} holds something already; name a new or empty one."
                )
        try:
            (folder / "work" / "models").mkdir(parents=True)
            (folder / "oof").mkdir()
        except OSError as e:
            raise UsageError(f"The folder {folder} can't be written: {e.strerror}.") from e
        return cls(folder)

    @property
    def model(self) -> Path:
        """The saved model."""
        return self.path / "model.automl"

    @property
    def journal(self) -> Path:
        """Optuna's journal."""
        return self.path / "journal.log"

    @property
    def events(self) -> Path:
        """One JSON object per line."""
        return self.path / "events.jsonl"

    @property
    def predictions(self) -> Path:
        """Out-of-fold predictions of finished trials."""
        return self.path / "oof"

    @property
    def work(self) -> Path:
        """Shared data and fitted models, until the run ends."""
        return self.path / "work"

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file, whole or not at all."""
        path = self.path / name
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(plain(value), indent=1, allow_nan=False) + "\n")
        part.replace(path)

    def write_failure(self, name: str, facts: Mapping[str, Any]) -> None:
        """Keep what failed and how, as a configuration that can be tried again."""
        folder = self.path / "failures"
        folder.mkdir(exist_ok=True)
        self.write_json(f"failures/{name}.json", facts)

    def remove_work(self) -> None:
        """Delete what only the running run needed."""
        shutil.rmtree(self.work, ignore_errors=True)

    def remove(self) -> None:
        """Delete the whole folder."""
        shutil.rmtree(self.path, ignore_errors=True)


def read_leaderboard(path: str | Path) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Read the result and the leaderboard of a finished run.

    Parameters
    ----------
    path : str or Path
        The run's folder, or the model in it.

    Returns
    -------
    result : mapping
    rows : sequence of mapping

    Raises
    ------
    DataError
        If it is no run's folder, or the run has not ended.
    """
    folder = Path(path)
    folder = folder.parent if folder.is_file() else folder
    try:
        run = json.loads((folder / "run.json").read_text())
        rows = json.loads((folder / "leaderboard.json").read_text())
    except (OSError, ValueError) as e:
        raise DataError(f"{folder} is not the folder of a finished run: {e}.") from e
    return run, rows
