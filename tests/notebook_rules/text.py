"""Rules about the words: the header, short texts, formulas that are closed, links that lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbformat import NotebookNode

WORDS = 80
HEADER = {
    "a title (# …)": r"\A# \S",
    "the slides covered": r"(?i)\bslides?\b.*\d",
    "the prerequisites (**Before:** …)": r"\*\*(?:Before|Prerequisites):\*\*",
    "**Time:** about X minutes on 2 CPU cores": r"\*\*Time:\*\* about [\d.]+ minutes? on 2 CPU cores",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)")
REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*(\S+)", re.M)
TAG = re.compile(r"<(?:a|img)\b[^>]*\b(?:href|src)=[\"']([^\"']+)")


def texts(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells of text."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def without_code(source: str) -> str:
    """The text without code, in fences or in a line, and without \\$."""
    source = re.sub(r"^\s*(```+|~~~+).*?^\s*\1\s*$", " ", source, flags=re.M | re.S)
    return re.sub(r"(`+)[^`].*?\1", " ", source).replace(r"\$", " ")


def prose(source: str) -> str:
    """What is read as sentences: no formulas, headings, tables, tags, or targets of links."""
    source = re.sub(r"\$\$.*?\$\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", " ", source, flags=re.S)
    source = re.sub(r"\$[^$\n]+\$", " ", source)
    source = re.sub(r"^(?:\s*\||#).*$", " ", source, flags=re.M)
    return re.sub(r"</?\w[^>]*>", " ", LINK.sub(r"\2", source))


def count_words(source: str) -> int:
    """The number of words in a text.

    >>> count_words("We *minimise* $-E[log p(x)]$ over [theta](a_b.ipynb).")
    4
    """
    return len(re.findall(r"\w[\w’'-]*", prose(source)))


def header(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The first cell says what this is, what one will be able to do, what one needs, how long it takes."""
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown":
        yield "the first cell is no header"
        return
    missing = (what for what, how in HEADER.items() if not re.search(how, first.source))
    yield from (f"the header lacks {what}" for what in missing)
    goals = len(re.findall(r"^\s*(?:[-*]|\d+\.)\s+\S", first.source, re.M))
    if not 3 <= goals <= 5:
        yield f"the header lists {goals} things you will be able to do, expected 3 to 5"
    titles = [cell.id for cell in texts(notebook) if re.search(r"^# ", without_code(cell.source), re.M)]
    yield from (f"{i}: a second title" for i in titles[1:])


def short(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Texts are short."""
    for cell in texts(notebook):
        words = count_words(cell.source)
        if words > WORDS:
            yield f"{cell.id}: {words} words, at most {WORDS}"


def closed(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Every formula that is opened with $ or $$ is closed in the same paragraph."""
    for cell in texts(notebook):
        for paragraph in re.split(r"\n\s*\n", without_code(cell.source)):
            blocks = paragraph.count("$$")
            inline = re.sub(r"\$\$.*?\$\$", " ", paragraph, flags=re.S).count("$")
            if blocks % 2 or inline % 2:
                yield f"{cell.id}: a formula that is not closed: {paragraph.strip()[:40]!r}"


def linked(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Links to files of the course lead there, pictures are described and come from here."""
    for cell in texts(notebook):
        source = without_code(cell.source)
        for picture, words, target in LINK.findall(source):
            if picture and not words.strip():
                yield f"{cell.id}: the picture {target} has no words for those who cannot see it"
            if picture and urlsplit(target).scheme:
                yield f"{cell.id}: the picture {target[:40]} is not a file of the course"
        targets = [target for _, _, target in LINK.findall(source)]
        for target in targets + REFERENCE.findall(source) + TAG.findall(source):
            parts = urlsplit(target)
            if not parts.scheme and parts.path and not (path.parent / unquote(parts.path)).exists():
                yield f"{cell.id}: the link {target} leads nowhere"


RULES = (header, short, closed, linked)
