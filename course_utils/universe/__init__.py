"""Tiny universes where p_D is known: every state of a binary image, any point of the plane or of a grid.

On them KL, entropy and posteriors are *computed*, not estimated.
"""

from course_utils.universe.binary import BinaryUniverse, all_images, bars_and_stripes, state_index
from course_utils.universe.continuous import PlaneDensity, gaussian_on, gaussians, line, two_modes, two_moons
