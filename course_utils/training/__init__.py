"""Training: ``fit`` for everything that has a loss."""

from course_utils.training.fitting import fit
from course_utils.training.history import History
from course_utils.training.run import TrainingDiverged

__all__ = ["History", "TrainingDiverged", "fit"]
