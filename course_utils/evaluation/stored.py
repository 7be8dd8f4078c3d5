"""The scoreboard as it is shipped: made again, stored as JSON with a table beside it, read, shown."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from course_utils.evaluation.scores import (
    BINARY,
    GREY,
    ORDERS,
    SETS,
    Row,
    entries,
    score,
    sets_of,
    simple_rows,
)

SHIPPED = Path(__file__).parents[2] / "data" / "shipped" / "scoreboard.json"
COMMAND = "python -m uv run python -m course_utils scoreboard"
UNITS = {BINARY: "nats", GREY: "bits/dim"}


def scoreboard(names: Sequence[str] | None = None, path: Path | str = SHIPPED) -> list[Row]:
    """Train and measure models on every set that they live on, and store what came.

    Rows of other models that are stored already stay as they are. A readable table is written beside
    the file, under the same name with ``.md``. The whole takes some minutes of CPU time.

    Args:
        names: classes of the tree with an exact density, or "NADE, 8 orders" and the like; None: all.
        path: the JSON file.

    Raises:
        ValueError: there is no such model.
    """
    every = [*entries(), *(f"{leaf}, {ORDERS} orders" for leaf in ("MADE", "NADE"))]
    chosen = every if names is None else list(names)
    unknown = [name for name in chosen if name not in every]
    if unknown:
        raise ValueError(f"scoreboard: expected some of {', '.join(every)}, got {', '.join(unknown)}")
    rows = {(row.model, row.data): row for row in (load(path) if Path(path).exists() else [])}
    rows |= {(row.model, row.data): row for row in simple_rows()}
    for name in chosen:
        for data in sets_of(name):
            rows[name, data] = score(name, data, progress=True)
            store(rows.values(), path)
    return load(path)


def store(rows: Iterable[Row], path: Path | str = SHIPPED) -> None:
    """Write rows as JSON, best first within a set, and as a table beside it."""
    rows = sorted(rows, key=lambda row: (SETS.index(row.data), row.value))
    facts = {"command": COMMAND, "torch": torch.__version__.split("+")[0]}
    content = {"made by": facts, "rows": [row.as_dict() for row in rows]}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    path.with_suffix(".md").write_text(f"# Scoreboard\n\n{table(rows)}\nMade by `{COMMAND}`.\n", "utf-8")


def load(path: Path | str = SHIPPED) -> list[Row]:
    """The stored rows.

    Raises:
        ValueError: the file is missing or is no scoreboard.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        return [Row(**row) for row in content["rows"]]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"scoreboard: expected a file made by {COMMAND}, got {path}: {error}") from None


def table(rows: Iterable[Row]) -> str:
    """The rows as text in Markdown: a table for each set, best first.

    >>> print(table([Row("uniform", "digits, binary", "nats", 44.36142, 0.0)]))
    ## digits, binary (300 test images)
    <BLANKLINE>
    | model | nats | below the best simple law by | parameters | CPU seconds |
    |---|---|---|---|---|
    | uniform | 44.36 |  |  |  |
    <BLANKLINE>
    """
    rows, parts = list(rows), []
    for data in SETS:
        here = sorted((row for row in rows if row.data == data), key=lambda row: row.value)
        if here:
            on_digits = data in UNITS
            last = "below the best simple law by" if on_digits else "total variation of 100,000 samples"
            head = f"## {data}" + (" (300 test images)" if on_digits else " (p_D is known)")
            names = ("model", UNITS.get(data, "KL, nats"), last, "parameters", "CPU seconds")
            lines = [head, "", f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
            lines += [f"| {' | '.join(_cells(row))} |" for row in here]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _cells(row: Row) -> list[str]:
    digits = 2 if row.data == BINARY else 3
    value = f"{row.value:.{digits}f}"
    value += f" ± {row.standard_error:.{digits}f}" if row.standard_error > 1e-9 else ""
    value = f"≤ {value}" if row.measure.endswith("bound") else value
    more = ""
    if row.better_than:
        gap, error = min(row.better_than.values())
        more = f"{gap:.{digits}f} ± {error:.{digits}f}"
    if row.total_variation:
        distance, error, perfect = row.total_variation
        more = f"{distance:.3f} ± {error:.3f} (p_D itself: {perfect:.3f})"
    learned = [f"{row.parameters:,}", f"{row.seconds:.0f}"] if row.parameters else ["", ""]
    return [row.model, value, more, *learned]


def main(argv: Sequence[str] | None = None) -> int:
    """Make the scoreboard again, of all models or of those named, and print it."""
    parser = argparse.ArgumentParser(prog="python -m course_utils scoreboard", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="such as NADE or 'MADE, 8 orders' (default: all)")
    names = parser.parse_args(argv).names
    print(table(scoreboard(names or None)))
    return 0
