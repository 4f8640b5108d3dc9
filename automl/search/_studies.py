"""One Optuna study per family, all in the journal of the run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from automl.exceptions import UsageError
from automl.families import Family, Params, Problem, Start

N_STARTUP_TRIALS = 5

ASKED = 8
"""Times that a sampler is asked for something that was not tried yet."""


def open_journal(path: Path) -> BaseStorage:
    """Open (or begin) the journal that a run keeps.

    Parameters
    ----------
    path : Path

    Returns
    -------
    optuna.storages.BaseStorage
        For ``optuna.load_study(study_name="<family>", storage=...)``.
    """
    return JournalStorage(JournalFileBackend(str(path)))


class Studies:
    """Asks the families' studies for configurations: starting ones first, then proposals.

    Parameters
    ----------
    families : sequence of Family
    problem : Problem
    storage : optuna.storages.BaseStorage
    pruner : optuna.pruners.BasePruner
    maximize : bool
        Whether the declared metric is better when greater.
    seed : int
    configurations : sequence of (str, mapping), optional
        Families with parameters that take the place of the starting configurations.
    first : sequence of (str, mapping), optional
        Families with parameters that come before the starting configurations.

    Raises
    ------
    UsageError
        If a configuration names a family that is not among `families`.
    """

    def __init__(
        self,
        families: Sequence[Family],
        problem: Problem,
        *,
        storage: BaseStorage,
        pruner: optuna.pruners.BasePruner,
        maximize: bool,
        seed: int,
        configurations: Sequence[tuple[str, Mapping[str, Any]]] = (),
        first: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._problem = problem
        self._families = {f.name: f for f in families}
        self._studies = {
            f.name: optuna.create_study(
                study_name=f.name,
                storage=storage,
                direction="maximize" if maximize else "minimize",
                sampler=optuna.samplers.TPESampler(
                    seed=seed + i, n_startup_trials=N_STARTUP_TRIALS
                ),
                pruner=pruner,
            )
            for i, f in enumerate(families)
        }
        starts = [(s, f) for f in families for s in f.starts(problem)]
        if configurations:
            starts = [self._as_start(i, *given) for i, given in enumerate(configurations)]
        starts += [self._as_start(i - len(first), *given) for i, given in enumerate(first)]
        self._exact = bool(configurations)
        self._tried: dict[str, list[Params]] = {f.name: [] for f in families}
        self._queue: list[tuple[Start, Family]] = sorted(starts, key=lambda s: s[0].rank)

    def _as_start(self, rank: int, name: str, params: Mapping[str, Any]) -> tuple[Start, Family]:
        if name not in self._families:
            raise UsageError(
                f"A configuration is of the family {name!r}, which this run does not have; it "
                f"has {', '.join(self._families)}."
            )
        family = self._families[name]
        usual = next((s.params for s in family.starts(self._problem)), {})
        return Start(dict(usual) | dict(params), rank), family

    @property
    def waiting(self) -> list[tuple[Start, Family]]:
        """Starting configurations that have not been tried, best first."""
        return list(self._queue)

    def take_start(self, position: int = 0) -> tuple[Family, Params, optuna.Trial]:
        """Take a waiting starting configuration and open its Optuna trial."""
        start, family = self._queue.pop(position)
        study = self._studies[family.name]
        study.enqueue_trial(start.params)
        trial = study.ask()
        suggested = {} if self._exact else family.suggest(trial, self._problem)
        params = dict(start.params) | suggested
        self._is_new(family, params)
        return family, params, trial

    def propose(self, name: str) -> tuple[Family, Params, optuna.Trial]:
        """Let the sampler of the family `name` propose, nothing that was tried if it can."""
        family, study = self._families[name], self._studies[name]
        for _ in range(ASKED):
            trial = study.ask()
            params = family.suggest(trial, self._problem)
            if self._is_new(family, params):
                return family, params, trial
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        trial = study.ask()  # there is hardly anything new
        return family, family.suggest(trial, self._problem), trial

    def _is_new(self, family: Family, params: Params) -> bool:
        """Tell whether a configuration is a new one, and remember it."""
        effective, tried = family.effective(params, self._problem), self._tried[family.name]
        if effective in tried:
            return False
        tried.append(effective)
        return True

    def tell(
        self, name: str, trial: optuna.Trial, value: float | None, state: optuna.trial.TrialState
    ) -> None:
        """Close a trial in its study."""
        self._studies[name].tell(trial, value, state=state)
