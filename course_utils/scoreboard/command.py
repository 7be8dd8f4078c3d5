"""The command that makes the table again: stored as JSON, with a readable one beside it."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from course_utils.evaluation.results import COMMAND, SETS, SHIPPED, Row, load
from course_utils.scoreboard.scores import reference_rows, score
from course_utils.scoreboard.settings import names, sets_of
from course_utils.scoreboard.tables import one_line, table
from course_utils.storage import write_bytes

BASELINES = "baselines"


def scoreboard(
    chosen: Sequence[str] | None = None,
    path: Path | str = SHIPPED,
    *,
    sets: Sequence[str] | None = None,
    only_missing: bool = False,
) -> list[str]:
    """Train and measure models on every set that they live on, and store what came, row by row.

    Rows that are stored already stay until theirs is made again, so that the work can be stopped, gone on
    with, or shared out between processes. The whole takes about half an hour of CPU time.

    Args:
        chosen: classes of the tree, or "NADE, 8 orders" and the like, or "baselines" for the rows that these
            are read against; None: all.
        path: the JSON file; a readable table is written beside it, under the same name with ``.md``.
        sets: only these sets of data; None: all.
        only_missing: leave the rows that are there as they are.

    Returns:
        What failed: a line each. Their old rows, if there are any, stay.

    Raises:
        ValueError: there is no such model or set.
    """
    every = [BASELINES, *names()]
    chosen, sets = every if chosen is None else list(chosen), SETS if sets is None else list(sets)
    unknown = [one for one in chosen if one not in every] + [one for one in sets if one not in SETS]
    if unknown:
        allowed = f"some of {', '.join(every)}, and sets out of {', '.join(SETS)}"
        raise ValueError(f"scoreboard: expected {allowed}; got {', '.join(unknown)}")
    jobs = [(name, data) for name in chosen if name != BASELINES for data in sets_of(name) if data in sets]
    if only_missing:
        jobs = [job for job in jobs if job in missing(path)]
    failed, bar = [], sys.stderr.isatty()
    for name, data in [(BASELINES, "every set")] * (BASELINES in chosen) + jobs:
        started = time.process_time()
        try:
            made = reference_rows() if name == BASELINES else [score(name, data, progress=bar)]
        except Exception as error:  # one that fails must not take the others with it
            failed.append(f"{name} on {data}: {type(error).__name__}: {error}")
            print(failed[-1], file=sys.stderr, flush=True)
            continue
        store(made, path)
        for row in made:
            print(f"{one_line(row)}   [{time.process_time() - started:.0f} CPU s]", flush=True)
    return failed


def store(made: Iterable[Row], path: Path | str = SHIPPED) -> None:
    """Put rows into the file, in place of those of the same model and set, and write the table beside it."""
    path = Path(path)
    before = load(path) if path.exists() else []
    rows = sorted({(row.model, row.data): row for row in [*before, *made]}.values(), key=Row.rank)
    facts = {"command": COMMAND, "torch": torch.__version__.split("+")[0]}
    content = {"made by": facts, "rows": [row.as_dict() for row in rows]}
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    readable = f"# Scoreboard\n\n{table(rows)}\nMade by `{COMMAND}`.\n"
    write_bytes(path.with_suffix(".md"), readable.encode())


def missing(path: Path | str = SHIPPED) -> list[tuple[str, str]]:
    """The models and sets of which there is no row yet."""
    stored = {(row.model, row.data) for row in (load(path) if Path(path).exists() else [])}
    return [(name, data) for name in names() for data in sets_of(name) if (name, data) not in stored]


def main(argv: Sequence[str] | None = None) -> int:
    """Make the table again, all of it or the models named; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m course_utils scoreboard", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="such as NADE, 'MADE, 8 orders' or baselines (default: all)")
    parser.add_argument("--set", action="append", dest="sets", help="only this set, such as 'universe 4×4'")
    parser.add_argument("--missing", action="store_true", help="only rows that are not there yet")
    arguments = parser.parse_args(argv)
    failed = scoreboard(arguments.names or None, sets=arguments.sets, only_missing=arguments.missing)
    print(table(load()))
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    return int(bool(failed))
