"""What the explorers' own drawing says: a lit branch, a place in a row, an axis, chains and estimates."""

from copy import copy
from math import log10

import numpy as np
import pytest
import torch
from drawn import drawn
from explorer_inputs import drifting
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_utils import plots
from course_utils.evaluation import load
from course_utils.explorers import autoregressive, boltzmann_machine, ffjord, gan, gsn, nade_and_made, vae
from course_utils.explorers import taxonomy as tree
from course_utils.explorers.engine.explorer import SCREEN_DPI
from course_utils.explorers.engine.stage import Stage
from course_utils.explorers.ffjord import variance
from course_utils.models import GAN, GSN, VAE, BoltzmannMachine, PixelCNN
from course_utils.plots.tree import branches, is_system
from course_utils.taxonomy import Autoregressive, Flow, leaves
from course_utils.universe import state_index


def shown(explorer, **values) -> np.ndarray:
    """The pixels of an explorer, as numbers."""
    return explorer._drawn(SCREEN_DPI, {**explorer.values, **values})[0].astype(int)


@pytest.fixture(scope="module")
def systems():
    return tree.systems()


@pytest.fixture(scope="module")
def whole(systems):
    """The tree before anything is veiled."""
    with plots.style():
        stage = Stage(systems.size, SCREEN_DPI, tree.frame_systems)
        with stage.acted():
            pass
        return stage.pixels().astype(int)


@pytest.mark.parametrize("name", ["ApproximateDensity", "MADE", "GAN", "GenerativeModel"])
def test_the_way_to_a_class_and_all_under_it_keep_their_colours_and_the_rest_is_pale(systems, whole, name):
    chosen = next(node for node in tree.nodes() if node.__name__ == name)
    seen = shown(systems, node=name)
    with plots.style():
        titles, lists = tree.places(SCREEN_DPI, tuple(tree.boxes()))
    for node in tree.boxes():
        near = issubclass(chosen, node) or issubclass(node, chosen)
        for spot in (titles[node], *([] if branches(node) else [lists[node]])):
            rows = slice(int(seen.shape[0] - spot.y1), int(seen.shape[0] - spot.y0))
            now, before = seen[rows, int(spot.x0) : int(spot.x1)], whole[rows, int(spot.x0) : int(spot.x1)]
            assert before.min() < 60
            assert np.array_equal(now, before) if near else now.min() > 130, (name, node)
        if not near and not branches(node):
            assert now.min() == 255  # the list of systems is not to be seen at all


def test_a_system_is_marked_beside_its_own_line_and_every_system_has_one(systems):
    spots = {}
    with plots.style():
        _, lists = tree.places(SCREEN_DPI, tuple(tree.boxes()))
    for node in filter(is_system, tree.nodes()):
        family = next(one for one in lists if issubclass(node, one))
        figure = Figure(figsize=tree.SIZE, dpi=SCREEN_DPI)
        with plots.style():
            tree.light(figure, node)
        (mark,) = (artist for artist in figure.artists if isinstance(artist, Line2D))
        spots[node.__name__] = float(mark.get_ydata()[0])
        assert lists[family].y0 < spots[node.__name__] < lists[family].y1
        assert lists[family].x0 - 15 < mark.get_xdata()[0] < lists[family].x0
    assert spots["PixelRNN"] > spots["PixelCNN"] > spots["NADE"] > spots["MADE"]
    assert spots["NICE"] == pytest.approx(spots["PixelRNN"])


@pytest.mark.parametrize("number", gan.NUMBERS)
def test_a_number_of_the_table_stands_where_its_axis_says_best_on_top(number):
    rows, figure = load(), drawn(gan.table(), number=number)
    (ax,) = figure.axes
    values = gan.numbers(number, rows)
    on = log10 if gan.NUMBERS[number][1] == "log" else float
    words = {text.get_text(): text.get_position() for text in figure.texts}
    ticks = {float(t.replace(",", "")): x for t, (x, y) in words.items() if y == -0.018}
    (a, left), (b, right) = min(ticks.items()), max(ticks.items())
    dots = {y: x for line in ax.lines for x, y in line.get_xydata() if line.get_marker() in "os^D"}
    assert len(dots) == len(values) and len(ticks) > 1
    names = sorted((name for name in values), key=lambda name: -words[name][1])
    assert names == list(values)
    for name, each in values.items():
        expected = left + (on(each.value) - on(a)) / (on(b) - on(a)) * (right - left)
        assert dots[words[name][1]] == pytest.approx(expected) and 0 < expected < 1
    truth = gan.yardstick(number, rows)
    assert (truth is not None and "seconds" not in number) == any(ln.get_ls() == "--" for ln in ax.lines)


