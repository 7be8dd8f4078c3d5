"""The command that makes the table again: stored as JSON, with a readable one beside it."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from course_utils.evaluation import results
from course_utils.evaluation.results import BINARISED, BINARY, C2ST, FRECHET, SETS, SHIPPED, Row, load
from course_utils.scoreboard.scores import reference_rows, score
from course_utils.scoreboard.settings import names, sets_of
from course_utils.storage import write_bytes

BASELINES = "baselines"
HISTOGRAM = results.KL_HISTOGRAM, results.REVERSE_KL, results.TV_HISTOGRAM
CAN = {
    "exact": "p(x)",
    "lower bound": "a bound on p(x)",
    "unnormalised": "p(x) up to Z",
    "none": "samples only",
    "truth": "",
}


def main(argv: Sequence[str] | None = None, path: Path = SHIPPED) -> int:
    """Train and measure the models named, or all, on every set that they live on, and store row by row.

    Rows that are stored already stay until theirs is made again, so that the work can be stopped, gone on
    with, or shared out between processes. One that fails takes no other with it: its old row stays, and the
    status is 1. The whole takes about three quarters of an hour of CPU time.
    """
    every = [BASELINES, *names()]
    parser = argparse.ArgumentParser(prog="python -m course_utils scoreboard", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="such as NADE, 'MADE, 8 orders' or baselines (default: all)")
    only = f"only {' or '.join(map(repr, SETS))}"  # there are commas in their names
    parser.add_argument("--set", action="append", dest="sets", choices=SETS, metavar="SET", help=only)
    arguments = parser.parse_args(argv)
    chosen, sets = arguments.names or every, arguments.sets or SETS
    if unknown := [name for name in chosen if name not in every]:
        parser.error(f"expected some of {', '.join(map(repr, every))}; got {', '.join(map(repr, unknown))}")
    jobs = [(name, data) for name in chosen if name != BASELINES for data in sets_of(name) if data in sets]
    failed = False
    for name, data in [(BASELINES, "every set")] * (BASELINES in chosen) + jobs:
        try:
            made = reference_rows() if name == BASELINES else [score(name, data)]
        except Exception as error:
            failed = True
            print(f"failed: {name} on {data}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            continue
        store(made, path)
        print(f"{name} on {data}: stored", flush=True)
    print(table(load(path)))
    return int(failed)


def store(made: Iterable[Row], path: Path = SHIPPED) -> None:
    """Put rows into the file, in place of those of the same model and set, and write the table beside it."""
    before = load(path) if path.exists() else []
    rows = sorted({(row.model, row.data): row for row in [*before, *made]}.values(), key=Row.rank)
    facts = {"command": results.COMMAND, "torch": torch.__version__.split("+")[0]}
    content = {"made by": facts, "rows": [row.as_dict() for row in rows]}
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    readable = f"# Scoreboard\n\n{table(rows)}\nMade by `{results.COMMAND}`.\n"
    write_bytes(path.with_suffix(".md"), readable.encode())


def table(rows: Iterable[Row]) -> str:
    """The rows as text in Markdown: a table for each set, best first, and what its columns are.

    >>> print(table([Row("uniform", "digits, binary", "exact", {"nats, exact": [44.36142, 0.0]})]))
    ## digits, binary (300 test images)
    <BLANKLINE>
    | model | computes | nats | below the best baseline by | C2ST | Fréchet | parameters | ...
    |---|---|---|---|---|---|---|---|---|
    | uniform | p(x) | 44.36 |  |  |  |  |  |  |
    ...
    """
    rows = sorted(rows, key=Row.rank)
    by_set = {data: [row for row in rows if row.data == data] for data in SETS}
    return "\n".join(_of_set(data, here) for data, here in by_set.items() if here)


def _of_set(data: str, rows: list[Row]) -> str:
    """The table of one set; every column shows the first that a row has of some scores."""
    columns: dict[str, tuple[str, ...]]
    if data in results.UNIVERSES:
        title = f"{data} (p_D is known)"
        columns = {"KL, nats": (results.KL_EXACT, results.KL_BOUND), "TV": (results.TV_EXACT,)}
        columns |= {name: (name,) for name in HISTOGRAM}
        samples = max(row.samples for row in rows)
        note = f"Histograms are of {samples:,} samples; the row p_D itself shows what no model can beat."
        few = [row for row in rows if row.parameters and row.samples < samples]
        note += "".join(f" {row.model}'s is of {row.samples:,}, and so is a row of p_D." for row in few)
    else:
        title, endings = f"{data} (300 test images)", ("",) if data == BINARY else ("", BINARISED)
        columns = {"nats" if data == BINARY else "bits/dim": results.LIKELIHOODS}
        columns["below the best baseline by"] = ()
        columns |= {name + ending: (name + ending,) for ending in endings for name in (C2ST, FRECHET)}
        note = (
            "≤: a bound, the true cost is no larger; ≈: an estimate. C2ST: ½ if samples pass for real, 1 if "
            "none does. Fréchet: its square, on the features of the course's own digit classifier."
        )
    seeds = ["KL, seed by seed"] * any(row.seeds for row in rows)
    names = ["model", "computes", *columns, *seeds, "parameters", "CPU s to train", "CPU s for 1,000 samples"]
    lines = [f"## {title}", "", f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in rows:
        cost = ["", "", ""]
        if row.parameters:
            cost = [f"{row.parameters:,}", f"{row.seconds:.0f}", f"{row.sampling:.2g}"]
        again = [", ".join(_rounded(value, 0) for value in row.seeds)] * len(seeds)
        cells = [row.model, CAN[row.density], *(_cell(row, scores) for scores in columns.values())]
        cells += [*again, *cost]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", note, ""])


def _cell(row: Row, names: tuple[str, ...]) -> str:
    """The first of these scores that a row has; one of several is marked as a bound or an estimate."""
    if not names:
        return _rounded(*min(row.better_than.values())) if row.better_than else ""
    name = next((name for name in names if name in row.scores), None)
    if name is None or len(names) == 1:
        return _rounded(*row[name]) if name else ""
    mark = {"bound": "≤ ", "estimate": "≈ ", "exact": ""}[results.MEASURES[name].kind]
    how = name.split(", ")[1]
    return mark + _rounded(*row[name]) + ("" if how in ("exact", "bound") else f" ({how})")


def _rounded(value: float, error: float) -> str:
    """A value with its standard error, if it has one, to as many digits as make sense."""
    digits = 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if error > 1e-9 else "")
