"""Scenes with boxes, masks and names over them: what is drawn, where, and in which colour."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn import drawn_texts, faults
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.datasets import ANIMALS, scenes
from course_utils.plots.scenes import MARKS, by_scene

GREY = torch.full((2, 3, 40, 60), 0.5)
BOXES = torch.tensor([[5.0, 10.0, 30.0, 35.0], [20.0, 2.0, 58.0, 38.0]])


def names(ax):
    return sorted(text.get_text() for text, _ in drawn_texts(ax.figure))


def polygons(ax):
    """What is drawn as polygons: outlines (white, then coloured) and tags; empty where there are none."""
    return [c for c in ax.collections if isinstance(c, PolyCollection)]


def outlines(ax):
    """Left, top, right, bottom of each coloured outline in the picture, and its colour."""
    for collection in polygons(ax)[1:2]:
        for path, colour in zip(collection.get_paths(), collection.get_edgecolors(), strict=True):
            yield (*path.vertices.min(0), *path.vertices.max(0)), to_hex(colour).upper()


def edges(image, colour):
    """The outermost pixels of a colour in an image (H, W, 3) of whole numbers."""
    there = (np.abs(image - 255 * np.array(to_rgb(colour))) < 1).all(2)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_boxes_lie_where_they_are_and_have_the_colour_of_their_class(ax):
    plots.scenes(GREY, labels=torch.tensor([0, 2]), boxes=BOXES, ax=ax)
    picture = ax.images[0].get_array()
    line = (picture.shape[0] - 40) // 2
    for i, (box, colour) in enumerate(outlines(ax)):
        start = np.array([line + i * (60 + line), line] * 2) - 0.5
        assert np.allclose(box, start + BOXES[i].numpy()) and colour == MARKS[[0, 2][i]].upper()
    assert names(ax) == ["CAT", "DUCK"]


def test_a_mask_tints_its_pixels_and_no_others_and_each_object_has_its_own_colour(ax):
    masks = torch.zeros(1, 2, 40, 60, dtype=torch.bool)
    masks[0, 0, 5:20, 10:30], masks[0, 1, 5:20, 30:50] = True, True
    plots.scenes(GREY[:1], labels=torch.tensor([[1, 1]]), masks=masks, ax=ax)
    picture = np.array(ax.images[0].get_array(), float)
    line = (picture.shape[0] - 40) // 2
    inner = picture[line : line + 40, line : line + 60]
    assert edges(inner, MARKS[0]) == (10, 5, 30, 20) and edges(inner, MARKS[1]) == (30, 5, 50, 20)
    assert np.allclose(inner[10, 20], 255 * (0.25 + 0.5 * np.array(to_rgb(MARKS[0]))), atol=1)  # half covered
    either = masks[0].any(0).numpy()
    assert (
        np.allclose(inner[~either], 127.5, atol=1)
        and not np.isclose(inner[either], 127.5, atol=1).all(1).any()
    )
    assert names(ax) == ["DOG", "DOG"] and not list(outlines(ax))[2:]


def test_the_three_forms_of_labels_show_the_same():
    x, labels, boxes, masks = scenes(6, seed=3)
    scene, k = (labels >= 0).nonzero(as_tuple=True)
    size = tuple(x.shape[2:])
    padded = by_scene(6, size, 3, labels, boxes, masks, None, None)
    flat = by_scene(6, size, 3, labels[scene, k], boxes[scene, k], masks[scene, k], None, scene)
    assert [len(mine) for mine in padded] == (labels >= 0).sum(1).tolist()
    for one, other in zip(padded, flat, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.label == b.label and (a.box == b.box).all() and (a.mask == b.mask).all()
    single = by_scene(6, size, 3, labels[:, 0], boxes[:, 0], None, None, None)
    assert [len(mine) for mine in single] == [1] * 6
    assert all((mine[0].box == box).all() for mine, box in zip(single, boxes[:, 0].numpy(), strict=True))


def test_the_surest_come_first_and_what_is_empty_is_not_drawn(ax):
    boxes = torch.cat([BOXES, torch.zeros(1, 4)])
    plots.scenes(
        GREY[:1],
        labels=torch.tensor([0, 1, 2]),
        boxes=boxes,
        scores=torch.tensor([0.5, 0.75, torch.nan]),
        scene=torch.zeros(3, dtype=torch.long),
        ax=ax,
    )
    assert [colour for _, colour in outlines(ax)] == [MARKS[1].upper(), MARKS[0].upper()]
    assert names(ax) == ["CAT 0.50", "DOG 0.75", "DUCK"]  # the last without a box, named in the corner
    assert not list(by_scene(1, (40, 60), 3, torch.tensor([[-1]]), None, None, None, None)[0])


def test_an_empty_name_is_not_written(ax):
    plots.scenes(
        GREY, labels=torch.tensor([0, 2]), boxes=BOXES, names=["", "x", "y"], titles=["a", "b"], ax=ax
    )
    assert names(ax) == ["a", "b", "y"] and len(polygons(ax)[-1].get_paths()) == 1


@pytest.mark.parametrize("form", ["boxes", "masks", "both"])
def test_names_are_large_apart_and_inside_however_many_there_are(form):
    x, labels, boxes, masks = scenes(12, objects=(2, 4), seed=1)
    parts = {"boxes": {"boxes": boxes}, "masks": {"masks": masks}, "both": {"boxes": boxes, "masks": masks}}[
        form
    ]
    scores = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0))
    titles = [f"scene {i}" for i in range(12)]
    ax = plots.scenes(x, labels=labels, scores=scores, titles=titles, **parts)
    assert faults(ax.figure) == [] and max(ax.figure.get_size_inches()) <= 10.2
    said = names(ax)
    assert set(titles) <= set(said) and len(said) > 24
    assert tags_hold_their_names(ax)


def tags_hold_their_names(ax):
    texts = [box for text, box in drawn_texts(ax.figure) if text.get_text().startswith(ANIMALS)]
    tags = [ax.transData.transform(path.vertices) for path in polygons(ax)[-1].get_paths()]
    pairs = list(zip(texts, tags, strict=True))
    return pairs and all(t[:, 0].min() - 1 < b.x0 and b.x1 < t[:, 0].max() + 1 for b, t in pairs)


def test_tags_fit_their_names_on_axes_of_any_size():
    figure = Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    for place in ((0, 0, 1, 1), (0.6, 0.1, 0.3, 0.6)):
        ax = figure.add_axes(place)
        plots.scenes(GREY[:1], labels=torch.tensor([2]), boxes=BOXES[1:], ax=ax)
        assert tags_hold_their_names(ax)
        tag = ax.transData.transform(polygons(ax)[-1].get_paths()[0].vertices)
        assert np.ptp(tag[:, 0]) < 60 and np.ptp(tag[:, 1]) < 30
        ax.remove()


def test_a_name_leaves_other_objects_in_sight(ax):
    boxes = torch.tensor([[[20.0, 14.0, 34.0, 30.0], [20.0, 0.0, 44.0, 12.0]]])
    plots.scenes(GREY[:1], labels=torch.tensor([[0, 1]]), boxes=boxes, ax=ax)
    tags = [path.get_extents() for path in polygons(ax)[-1].get_paths()]
    (other, _) = list(outlines(ax))[1]
    assert (
        tags[0].x1 <= other[0] or tags[0].x0 >= other[2] or tags[0].y0 >= other[3] or tags[0].y1 <= other[1]
    )


def test_given_tensors_stay_as_they_were_and_no_figure_is_left(ax):
    x, labels, boxes, masks = (part.clone() for part in scenes(2, seed=0))
    before = [part.clone() for part in (x, labels, boxes, masks)]
    assert plots.scenes(x, labels=labels, boxes=boxes, masks=masks, ax=ax) is ax
    assert all(torch.equal(a, b) for a, b in zip(before, (x, labels, boxes, masks), strict=True))
    assert plt.get_fignums() == []


def test_pointing_draws_a_line_from_each_pixel_to_its_end_in_the_colour_of_its_group(ax):
    starts, groups = torch.tensor([[1.5, 2.5], [50.5, 30.5], [3.5, 39.5]]), torch.tensor([1, 0, 1])
    ends = torch.tensor([[10.0, 20.0], [40.0, 20.0], [70.0, -5.0]])
    assert plots.pointing(GREY[0], starts, ends, groups, ax) is ax and plt.get_fignums() == []
    _, lines = (c for c in ax.collections if isinstance(c, LineCollection))
    assert np.allclose(lines.get_segments(), torch.stack([starts, ends], 1))
    assert [to_hex(c).upper() for c in lines.get_colors()] == [MARKS[k] for k in (1, 0, 1)]
    assert ax.images[0].get_extent() == [0, 60, 40, 0]  # pixel (0, 0) lies from 0 to 1
    assert (*ax.get_xlim(), *ax.get_ylim()) == (0, 60, 40, 0)


ONE = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.scenes(GREY[:, :1], labels=ONE), "3 channels with values in .0, 1., got 1 channels"),
        (lambda: plots.scenes(2 * GREY + 0.5, labels=ONE), r"got 3 channels in \[1.5, 1.5\]"),
        (lambda: plots.scenes(GREY[0], labels=ONE), r"scenes: expected a tensor of shape \(N, 3, H, W\)"),
        (lambda: plots.scenes(GREY, labels=ONE[:1]), r"labels \(2,\) or \(2, K\), got \(1,\)"),
        (lambda: plots.scenes(GREY, labels=ONE[None], scene=ONE), r"labels \(M,\), got \(1, 2\)"),
        (lambda: plots.scenes(GREY, labels=ONE, boxes=BOXES[:1]), r"boxes of shape \(2, 4\), got \(1, 4\)"),
        (lambda: plots.scenes(GREY, labels=ONE, masks=GREY[:, 0, 1:] > 1), r"masks of shape \(2, 40, 60\)"),
        (lambda: plots.scenes(GREY, labels=ONE, scores=GREY), r"scores of shape \(2,\), got"),
        (lambda: plots.scenes(GREY, labels=3 * ONE), "classes below 3 on scenes 0 to 1, got 3 and 0 to 1"),
        (lambda: plots.scenes(GREY, labels=ONE, scene=2 * ONE), "classes .* on scenes 0 to 1, got 1 and"),
        (lambda: plots.scenes(GREY, labels=ONE, titles=["a"]), "2 titles, one a scene, got 1"),
        (lambda: plots.pointing(GREY, ONE, ONE, ONE), r"pointing: .* \(3, H, W\)"),
        (lambda: plots.pointing(GREY[0, :2], BOXES, BOXES, ONE), "3 channels .* got 2 channels"),
        (lambda: plots.pointing(GREY[0], BOXES, BOXES, ONE), r"\(n, 2\) and groups \(n,\), got \(2, 4\)"),
        (lambda: plots.pointing(GREY[0], BOXES[:, :2], BOXES[:, :2], ONE[:1]), r"got \(2, 2\), .* \(1,\)"),
    ],
)
def test_bad_input_gets_one_clear_error_and_leaves_no_figure(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []
