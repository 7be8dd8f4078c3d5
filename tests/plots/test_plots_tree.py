from importlib import import_module

import pytest
import torch
from drawn import faults

from course_utils import plots, taxonomy

taxonomy_tree = import_module("course_utils.plots.tree")
SLIDE_14 = {
    "Autoregressive": ["PixelRNN", "PixelCNN", "NADE", "MADE"],
    "Flow": ["NICE", "RealNVP", "Glow", "FFJORD"],
    "Variational": ["Variational autoencoder"],
    "ExplicitMarkovChain": ["Boltzmann machine"],
    "ImplicitMarkovChain": ["GSN"],
    "Direct": ["Generative adversarial networks"],
}


@pytest.fixture
def slide_14(monkeypatch):
    """The tree with all eleven systems, whatever the course has so far."""
    made = {family: [type(t, (), {"title": t}) for t in titles] for family, titles in SLIDE_14.items()}
    real = taxonomy.children
    monkeypatch.setattr(
        taxonomy_tree,
        "children",
        lambda node: [
            *([c for c in real(node) if c.__abstractmethods__] if issubclass(node, torch.nn.Module) else []),
            *made.get(node.__name__, []),
        ],
    )


def test_all_eleven_systems_are_readable(slide_14):
    ax = plots.tree()
    assert all(ax.figure.get_size_inches() < 13)
    assert faults(ax.figure) == []
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts if text.get_bbox_patch()]
    for i, a in enumerate(boxes):
        assert all(a.x0 >= b.x1 or b.x0 >= a.x1 or a.y0 >= b.y1 or b.y0 >= a.y1 for b in boxes[:i])
        assert a.x0 >= 0 and a.y0 >= 0 and a.x1 <= ax.figure.bbox.x1 and a.y1 <= ax.figure.bbox.y1


def test_the_tree_has_every_class_and_system_under_its_family(ax, slide_14):
    plots.tree(ax)
    places = {text.get_text().replace("\n", " "): text.get_position() for text in ax.texts}
    named = {title: place for title, place in places.items()}
    for titles in SLIDE_14.values():
        assert " ".join(titles) in named
    titles = " ".join(places)
    for node in [taxonomy.GenerativeModel, *taxonomy.GenerativeModel.__subclasses__()]:
        assert node.title in titles
    above = next(place for title, place in places.items() if title.startswith("Autoregressive"))
    below = places["PixelRNN PixelCNN NADE MADE"]
    assert above[0] == below[0] and above[1] < below[1]
    assert sum(title.startswith("Markov chain") for title in places) == 2
    assert len(ax.lines) == 10  # a connector for every class but the root


def test_a_system_built_on_another_stands_in_its_family(ax, slide_14, monkeypatch):
    gated = type("GatedPixelCNN", (), {"title": "Gated PixelCNN"})
    before = taxonomy_tree.children
    monkeypatch.setattr(
        taxonomy_tree,
        "children",
        lambda node: [gated] if getattr(node, "title", "") == "PixelCNN" else before(node),
    )
    plots.tree(ax)
    assert "PixelRNN\nPixelCNN\nGated PixelCNN\nNADE\nMADE" in [text.get_text() for text in ax.texts]


def test_families_without_a_system_are_drawn_too(ax, monkeypatch):
    real = taxonomy.children
    monkeypatch.setattr(
        taxonomy_tree, "children", lambda node: [c for c in real(node) if c.__abstractmethods__]
    )
    plots.tree(ax)
    assert [text.get_text() for text in ax.texts].count("(none yet)") == 6


def test_the_tree_knows_the_systems_that_the_course_has(ax):
    import course_utils.models  # noqa: F401

    plots.tree(ax)
    shown = " ".join(" ".join(text.get_text().split()) for text in ax.texts)
    assert all(leaf.title in shown for leaf in taxonomy.leaves())


def test_the_tree_is_described_from_its_root(ax, slide_14):
    said = plots.tree(ax, about=False).get_label()
    assert said.startswith("A tree. Generative models: Explicit density, Implicit density. Explicit ")
    assert "Autoregressive: PixelRNN, PixelCNN, NADE, MADE. Normalising flow: " in said
