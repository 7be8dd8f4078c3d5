"""The gradebook that Moodle or Canvas exports: read, and written anew with grades and nothing else changed.

An export is known by its columns, and a student in it by the number that the LMS has given, which stands in
the name of a file handed in, too.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import inf
from pathlib import Path
from typing import NamedTuple

from course_utils.classroom.marking import Mark, clean
from course_utils.storage import write_bytes


class Lms(NamedTuple):
    """What an LMS is called, columns that every export of it has, and how it names files handed in."""

    name: str
    columns: tuple[str, ...]
    handed_in: re.Pattern[str]


MOODLE = Lms(  # Ada Lovelace_1200_assignsubmission_file_/21_homework.ipynb, of the last attempt alone
    "Moodle",
    ("Identifier", "Status", "Grade", "Maximum Grade"),
    re.compile(r"(?:^|/)[^_/]*_(?P<student>\d+)_assignsubmission_file(?:[_/]|$)"),
)
CANVAS = Lms(  # lovelaceada_LATE_4712_99002_21_homework-1.ipynb, where 99002 grows with every file
    "Canvas",
    ("ID", "SIS Login ID", "Section"),
    re.compile(r"(?:^|/)[^/]*?_(?P<late>LATE_)?(?P<student>\d+)_(?P<file>\d+)_[^/]*$"),
)


class Cell(NamedTuple):
    """What a cell says, and where it begins and ends in the text of the file, with its quotes."""

    says: str
    begin: int
    end: int


class Row(NamedTuple):
    """A student: the grade's cell, the most points, Moodle's status, why the grade is to stay, if so."""

    name: str
    grade: Cell
    points: float
    status: str = ""
    fixed: str = ""


class Gradebook:
    """An export, whole and understood: ``rows`` has the students by their numbers. The file is only read.

    Args:
        path: Moodle's grading worksheet, or the gradebook of Canvas, as it was downloaded.
        assignment: which column of Canvas's, by its head, title or number; "": the only one there is.

    Raises:
        ValueError: it is neither of them, or not whole.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, assignment: str = "") -> None:
        self.path, (self.text, self.encoding) = path, decoded(path)
        self.lms, delimiter = recognised(self.text, path)
        head, *rows = cells(self.text, delimiter, path)
        self.heads = [cell.says for cell in head]
        table = [row for row in rows if any(cell.says for cell in row)]
        for row in table:
            if len(row) != len(head):
                got = f"{len(row)} in the row of {row[0].says!r}"
                raise ValueError(f"mark: expected {len(head)} cells in each row of {path}, got {got}")
        self.rows: dict[str, Row] = {}
        for number, student in self.moodle(table) if self.lms is MOODLE else self.canvas(table, assignment):
            if number in self.rows:
                raise ValueError(f"mark: expected one row for each student in {path}, got two of {number}")
            self.rows[number] = student
        if not self.rows:
            raise ValueError(f"mark: expected a row for each student in {path}, got none")

    def moodle(self, table: Sequence[Sequence[Cell]]) -> Iterator[tuple[str, Row]]:
        """The students of a grading worksheet; in blind marking they have no names."""
        identifier, status, grade, most = map(self.column, MOODLE.columns)
        for row in table:
            says = {head: cell.says for head, cell in zip(self.heads, row, strict=True)}
            number = re.fullmatch(r"Participant (\d+)", row[identifier].says)
            if not number:
                got = repr(row[identifier].says)
                raise ValueError(f"mark: expected Identifiers as Participant 1200 in {self.path}, got {got}")
            fixed = "locked in Moodle" * (says.get("Grade can be changed") == "No")
            name, points = clean(says.get("Full name") or row[identifier].says), self.points(row[most])
            yield number[1], Row(name, row[grade], points, row[status].says, fixed)

    def canvas(self, table: Sequence[Sequence[Cell]], assignment: str) -> Iterator[tuple[str, Row]]:
        """The students of a gradebook; rows without a number are about the columns."""
        identifier, *_ = map(self.column, CANVAS.columns)
        top = next((row for row in table if row[0].says.strip() == "Points Possible"), None)
        if top is None:
            raise ValueError(f"mark: expected a row of Points Possible in {self.path}, got none")
        titles = [re.fullmatch(r"(.*) \((\d+)\)", head) for head in self.heads]
        offered = {i: title for i, title in enumerate(titles) if title and "read only" not in top[i].says}
        chosen = [i for i, title in offered.items() if assignment in ("", title[0], title[1], title[2])]
        if len(chosen) != 1:
            known = ", ".join(repr(title[0]) for title in offered.values()) or "none is there"
            raise ValueError(f"mark: expected --assignment to be one of those ({known}), got {assignment!r}")
        points = self.points(top[chosen[0]])
        for row in table:
            grade = row[chosen[0]]
            if number := row[identifier].says.strip():
                fixed = f"{grade.says} in Canvas" * (grade.says in ("EX", "N/A"))  # excused, not assigned
                yield number, Row(clean(row[0].says), grade, points, "", fixed)

    def column(self, head: str) -> int:
        """The number of the column with this head."""
        if (found := self.heads.count(head)) != 1:
            raise ValueError(f"mark: expected one column {head!r} in {self.path}, got {found}")
        return self.heads.index(head)

    def points(self, cell: Cell) -> float:
        """The most points that can be had."""
        if 0 < (points := as_number(cell.says)) < inf:
            return points
        raise ValueError(f"mark: expected a number of points to be had in {self.path}, got {cell.says!r}")

    def write(self, grades: Mapping[str, str]) -> Path:
        """Write a new file beside the export, with these grades by the numbers of the students."""
        names = (f"{self.path.stem}-marked{f'-{i}' * (i > 1)}.csv" for i in count(1))
        place = next(path for path in map(self.path.with_name, names) if not path.exists())
        text, rest = "", 0
        for number, (_, cell, *_) in self.rows.items():  # in the order of the file
            if number in grades:
                quote = '"' * self.text.startswith('"', cell.begin)
                text += f"{self.text[rest : cell.begin]}{quote}{grades[number]}{quote}"
                rest = cell.end
        return write_bytes(place, (text + self.text[rest:]).encode(self.encoding))


