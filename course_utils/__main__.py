"""The commands: ``python -m course_utils [check|refresh|new|picture|train|scoreboard|mark|nbgrader]``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from course_utils.environment import as_text, report

ABOUT = "The commands of the course, for students, instructors and maintainers."
COMMANDS = {  # the module whose ``main`` it is, imported only when asked: the check must not need Jupyter
    "refresh": ("notebooks", "execute notebooks and store their outputs"),
    "new": ("notebooks.template", "start a notebook that runs and keeps every rule"),
    "picture": ("scoreboard.picture", "draw the picture of the README"),
    "train": ("pretrained.command", "list the recipes, follow one and store its weights, or measure them"),
    "scoreboard": ("scoreboard.command", "train the systems on the tree and store how good they are"),
    "mark": ("classroom.command", "run submitted notebooks, each alone, and write marks and reports"),
    "nbgrader": ("classroom.nbgrader", "write a notebook's exercises as an assignment of nbgrader's"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, 1 when the check finds a problem.

    ``check``, the default, prints what is here, what is missing and how to mend it.
    """
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=ABOUT)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="versions, device, data, and what is wrong, with a hint (the default)")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command in COMMANDS:
        return import_module(f"course_utils.{COMMANDS[arguments.command][0]}").main(rest)
    if rest:
        parser.error(f"unrecognised arguments: {' '.join(rest)}")
    findings = report()
    print(as_text(findings))
    return int(any(finding.state == "problem" for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
