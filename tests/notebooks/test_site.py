"""The static site, where it is built: links lead somewhere, pictures keep their words, nothing is fetched."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lab import FLAGS, SECONDS, chromium_or_skip
from places import ROOT
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

SITE = ROOT / "build" / "site"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
BUILD = "python -m uv run --group site sphinx-build -c docs . build/site"
LOADED = ("link", "script", "img", "iframe", "source", "video", "audio")  # what a browser fetches by itself
PIXELS = re.compile(r"data:[^\"']{99,}")  # of a picture: only that it lies in the page counts
HERE = ("file", "data", "blob", "about")
WRONG = "[data-mjx-error], mjx-container [fill=red]"  # errors, and commands that MathJax does not know
TYPESET = "() => window.MathJax?.startup?.promise?.then(() => true)"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SITE.is_dir(), reason=f"the site is not built here: {BUILD}"),
]


class Page(HTMLParser):
    """What a page of the site refers to: anchors of its own, links, what it loads, and pictures' words.

    Attributes:
        words: the alt texts of the pictures that lie in the page itself, in their order.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.ids |= {value for name, value in attrs if name in ("id", "name") and value}
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")
        if tag in LOADED:
            self.loads += [value for name in ("src", "href") if (value := said.get(name))]
        if tag == "img":
            self.pictures.append(said)

    @property
    def words(self) -> list[str | None]:
        return [p.get("alt") for p in self.pictures if (p.get("src") or "").startswith("data:")]


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """Every page of the site, read."""
    found = [path for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts]
    return {path: Page(PIXELS.sub("data:", path.read_text("utf-8"))) for path in found}


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """A tab of a Chromium that finds no machine at all; ``asked`` are the addresses that it asked for."""
    with sync_playwright() as playwright:
        alone = "--host-resolver-rules=MAP * ~NOTFOUND"
        browser = playwright.chromium.launch(executable_path=chromium_or_skip(), args=[*FLAGS, alone])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120 * SECONDS)
        yield page
        browser.close()


def page_of(notebook: Path) -> Path:
    return SITE / "notebooks" / f"{notebook.stem}.html"


def alts(notebook: Path) -> list[str | None]:
    """The words of the pictures in a notebook's stored outputs."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return Page("".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)).words


def test_every_notebook_is_a_page_that_the_first_page_leads_to(pages):
    first = pages[SITE / "docs" / "index.html"]
    assert len(NOTEBOOKS) == 22
    assert all(f"../notebooks/{notebook.stem}.html" in first.links for notebook in NOTEBOOKS)
    assert 'href="docs/index.html"' in (SITE / "index.html").read_text("utf-8")


def test_links_lead_somewhere(pages):
    lost = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "mailto", "data"), (path, link)
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages.get(target)
            if not target.exists() or (parts.fragment and known and unquote(parts.fragment) not in known.ids):
                lost.append(f"{path.relative_to(SITE)}: {link}")
    assert lost == []


def test_links_between_notebooks_are_links_between_pages(pages):
    for notebook in NOTEBOOKS:
        said = json.loads(notebook.read_text("utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in said if cell["cell_type"] == "markdown")
        named = [other for other in NOTEBOOKS if f"]({other.name})" in text]
        links = pages[page_of(notebook)].links
        assert all(f"{other.stem}.html" in links for other in named), notebook.name
        assert [link for link in links if link.endswith(".ipynb") and "_sources/" not in link] == []


def test_pictures_keep_their_words(pages):
    assert sum(len(alts(notebook)) for notebook in NOTEBOOKS) > 100
    for notebook in NOTEBOOKS:
        assert pages[page_of(notebook)].words == alts(notebook), notebook.name
    silent = [(path, p) for path, page in pages.items() for p in page.pictures if not p.get("alt")]
    assert silent == []


def test_pages_load_nothing_from_elsewhere(pages):
    for path, page in pages.items():
        for address in page.loads:
            parts = urlsplit(address)
            assert parts.scheme in ("", "data") and not parts.netloc, (path, address)
            assert parts.scheme or (path.parent / unquote(parts.path)).exists(), (path, address)


@pytest.mark.parametrize("name", [*(f"notebooks/{notebook.stem}" for notebook in NOTEBOOKS), "docs/index"])
def test_a_browser_asks_no_other_machine_and_draws_the_mathematics(tab, name):
    asked, faults = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    path = SITE / f"{name}.html"
    tab.goto(path.as_uri())
    formulas = tab.locator(".math").count()
    if formulas:
        tab.wait_for_function(TYPESET)
        assert tab.locator("mjx-container svg").count() >= formulas
    assert tab.locator(WRONG).evaluate_all("places => places.map(place => place.textContent)") == []
    assert asked and [url for url in asked if urlsplit(url).scheme not in HERE] == []
    assert faults == []


def test_the_search_finds_a_notebook(tab):
    tab.goto(f"{(SITE / 'search.html').as_uri()}?q=RealNVP")
    tab.wait_for_selector("#search-results li a")
    found = tab.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("13_nice_and_realnvp" in link for link in found)
