"""What a mark tells the student: a report, and the same for Moodle, Canvas and Gradescope."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from course_utils.classroom.marking import Mark

SIGNS = {"right": "✓", "wrong": "✗", "not attempted": "–", "broken check": "!", "not checked": "–"}


def report(done: Mark) -> Iterator[str]:
    """A student's report in Markdown, line by line; no markup in it is a student's."""
    yield f"# {escape(done.student)}: {done.marks} of {len(done.outcomes)}\n"
    if done.ended != "finished":
        yield f"The notebook did not run to its end: {done.ended}. What was checked before counts."
        yield quoted(done.reason)
    for name, outcome in done.outcomes.items():
        yield f"## {SIGNS[outcome]} {name}: {outcome}\n"
        yield quoted(done.texts.get(name, ""))
    if done.errors:
        yield "## Cells that failed\n"
        yield quoted("\n".join(f"{cell}: {error[:300]}" for cell, error in done.errors.items()))


def quoted(text: str) -> str:
    """A text that is shown as it stands."""
    return f"<pre>\n{escape(text, quote=False)}\n</pre>\n" if text else ""


def feedback(counted: Mapping[str, Mark]) -> bytes:
    """A zip file to upload: in the place of each notebook handed in, one with its report.

    Canvas gives the file that is commented on and the comment one name, so a report has to be a notebook; in
    a folder of Moodle's it has a name of its own.
    """
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for place, done in counted.items():
            folder, _, _ = place.rpartition("/")
            name = f"{folder}/feedback.ipynb" if "_assignsubmission_" in folder else place
            cell = new_markdown_cell("\n".join(report(done)), id="report")
            archive.writestr(name, nbformat.writes(new_notebook(cells=[cell])))
    return content.getvalue()


def results(marks: Sequence[Mark]) -> bytes:
    """What Gradescope reads as ``results.json``: a test of one point for each exercise of the one notebook.

    The keys are those of https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format. A
    submission of no notebook, or of several, gets no points and is told why.
    """
    told: dict[str, Any] = {"output_format": "text", "stdout_visibility": "hidden"}
    if len(marks) == 1:
        (done,) = marks
        told["execution_time"] = round(done.seconds)
        told["tests"] = [tested(done, name) for name in done.outcomes]
        if done.ended != "finished":
            told["output"] = f"The notebook did not run to its end: {done.ended}. {done.reason}".strip()
    else:
        names = ", ".join(each.student for each in marks)
        told |= {"score": 0, "output": f"expected one notebook, got {names or 'none'}"}
    return json.dumps(told, indent=2).encode()


def tested(done: Mark, name: str) -> dict[str, Any]:
    """One exercise as a test of Gradescope's."""
    right, text = done.outcomes[name] == "right", done.texts.get(name) or f"{name}: {done.outcomes[name]}"
    return {
        "name": name,
        "score": int(right),
        "max_score": 1,
        "status": "passed" if right else "failed",
        "output": text,
    }
