"""The commands of the course: ``python -m course_utils [check|refresh|new|picture|scoreboard|mark]``."""

import argparse
import sys
from collections.abc import Sequence

from course_utils.environment import as_text, report


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, 1 when the check finds a problem.

    ``check``, the default, prints what is here, what is missing and how to mend it. ``refresh`` executes
    the notebooks and stores their outputs, ``new`` starts one: see ``course_utils.notebooks``. ``picture``
    draws the README's,
    ``scoreboard`` trains the tree and stores how far each system comes: see ``course_utils.scoreboard``.
    ``mark`` runs a folder of submitted notebooks and writes their marks: see ``course_utils.classroom``.
    """
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="versions, device, data, and what is wrong, with a hint (the default)")
    for name, what in {
        "refresh": "execute notebooks and store their outputs",
        "new": "start a notebook that runs and keeps every rule",
        "picture": "train NADE and draw the picture of the README",
        "scoreboard": "train the systems on the tree and store how good they are",
        "mark": "run submitted notebooks, each alone, and write marks and reports",
    }.items():
        commands.add_parser(name, help=what, add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "refresh":
        from course_utils import notebooks  # needs Jupyter; the check must not

        return notebooks.main(rest)
    if arguments.command == "new":
        from course_utils.notebooks import template

        return template.main(rest)
    if arguments.command == "picture":
        from course_utils.scoreboard import picture

        return picture.main(rest)
    if arguments.command == "scoreboard":
        from course_utils.scoreboard import command

        return command.main(rest)
    if arguments.command == "mark":
        from course_utils.classroom import command

        return command.main(rest)
    if rest:
        parser.error(f"unrecognised arguments: {' '.join(rest)}")
    findings = report()
    print(as_text(findings))
    return int(any(finding.state == "problem" for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
