"""From out-of-fold predictions to the final predictor."""

from automl.ensemble._choose import Candidate, Choice, blend, choose
from automl.ensemble._greedy import greedy_weights
from automl.ensemble._predictor import Member, Predictor

__all__ = ["Candidate", "Choice", "Member", "Predictor", "blend", "choose", "greedy_weights"]