def test_steps_of_chains_are_those_of_the_model_at_another_noise():
    model, x = GSN((1, 3, 3), hidden=(8,)), (torch.rand(gsn.SHOWN, 1, 3, 3) < 0.5).float()
    states = gsn.walked(model, x, 0.7, gsn.IMAGES, 5)
    other = copy(model)
    other.noise = 0.7
    expected = list(other.chain(x, gsn.FARTHEST, generator=torch.Generator().manual_seed(5)))
    assert len(states) == len(expected) and model.noise != 0.7
    for mine, its in zip(states, expected, strict=True):
        assert torch.equal(mine.x, its.x) and torch.equal(mine.noisy, its.noisy)


def test_the_spread_of_estimated_traces_is_that_of_the_formula():
    generator = torch.Generator().manual_seed(0)
    A, noise = (torch.randn(n, 5, generator=generator).double() for n in (5, 40_000))
    for signs, e in ((False, noise), (True, noise.sign())):
        estimates = ((e @ A) * e).sum(1)
        assert estimates.var().item() == pytest.approx(variance(A, signs=signs), rel=0.05)


def test_images_start_as_noise_and_end_as_what_the_flow_makes_of_it(monkeypatch):
    (model,), pictures = drifting(), []
    explorer = ffjord.digits_in_time(model)
    monkeypatch.setattr(ffjord.plots, "images", lambda images, **_: pictures.append(images))
    for time in (0.0, 0.5, 1.0):
        drawn(explorer, time=time, seed=3)
    z = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ends = model.enter.inverse(z), model.decode(z)
        half = model.enter.inverse(model.transport(z, 0.0, 0.5)[0])
    for seen, expected in zip(pictures, (ends[0], half, ends[1]), strict=True):
        assert torch.allclose(seen, expected, atol=1e-3)
    assert (ends[0] - ends[1]).abs().max() > 0.1
    with pytest.raises(ValueError, match="digits_in_time: expected FFJORD of images"):
        ffjord.digits_in_time(ffjord.FFJORD((2,), hidden=4))


@pytest.mark.slow
def test_the_gap_beside_a_posterior_is_the_distance_of_the_guess_to_it():
    torch.manual_seed(0)
    model, x = VAE((1, 3, 2), latent=2, hidden=(8,)).eval(), (torch.rand(3, 1, 3, 2) < 0.5).float()
    for parameter in model.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    log_joint, guess, bounds = vae.on_grid(model, x)
    with torch.no_grad():
        draws = torch.stack([model.elbo(x) for _ in range(4000)])
    error = draws.std(0) / len(draws) ** 0.5
    assert ((bounds - draws.mean(0)).abs() < 5 * error + 1e-3).all()
    assert (bounds < log_joint.logsumexp(1)).all()
    weights = model.importance_weighted_bound(x, 2000)
    assert torch.allclose(weights.double(), log_joint.logsumexp(1), atol=0.05)
    with torch.no_grad():
        assert torch.allclose(guess.mean.float(), model.encode(x).mean)


