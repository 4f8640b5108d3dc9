"""From out-of-fold predictions to the final predictor."""

from automl.ensemble._adjust import Adjustments
from automl.ensemble._calibration import Calibration, fit_calibration
from automl.ensemble._candidate import Candidate, blend, least
from automl.ensemble._choose import Choice, choose
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
    "Adjustments",
    "Calibration",
    "Candidate",
    "Choice",
    "ChooseTask",
    "IntervalTask",
    "Member",
    "Predictor",
    "Winner",
    "blend",
    "choose",
    "fit_calibration",
    "greedy_weights",
    "least",
]
