"""What the environment check finds, and how it is laid out for reading."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

State = Literal["ok", "note", "problem"]

MEND = "start it as the README says: python -m uv run ..."


@dataclass(frozen=True)
class Finding:
    """One line of the check: what was looked at, what was found, and how to mend it, if there is a need."""

    state: State  # "note": it works, but is worth knowing; "problem": mend it first
    what: str
    found: str
    hint: str = ""


def as_text(findings: Iterable[Finding]) -> str:
    """Lay the findings out for reading: state, what, found, and the hint below; lines that share one, once.

    >>> both = [Finding("problem", name, "not installed", "install it") for name in ("numpy", "torch")]
    >>> print(as_text([Finding("ok", "Python", "3.12.4"), *both]))
    ok       Python  3.12.4
    problem  numpy   not installed
    problem  torch   not installed
                     -> install it
    2 problems: mend them first.
    """
    findings = list(findings)
    width = max((len(f.what) for f in findings), default=0)
    lines = []
    for f, below in zip_longest(findings, findings[1:]):
        lines.append(f"{f.state:<7}  {f.what:<{width}}  {f.found}")
        if f.hint and (below is None or below.hint != f.hint):
            lines.append(" " * (width + 11) + f"-> {f.hint}")
    return "\n".join([*lines, summary(findings)])


def summary(findings: list[Finding]) -> str:
    """Say in one sentence how things stand."""
    problems, notes = (sum(f.state == state for f in findings) for state in ("problem", "note"))
    if problems:
        return f"{problems} problem{'s' * (problems > 1)}: mend {'them' if problems > 1 else 'it'} first."
    return f"All is well; {notes} note{'s' * (notes > 1)} to read." if notes else "All is well."