def test_a_pixel_that_moves_over_one_network_sees_what_it_sees_in_a_new_one():
    for row, column in ((2, 1), (1, 2), (2, 1)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = PixelCNN((1, 4, 4), gated=True, blocks=2, hidden=6, first_kernel=3).double().eval()
        new = autoregressive.seen_from(net, row, column)
        assert torch.equal(autoregressive.seen("gated PixelCNN", 4, 2, row, column), new)
    assert (
        autoregressive.seen("PixelCNN", 4, 1, 3, 1).sum() < autoregressive.seen("PixelCNN", 4, 2, 3, 1).sum()
    )


@pytest.mark.parametrize("classes", [None, 3])
def test_probabilities_beside_a_drawing_are_those_of_its_own_image(classes):
    model = PixelCNN((1, 4, 4), hidden=8, blocks=1, classes=classes).eval()
    explorer, seen = autoregressive.drawing(model), set()
    for seed in range(3):
        axes = drawn(explorer, pixels=16, seed=seed).axes
        x, p = (torch.tensor(ax.images[0].get_array()).float() for ax in axes[:2])
        y = torch.tensor([seed % classes]) if classes else None
        assert torch.allclose(model.conditionals(x[None, None], y)[0, 0], p, atol=1e-6)
        seen.add(tuple(x.flatten().tolist()))
    assert len(seen) == 3


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("degrees", ["spread evenly", "random"])
def test_as_many_pixels_are_lit_as_reach_the_output(degrees, direct):
    explorer, model = nade_and_made.paths(), nade_and_made.small_made("shuffled", degrees, direct)
    for output in (1, 2, nade_and_made.PLACES // 2, nade_and_made.PLACES):
        figure = drawn(explorer, output=output, order="shuffled", degrees=degrees, direct=direct)
        reach = model.connections()[model.order[output - 1]].sum()
        assert figure.axes[1].get_title() == f"output {output} sees {int(reach)} pixels"


def test_connections_lead_to_the_output_that_is_asked_for():
    values = {"output": 5, "order": "row by row", "degrees": "spread evenly", "direct": True}
    lines, units, numbers = drawn(nade_and_made.paths(), **values).axes[0].collections
    ends = {tuple(segment[1]) for segment in lines.get_segments()}
    (place,) = {end for end in ends if end[0] == 3}
    lit = [k for k, face in enumerate(units.get_facecolors()) if tuple(face[:3]) != (0xD0 / 255,) * 3]
    assert tuple(units.get_offsets()[lit[-1]]) == place and lit[:4] == [0, 1, 2, 3]
    count = 2 * nade_and_made.PLACES + 2 * nade_and_made.UNITS
    assert len(numbers.get_paths()) == len(units.get_offsets()) == count


def test_flows_are_last_where_they_are_thresholded_and_ahead_of_pixel_models_on_grey_levels():
    """What notebook 19 says of the shipped table."""
    pixel, flow = ({leaf.__name__ for leaf in leaves(branch)} for branch in (Autoregressive, Flow))
    order = {name: list(gan.numbers(name, load())) for name in gan.NUMBERS}
    universe = order["universe 4×4: total variation to p_D"]
    assert set(universe[:4]) == pixel and set(universe[-4:]) == flow
    grey = order["17 grey levels: squared Fréchet distance"]
    assert max(map(grey.index, flow)) < min(map(grey.index, pixel & set(grey)))
    for name in ("17 grey levels: bits/dim", "17 grey levels: share recognised as samples (C2ST)"):
        assert max(map(order[name].index, pixel & set(grey))) < min(map(order[name].index, flow))


@pytest.mark.parametrize("given", boltzmann_machine.GIVEN)
def test_chains_that_hold_pixels_draw_the_others_from_their_conditional_distribution(given):
    torch.manual_seed(0)
    model = BoltzmannMachine((1, 2, 2), hidden=3).double()
    for parameter in model.parameters():
        parameter.data.normal_()
    x = torch.tensor([[[[1.0, 0.0], [1.0, 1.0]]]], dtype=torch.double)
    kept = boltzmann_machine.part(x, given)
    *_, last = boltzmann_machine.holding(model, x.repeat(20_000, 1, 1, 1), kept, 30)
    assert kept.sum() == 2 and (last == x)[..., kept].all()
    states, log_p = boltzmann_machine.enumerated(model, "test")
    fits = (states == x)[..., kept].flatten(1).all(1)
    expected = torch.where(fits, log_p.exp(), 0) / log_p.exp()[fits].sum()
    share = torch.bincount(state_index(last.float()), minlength=16) / len(last)
    assert (share - expected).abs().sum() / 2 < 0.02


def test_noise_moves_on_an_arc_from_one_draw_to_another_while_classes_stay():
    model = GAN((1, 4, 4), hidden=(8,), classes=3)
    explorer = gan.styles(model)
    start, end = model.noise(8, torch.Generator().manual_seed(5)).chunk(2)
    for way, z in ((0.0, start), (0.5, (start + end) / 2**0.5), (1.0, end)):
        (ax,) = drawn(explorer, way=way, seed=5).axes
        with torch.no_grad():
            x = model.generator(z.repeat_interleave(3, 0), torch.arange(3).repeat(4))
        expected = plots.images(x, columns=3).images[0].get_array()
        assert np.allclose(ax.images[0].get_array(), expected, atol=1e-5)


def test_noise_against_class_needs_classes():
    with pytest.raises(ValueError, match="expected a GAN with classes"):
        gan.styles(GAN((1, 4, 4), hidden=(8,)))
