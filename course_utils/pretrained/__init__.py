"""Models that ship: each by a recipe that anyone can follow again, with a card that says how good it is."""

from course_utils.pretrained.applications import APPLICATIONS, Application
from course_utils.pretrained.recipes import RECIPES, Recipe
from course_utils.pretrained.samples import gallery, legibility, probabilities, scores
from course_utils.pretrained.table import table
from course_utils.pretrained.weights import Card, card, load
