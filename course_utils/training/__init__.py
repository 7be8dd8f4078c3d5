"""Training: ``fit`` for everything that has a loss, and for games of two players."""

from course_utils.training.fitting import fit
from course_utils.training.game_history import GameHistory
from course_utils.training.history import History
from course_utils.training.run import TrainingDiverged

__all__ = ["GameHistory", "History", "TrainingDiverged", "fit"]
