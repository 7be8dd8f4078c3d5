"""The rows as text: a table for each set, and one line for each row."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from course_utils.evaluation import results
from course_utils.evaluation.results import BINARY, C2ST, FRECHET, MEASURES, SETS, UNIVERSES, Row

CAN = {
    "exact": "p(x)",
    "lower bound": "a bound on p(x)",
    "unnormalised": "p(x) up to Z",
    "none": "samples only",
    "truth": "",
}


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
    rows, parts = list(rows), []
    for data in SETS:
        here = sorted((row for row in rows if row.data == data), key=Row.rank)
        if here:
            parts.append(of_universe(data, here) if data in UNIVERSES else of_digits(data, here))
    return "\n".join(parts)


def of_universe(data: str, rows: list[Row]) -> str:
    """The table of a universe, where p_D is known."""
    of_samples = (results.KL_HISTOGRAM, results.REVERSE_KL, results.TV_HISTOGRAM)
    columns: dict[str, Callable[[Row], str]] = {
        "KL, nats": lambda row: first_of(row, results.KL_EXACT, results.KL_BOUND),
        "TV": lambda row: cell(row, results.TV_EXACT),
    } | {name: lambda row, name=name: cell(row, name) for name in of_samples}
    samples = max(row.samples for row in rows)
    fewer = {row.model: row.samples for row in rows if row.samples < samples}
    notes = [f"Histograms are of {samples:,} samples; the row p_D itself shows what no model can beat."]
    notes += [f"{model}: of {n:,}." for model, n in fewer.items()]
    return lay_out(f"{data} (p_D is known)", columns, rows, " ".join(notes))


def of_digits(data: str, rows: list[Row]) -> str:
    """The table of a set of digits, where only samples of p_D are known."""
    unit = "nats" if data == BINARY else "bits/dim"
    columns = {
        unit: lambda row: first_of(row, *results.LIKELIHOODS),
        "below the best baseline by": lambda row: shown(min(row.better_than.values(), default=None)),
        C2ST: lambda row: cell(row, C2ST),
        FRECHET: lambda row: cell(row, FRECHET),
    }
    if data != BINARY:
        columns |= {
            f"{name}, binarised": lambda row, name=name: shown(row.two_sample(name))
            for name in (C2ST, FRECHET)
        }
    note = (
        "≤: a bound, the true cost is no larger; ≈: an estimate. C2ST: ½ if samples pass for real, 1 if none "
        "does. Fréchet: its square, on the features of the course's own digit classifier."
    )
    return lay_out(f"{data} (300 test images)", columns, rows, note)


def lay_out(title: str, columns: Mapping[str, Callable[[Row], str]], rows: list[Row], note: str) -> str:
    """A table in Markdown under a title."""
    names = ["model", "computes", *columns, "parameters", "CPU s to train", "CPU s for 1,000 samples"]
    lines = [f"## {title}", "", f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in rows:
        learned = ["", "", ""]
        if row.parameters:
            learned = [f"{row.parameters:,}", f"{row.seconds:.0f}", f"{row.sampling:.2g}"]
        cells = [row.model, CAN[row.density], *(make(row) for make in columns.values()), *learned]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", note, ""])


def shown(estimate: Sequence[float] | None, mark: str = "") -> str:
    """A value with its standard error, if it has one, to as many digits as make sense."""
    if estimate is None:
        return ""
    value, error = estimate
    digits = 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4
    text = f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if error > 1e-9 else "")
    return f"{mark} {text}".strip()


def cell(row: Row, name: str) -> str:
    """A score of a row, or nothing."""
    return shown(row[name]) if name in row.scores else ""


def first_of(row: Row, *names: str) -> str:
    """The first of these scores that a row has, marked as a bound or an estimate, with how it was had."""
    name = next((name for name in names if name in row.scores), None)
    if name is None:
        return ""
    mark = {"bound": "≤", "estimate": "≈", "exact": ""}[MEASURES[name].kind]
    how = name.split(", ")[1]
    return shown(row[name], mark) + ("" if how in ("exact", "bound") else f" ({how})")


def one_line(row: Row) -> str:
    """A row in a line, for those who wait."""
    scores = ", ".join(f"{name} {shown(row[name])}" for name in row.scores)
    cost = f"trained {row.seconds:.0f} s, 1,000 samples {row.sampling:.2g} s"
    return f"{row.model} on {row.data}: {scores}; {cost}"