def as_number(text: str) -> float:
    """The number that a cell says, whose decimals may follow a comma; NaN: it says none.

    >>> as_number("7,50"), as_number("-")
    (7.5, nan)
    """
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def decoded(path: Path) -> tuple[str, str]:
    """The text of a file and its encoding, UTF-8 or that of Windows: together they give the bytes again."""
    content = path.read_bytes()
    for encoding in ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding), encoding
    raise ValueError(f"mark: expected text in UTF-8 or Windows-1252, got {path}")


def recognised(text: str, path: Path) -> tuple[Lms, str]:
    """Whose export this is, by its columns, and what stands between them."""
    line = re.split(r"[\r\n]", text.removeprefix("\ufeff"), maxsplit=1)[0]
    for delimiter in ",;\t":
        with suppress(csv.Error):
            heads = next(csv.reader([line], delimiter=delimiter), [])
            for lms in (MOODLE, CANVAS):
                if {*lms.columns} <= {*heads}:
                    return lms, delimiter
    expected = " or ".join(f"{lms.name}'s export ({', '.join(lms.columns)}, …)" for lms in (MOODLE, CANVAS))
    raise ValueError(f"mark: expected {expected}, got {path} with {clean(line[:200])!r}")


def cells(text: str, delimiter: str, path: Path) -> list[list[Cell]]:
    """The rows of comma-separated values, as ``csv`` reads them; it does not say where a cell stands."""
    plain, quoted = rf'[^"{delimiter}\r\n][^{delimiter}\r\n]*', r'"[^"]*(?:""[^"]*)*"'
    pattern = re.compile(rf"({quoted}|{plain}|)({delimiter}|\r\n|\r|\n|\Z)")
    rows: list[list[Cell]] = [[]]
    at, end = int(text.startswith("\ufeff")), ""
    while at < len(text) or end == delimiter:
        found = pattern.match(text, at)
        if not found:
            raise ValueError(f"mark: expected quotes that close in {path}, got {text[at : at + 20]!r}")
        raw, end = found.groups()
        says = raw[1:-1].replace('""', '"') if raw.startswith('"') else raw
        rows[-1].append(Cell(says, *found.span(1)))
        at = found.end()
        if end not in (delimiter, ""):
            rows.append([])
    return rows if rows[-1] else rows[:-1]


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
