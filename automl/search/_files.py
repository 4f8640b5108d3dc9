"""What trials leave on disk while a run goes on: fitted models and predictions."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from automl.search._trial import Trial, TrialState

KEPT_MODELS = 30
"""Finished trials whose fitted models stay on disk, for the ensemble to choose from,"""

KEPT_OF_FAMILY = 2
"""beside the best two of each family: what is different is worth more than its score."""


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
        folders = [self.model(trial, fold) for fold in self.folds(trial)]
        return tuple(
            {f.name: f.read_bytes() for f in sorted(folder.iterdir())} for folder in folders
        )

    def folds(self, trial: Trial) -> tuple[int, ...]:
        """The folds of its models that were kept, in their order."""
        return tuple(f for f in sorted(trial.outcomes) if self.model(trial, f).is_dir())

    def model_bytes(self, trial: Trial) -> int:
        """Size of the files of a trial's models."""
        folder = self.work / f"{trial.number}"
        return sum(f.stat().st_size for f in folder.glob("*/*") if f.is_file())

    def has_models(self, trial: Trial) -> bool:
        """Whether a finished trial's models were kept."""
        return all(self.model(trial, fold).is_dir() for fold in trial.outcomes)

    def keep_best(self, trials: Sequence[Trial], loss: Callable[[Trial], float]) -> None:
        """Delete the models of finished trials that are no longer among the best."""
        finished = [t for t in trials if t.state is TrialState.COMPLETE and t.number > 0]
        kept: dict[str, int] = {}
        for place, trial in enumerate(sorted(finished, key=loss)):
            kept[trial.family.name] = kept.get(trial.family.name, 0) + 1
            if place >= KEPT_MODELS and kept[trial.family.name] > KEPT_OF_FAMILY:
                self.forget(trial)

    def forget(self, trial: Trial) -> None:
        """Delete everything but the out-of-fold predictions."""
        shutil.rmtree(self.work / f"{trial.number}", ignore_errors=True)
