"""The commands of the course: ``python -m course_utils [check | refresh [NAMES]]``."""

import argparse
import sys
from collections.abc import Sequence

from course_utils.environment import as_text, report


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, 1 when the check finds a problem.

    ``check``, the default, prints what is here, what is missing and how to mend it. ``refresh`` executes
    the notebooks and stores their outputs: see ``course_utils.notebooks``.
    """
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("check", help="versions, device, data, and what is wrong, with a hint (the default)")
    refresh = commands.add_parser("refresh", help="execute notebooks and store their outputs", add_help=False)
    refresh.add_argument("names", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(argv)
    if arguments.command == "refresh":
        from course_utils import notebooks  # needs Jupyter; the check must not

        return notebooks.main(arguments.names)
    findings = report()
    print(as_text(findings))
    return int(any(finding.state == "problem" for finding in findings))


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # old consoles cannot print every letter
    sys.exit(main())
