"""Pictures under sliders: an explorer, its controls, and a stage on which only what changes is drawn."""

from course_utils.explorers.engine.controls import choice, slider, switch
from course_utils.explorers.engine.explorer import Explorer, bare, panels, picture

__all__ = ["Explorer", "bare", "choice", "panels", "picture", "slider", "switch"]
