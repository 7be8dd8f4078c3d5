"""The static site: the committed notebooks with the outputs that they carry, and the pages around them.

    python -m uv run --group site sphinx-build -W -c docs . build/site

Sphinx reads the root of the repository, so that links between its pages are the same here and there. A page
asks no other machine for anything: MathJax comes from a package, with its letters drawn rather than fetched.
"""

import re
from importlib.metadata import distribution
from pathlib import Path

from sphinx.application import Sphinx

PACKAGE = "sphinx-mathjax-offline"
MATHJAX = Path(str(distribution(PACKAGE).locate_file(f"{PACKAGE}/static/mathjax/tex-svg-full.js")))

project = "Deep Generative Models in Vision"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*", "data/README.md", "data/shipped/scoreboard.md", "*.md"]
exclude_patterns = [".*", "build", "course_utils", "tests", "docs/_templates"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3  # links to headings, as GitHub makes them

templates_path = ["_templates"]
autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints = "none"  # they stand in the signature as it is written
autodoc_preserve_defaults = True

html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {"navbar_persistent": []}  # its search button stands in the side bar already
html_static_path = [str(MATHJAX)]
html_extra_path = ["index.html"]  # leads to the first page
mathjax_path = MATHJAX.name


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """In docstrings, |x| is an absolute value, and no substitution of reStructuredText."""
    lines[:] = [re.sub(r"(?<![`\w])\|(?=\S)([^|`]*)\|", r"\|\1\|", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Sphinx calls it."""
    app.connect("autodoc-process-docstring", escape_bars)
