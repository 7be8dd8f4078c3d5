"""Which mark is whose: from the files handed in, as an LMS names them, to the rows of its export."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from course_utils.classroom.gradebook import Gradebook, Row, as_number
from course_utils.classroom.marking import Mark


class Handed(NamedTuple):
    """A file handed in: where it lies, whether it is late, a number that grows with time, its mark."""

    place: str
    late: bool
    order: int
    done: Mark


@dataclass
class Filled:
    """What comes of filling an export.

    Attributes:
        counted: the marks that count, by the place of the file.
        grades: those to write, by the number of the student.
        notes: what to know: who is late, who handed in nothing, which attempt counts, which grades changed.
        odd: what to look into: whose grade could not be filled in, and why.
    """

    counted: dict[str, Mark] = field(default_factory=dict)
    grades: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def fill(book: Gradebook, marks: Iterable[Mark], places: Mapping[str, str]) -> tuple[Path, Filled]:
    """Write a new export with the grades; of a student's notebooks the last counts, names are never compared.

    Args:
        book: the export; where it has other points than there are exercises, marks are scaled.
        marks: of every file that was handed in.
        places: where the file of each student lies in the folder, as the LMS has named it.
    """
    filled, handed = Filled(), defaultdict(list)
    for done in marks:
        place = places[done.student]
        name = book.lms.handed_in.search(place)
        facts = name.groupdict() if name else {}
        if facts.get("student") in book.rows:
            late, order = bool(facts.get("late")), int(facts.get("file") or 0)
            handed[facts["student"]].append(Handed(place, late, order, done))
        elif place.endswith(".ipynb"):
            why = f"not in {book.path.name}" if facts else f"no number of {book.lms.name}'s in the name"
            filled.odd.append(f"{done.student}: {why}")
    for student, row in book.rows.items():
        settle(student, row, handed[student], filled)
    return book.write(filled.grades), filled


def settle(student: str, row: Row, files: Sequence[Handed], filled: Filled) -> None:
    """Find the grade of one student, or say why there is none."""
    who, status = f"{row.name} ({student})", f" ({row.status})" * bool(row.status)
    if not files:
        nothing = "no file is here" if row.status.startswith("Submitted") else "handed in nothing"
        return filled.notes.append(f"{who}: {nothing}{status}")
    notebooks = [file for file in files if file.place.endswith(".ipynb")] or files
    last = [file for file in notebooks if file.order == max(file.order for file in notebooks)]
    place, late, _, done = last[0]
    if late or " late" in row.status:
        filled.notes.append(f"{who}: late{status}")
    if len(last) > 1:
        why = f"nothing says which of {', '.join(file.place for file in last)} is the last"
    elif done.ended == "not marked":
        why = f"not marked: {done.reason}"
    else:
        why = row.fixed
    if why:
        return filled.odd.append(f"{who}: no grade filled in: {why}")
    if len(notebooks) > 1:
        filled.notes.append(f"{who}: {place} counts, the last of {len(notebooks)}")
    grade = f"{done.marks * row.points / len(done.outcomes):.2f}".rstrip("0").rstrip(".")
    filled.counted[place] = done
    before = row.grade.says.strip()
    if as_number(before) != float(grade):
        filled.grades[student] = grade
        if before not in ("", "-"):
            filled.notes.append(f"{who}: {before} becomes {grade}")
