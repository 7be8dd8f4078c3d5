"""What the README shows: how far each system of the tree comes, and the picture of a model that learns.

``python -m course_utils scoreboard`` trains the systems and stores the table; ``picture`` draws the picture.
Notebooks read what is stored, see ``course_utils.evaluation.load``; no notebook needs this room.
"""
