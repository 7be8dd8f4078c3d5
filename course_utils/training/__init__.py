"""Training: ``fit`` for everything that has a loss, and for games of several players."""

from course_utils.training.fitting import fit
from course_utils.training.history import GameHistory, History
from course_utils.training.optimiser import TrainingDiverged
