"""From out-of-fold predictions to the final predictor."""

from automl.ensemble._candidate import Candidate, blend, least
from automl.ensemble._choose import Choice, choose
from automl.ensemble._cross_fit import Decisions
from automl.ensemble._greedy import greedy_weights
from automl.ensemble._jobs import (
    CHOOSE_WINNER,
    SCORE_INTERVAL,
    ChooseTask,
    IntervalTask,
    Winner,
)
from automl.ensemble._predictor import Member, Predictor

__all__ = [
    "CHOOSE_WINNER",
    "SCORE_INTERVAL",
    "Candidate",
    "Choice",
    "ChooseTask",
    "Decisions",
    "IntervalTask",
    "Member",
    "Predictor",
    "Winner",
    "blend",
    "choose",
    "greedy_weights",
    "least",
]
