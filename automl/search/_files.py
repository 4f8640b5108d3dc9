"""What trials leave on disk while a run goes on: fitted models and predictions."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from automl.search._trial import Trial


@dataclass(frozen=True)
class TrialFiles:
    """Where the files of trials lie. Workers write them; the driver reads few of them.

    Parameters
    ----------
    work : Path
        Folder for models and for the predictions of single folds; it goes when the run ends.
    predictions : Path
        Folder for the out-of-fold predictions of finished trials, which the run keeps.
    """

    work: Path
    predictions: Path

    def model(self, trial: Trial, fold: int) -> Path:
        """Folder of the model of one fold."""
        return self.work / f"{trial.number}" / f"{fold}"

    def fold_predictions(self, trial: Trial, fold: int) -> Path:
        """Predictions for the validation rows of one fold, as ``.npy``."""
        return self.work / f"{trial.number}" / f"{fold}.npy"

    def out_of_fold(self, trial: Trial) -> Path:
        """Predictions for all rows by models that did not see them, as ``.npy``."""
        return self.predictions / f"{trial.name}.npy"

    def models(self, trial: Trial) -> tuple[dict[str, bytes], ...]:
        """The files of each of a trial's models; empty if they were not kept."""
        folders = [self.model(trial, fold) for fold in sorted(trial.outcomes)]
        return tuple(
            {f.name: f.read_bytes() for f in sorted(folder.iterdir())}
            for folder in folders
            if folder.is_dir()
        )

    def model_bytes(self, trial: Trial) -> int:
        """Size of the files of a trial's models."""
        folder = self.work / f"{trial.number}"
        return sum(f.stat().st_size for f in folder.glob("*/*") if f.is_file())

    def has_models(self, trial: Trial) -> bool:
        """Whether a finished trial's models were kept."""
        return all(self.model(trial, fold).is_dir() for fold in trial.outcomes)

    def forget(self, trial: Trial) -> None:
        """Delete everything but the out-of-fold predictions."""
        shutil.rmtree(self.work / f"{trial.number}", ignore_errors=True)
