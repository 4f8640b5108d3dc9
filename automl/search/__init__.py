"""The search: Optuna proposes and prunes, a bandit shares out the seconds, a clock ends it."""

from automl.search._clock import Clock, parse_duration
from automl.search._cut_off import best_cut_off, take_cut_off
from automl.search._files import TrialFiles
from automl.search._plan import SearchPlan, choose_n_folds
from automl.search._race import FOLD_STEPS, RacePruner, RaceTable
from automl.search._search import Search
from automl.search._studies import open_journal
from automl.search._trial import FoldOutcome, Trial, TrialState

__all__ = [
    "FOLD_STEPS",
    "Clock",
    "FoldOutcome",
    "RacePruner",
    "RaceTable",
    "Search",
    "SearchPlan",
    "Trial",
    "TrialFiles",
    "TrialState",
    "best_cut_off",
    "choose_n_folds",
    "open_journal",
    "parse_duration",
    "take_cut_off",
]
