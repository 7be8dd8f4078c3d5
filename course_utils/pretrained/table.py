"""The table of what ships: each paper's figure beside the course's own."""

from dataclasses import replace

from course_utils.evaluation.results import C2ST, FRECHET, MEASURES
from course_utils.pretrained.recipes import RECIPES
from course_utils.pretrained.samples import LEGIBLE, REAL
from course_utils.pretrained.weights import Card, card
from course_utils.taxonomy import GenerativeModel

HEAD = ("system", "paper", "here", "what it is", "legible, %", "C2ST", "Fréchet²", "parameters", "trained")
SETS = {"static": "black and white", "dynamic": "black and white, tossed anew", "unit": "256 grey levels"}


def table() -> str:
    """Markdown: what the papers report, what the weights here reach, and how they were trained.

    What is measured on different images stands apart: fixed black and white, black and white tossed anew
    from grey, grey levels. Nats are per image; "legible" is the share of samples that the course's classifier
    reads, ½ the best value of C2ST, and both have rows of real digits to compare with. A
    first stage is no row: what it took is in that of the second.
    """
    first_stages = {of.start for of in RECIPES.values()}
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for name, of in RECIPES.items():
        made = card(name)
        if made is None or name in first_stages or not issubclass(of.system, GenerativeModel):
            continue
        first = made.first if of.measure else None
        unit, kind = (MEASURES[first].unit, MEASURES[first].kind) if first else ("", "samples only")
        images = "dynamic" if "transform" in of.training else of.data
        lines.append(
            row(
                of.system.__name__,
                f"{of.paper} {unit}" if of.paper else "—",
                f"{made[first]} {unit}" if first else "—",
                f"{kind}; {SETS.get(images, SETS['unit'])}",
                *scored(made),
                f"{made.parameters:,}",
                trained(made),
            )
        )
    reader = card("classifier")
    if reader is not None:
        for kind, words in (("static", "black and white"), ("levels", "grey")):
            lines.append(row(f"real digits, {words}", "", "", "", *scored(reader, REAL + kind), "", ""))
    return "\n".join(lines) + "\n"


def trained(made: Card) -> str:
    """How long training took with its first stage, and where."""
    start = RECIPES[made.name].start
    first = card(start) if start else None
    return replace(made, seconds=made.seconds + (first.seconds if first else 0)).cost


def scored(made: Card, ending: str = "") -> list[str]:
    """What the card says of samples: legible, C2ST and Fréchet distance."""
    names = [name + ending for name in (LEGIBLE, C2ST, FRECHET)]
    return [f"{made[name]}" if name in made.figures else "" for name in names]


def row(*cells: str) -> str:
    """A row of the table."""
    return "| " + " | ".join(cells) + " |"
