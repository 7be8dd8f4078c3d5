"""Tools of those who teach: ``python -m course_utils mark FOLDER`` marks a class's notebooks.

Each submission runs alone in a sandbox (``sandbox``, ``submission``); what ``check`` says there counts
(``marking``) and is kept as it comes, in a table and a report for each student (``report``). Grades go into
an LMS's own export (``gradebook``); ``nbgrader`` hands a notebook to those who mark with that.
"""
