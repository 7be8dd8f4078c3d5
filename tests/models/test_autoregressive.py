"""Every autoregressive system on images that are not square, in black and white and in grey."""

from functools import partial
from itertools import pairwise

import pixels
import pytest
import torch
from agreement import agreement
from pixels import draw_naively, multiplications, states

from course_utils.evaluation import log_probs
from course_utils.models import MADE, NADE, PixelCNN, PixelRNN
from course_utils.taxonomy import Autoregressive, leaves
from course_utils.training import fit

SMALL = {"hidden": 6, "first_kernel": 3}
BUILT = {
    "NADE": partial(NADE, hidden=5),
    "MADE": partial(MADE, hidden=(12,)),
    "MADE, deep": partial(MADE, hidden=(20, 15), direct=False),
    "PixelCNN": partial(PixelCNN, **SMALL, blocks=2),
    "PixelCNN, gated": partial(PixelCNN, **SMALL, blocks=2, gated=True),
    "PixelRNN, row": partial(PixelRNN, **SMALL, kind="row", layers=2),
    "PixelRNN, diagonal": partial(PixelRNN, **SMALL, kind="diagonal", layers=2),
}
LEVELS = {2: {}, 3: {"levels": 3}, 4: {"levels": 4}, 256: {"levels": 256}}  # black and white takes no levels
PIXEL_MODELS = [name for name in BUILT if name.startswith("Pixel")]
EVERY = pytest.mark.parametrize("name", BUILT)
PIXELS = pytest.mark.parametrize("name", PIXEL_MODELS)


def random_model(name: str, shape: tuple[int, ...], **settings) -> Autoregressive:
    """The model with weights far from their start; NADE and MADE in an order of their own."""
    if name not in PIXEL_MODELS:
        stream = torch.Generator().manual_seed(0)
        settings["order"] = torch.randperm(torch.Size(shape).numel(), generator=stream).tolist()
    return pixels.random_model(BUILT[name], shape, 0.4, **settings)


def cases():
    """Names, shapes and levels of models whose images can be enumerated."""
    for name in BUILT:
        yield from ((name, shape, 2) for shape in ((1, 2, 3), (2, 1, 3), (2, 3, 1)))
    for name in PIXEL_MODELS:
        yield from ((name, shape, 3) for shape in ((1, 2, 3), (2, 2, 1)))


def follow(x: torch.Tensor, p: torch.Tensor, levels: int) -> bool:
    """Whether images look like samples of p, the probabilities of all ``states``."""
    place = levels ** torch.arange(x[0].numel()).flip(0)  # the last pixel changes first
    drawn = (x.flatten(1) * (levels - 1)).round().long() @ place
    return agreement(drawn, p.log()).p_value > 1e-4


def test_every_autoregressive_system_is_here():
    assert {type(build((1, 2, 2))) for build in BUILT.values()} == set(leaves(Autoregressive))


@pytest.mark.parametrize(("name", "shape", "levels"), list(cases()))
def test_mass_is_one_and_samples_and_completions_follow_it(name, shape, levels):
    """B2, B21: Σ_x p(x) = 1 over all images; ``sample`` draws from p(x), ``complete`` from p(x | known)."""
    model = random_model(name, shape, **LEVELS[levels])
    every, stream = states(shape, levels), torch.Generator().manual_seed(0)
    p = log_probs(model, every).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-10) and p.max() > 3 * p.min()
    assert follow(model.sample(4000, generator=stream), p, levels)
    known = torch.zeros(model.dims, dtype=torch.bool)
    known[model.order[:2]] = True
    x, known = every[len(every) // 3], known.view(shape)
    given_known = torch.where((every[:, known] == x[known]).all(1), p, 0)
    drawn = model.complete(x.expand(2000, *shape), known, generator=stream)
    assert follow(drawn, given_known / given_known.sum(), levels)


@EVERY
@pytest.mark.parametrize("levels", [2, 3])
def test_log_prob_is_the_chain_rule_of_the_conditionals(name, levels):
    if levels > 2 and name not in PIXEL_MODELS:
        pytest.skip("binary only")
    model, x = random_model(name, (2, 1, 3), **LEVELS[levels]), states((2, 1, 3), levels)
    p = model.conditionals(x)
    p = torch.stack([1 - p, p], -1) if levels == 2 else p
    torch.testing.assert_close(p.sum(-1), torch.ones_like(x), rtol=0, atol=1e-12)
    chosen = p.gather(-1, (x * (levels - 1)).round().long()[..., None]).log().flatten(1).sum(1)
    torch.testing.assert_close(model.log_prob(x), chosen, rtol=0, atol=1e-10)


@EVERY
def test_larger_images_are_measured_and_completed(name):
    for shape, levels in (((1, 28, 28), 2), ((3, 32, 32), 256 if name in PIXEL_MODELS else 2)):
        model, known = BUILT[name](shape, **LEVELS[levels]), torch.ones(shape, dtype=torch.bool)
        x = torch.randint(levels, (1, *shape)).float() / (levels - 1)
        known.view(-1)[model.order[-shape[2] :]] = False
        done = model.complete(x, known)
        assert model.log_prob(x).isfinite().all() and model.check(done) is done
        assert torch.equal(done[:, known], x[:, known])


@EVERY
@pytest.mark.parametrize("levels", [2, 4])
def test_a_conditional_depends_on_the_pixels_before_it_alone(name, levels):
    """By gradients on (2, 3, 5), in the model's order: nothing at or after the pixel, something before it."""
    if levels > 2 and name not in PIXEL_MODELS:
        pytest.skip("binary only")
    model = random_model(name, (2, 3, 5), **LEVELS[levels])
    x = (torch.randint(levels, (2, 2, 3, 5)).double() / (levels - 1)).requires_grad_()
    p = model.conditionals(x).view(2, 30, -1)[..., 0].sum(0)[model.order]
    slopes = torch.stack([torch.autograd.grad(one, x, retain_graph=True)[0].abs().sum(0) for one in p])
    slopes = slopes.flatten(1)[:, model.order]
    assert (slopes.triu() == 0).all()
    assert (slopes.sum(1) > 0).sum() > 22 and (slopes > 0).sum() > 100


CASES = [((3, 3, 4), 4, 3), ((2, 1, 5), 2, 3), ((1, 5, 1), 2, None)]


@pytest.mark.slow
@PIXELS
@pytest.mark.parametrize(("shape", "levels", "classes"), CASES)
def test_samples_are_those_of_a_full_pass_for_every_pixel(name, shape, levels, classes):
    """What is kept from pixel to pixel is right: the same random numbers, the same images, from any start."""
    model = random_model(name, shape, levels=levels, classes=classes)
    y = None if classes is None else torch.tensor([0, 1, 2, 2, 1])
    u, v = torch.rand(2, 5, model.dims, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    with torch.no_grad():
        x = model._draw(u, 1.0, None, 0, y)
        assert torch.equal(x, draw_naively(model, u, y=y))
        for start in {1, 4, 5, 6, model.dims - 1, model.dims}:
            fast = model._draw(v, 0.7, x, start, y)
            assert torch.equal(fast, draw_naively(model, v, 0.7, x, start, y)), start


@pytest.mark.slow
@PIXELS
def test_a_sample_costs_a_few_passes_and_not_one_for_every_pixel(name):
    """Multiplications counted, not timed; an unfinished image of 10×10 costs no more."""
    model, u = random_model(name, (1, 10, 10)), torch.rand(2, 100).double()
    x = (u < 0.5).double().view(2, 1, 10, 10)
    once = multiplications(lambda: model.logits(x))
    assert multiplications(lambda: model._draw(u, 1.0, None, 0)) < 2 * once
    assert multiplications(lambda: model._draw(u, 1.0, x, 50)) < 2 * once


@pytest.mark.slow
@PIXELS
@pytest.mark.parametrize("levels", [2, 3])
def test_given_images_and_classes_make_conditional_models(name, levels):
    """p(x | y, f) has mass 1 for any y and f, differs among them, and samples and completions follow it."""
    shape = (1, 2, 3)
    model = random_model(name, shape, levels=levels, classes=2, given=3)
    every, stream = states(shape, levels), torch.Generator().manual_seed(0)
    many, distributions = len(every), []
    for y, f in zip((0, 1, 1), torch.randn(3, 3, 2, 3).double(), strict=True):
        y, f = torch.tensor(y), f.expand(1500, -1, -1, -1)
        with torch.no_grad():
            distributions.append(model.log_prob(every, y.expand(many), f[:many]).exp())
            x = model.sample(1500, y=y.expand(1500), given=f, generator=stream)
        assert distributions[-1].sum().item() == pytest.approx(1, abs=1e-10)
        assert follow(x, distributions[-1], levels)
    known = torch.tensor([[[True, True, False], [False, False, False]]])
    fits = torch.where((every[:, known] == every[7][known]).all(1), distributions[-1], 0)
    first = every[7].expand(1500, *shape)
    done = model.complete(first, known, y=y.expand(1500), given=f, generator=stream)
    assert follow(done, fits / fits.sum(), levels)
    assert all((a - b).abs().sum() > 0.01 for a, b in pairwise(distributions))
    mixture = sum(model.log_prob(every, torch.full((many,), k), f[:many]).exp() for k in (0, 1)) / 2
    torch.testing.assert_close(model.log_prob(every, given=f[:many]).exp(), mixture, rtol=0, atol=1e-12)


@PIXELS
def test_a_condition_reaches_every_layer_and_an_image_every_pixel_from_all_sides(name):
    """No parameter is left without a gradient; f counts to the right and below too."""
    model = random_model(name, (1, 5, 6), classes=3, given=2)
    x, y = (torch.rand(3, 1, 5, 6) < 0.5).double(), torch.tensor([0, 1, 2])
    f = torch.randn(3, 2, 5, 6).double().requires_grad_()
    model.loss(x, y, f).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key
    for row, column in ((0, 0), (2, 3), (4, 5)):
        (slope,) = torch.autograd.grad(model.logits(x, y, f)[:, 0, row, column].sum(), f)
        near = slope.abs().amax((0, 1))[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5]
        assert (near > 0).all()


@PIXELS
def test_each_table_of_classes_and_each_reading_of_an_image_counts_alone(name):
    """With all other ways shut, every single one still moves the logits."""
    model, x = random_model(name, (1, 3, 4), classes=2, given=1), (torch.rand(2, 1, 3, 4) < 0.5).double()
    ways = [key for key, _ in model.named_parameters() if "table" in key or ".shift" in key and "look" in key]
    assert len(ways) >= 4
    weights = {key: model.get_parameter(key).detach().clone() for key in ways}
    f, y = torch.randn(2, 1, 3, 4).double(), torch.tensor([0, 1])
    for way in ways:
        for key in ways:
            model.get_parameter(key).data.copy_(weights[key] if key == way else torch.zeros(()))
        other = model.logits(x, 1 - y, f) if "table" in way else model.logits(x, y, -f)
        assert (model.logits(x, y, f) - other).abs().max() > 1e-6, way


@PIXELS
def test_fit_takes_images_with_what_they_are_conditioned_on(name):
    """In a model without classes the second tensor is an image: it is not taken for a class."""
    x = (torch.rand(20, 1, 2, 3) < 0.5).float()
    model = BUILT[name]((1, 2, 3), given=1)
    history = fit(model, (x, 1 - x), epochs=1, progress=False, device="cpu")
    assert history.stopped == "epochs"
    with pytest.raises(ValueError, match="given: expected"):
        fit(model, (x, torch.zeros(20, dtype=torch.long)), epochs=1, progress=False, device="cpu")


@PIXELS
def test_bad_conditions_are_named(name):
    model, plain = random_model(name, (1, 2, 3), given=2), random_model(name, (1, 2, 3))
    x, f, leaf = torch.zeros(2, 1, 2, 3).double(), torch.randn(2, 2, 2, 3).double(), type(model).__name__
    torch.testing.assert_close(model.loss(x, f), model.loss(x, given=f))  # as fit hands it over
    for bad in (None, f[:1], f[:, :1], f.float(), f[0], f * torch.inf, "image"):
        for verb in (model.log_prob, model.loss, model.conditionals):
            with pytest.raises(ValueError, match=f"{leaf}: given: expected"):
                verb(x, given=bad)
        with pytest.raises(ValueError, match=f"{leaf}: given: expected"):
            model.sample(2, given=bad)
    for verb in (plain.log_prob, plain.loss):
        with pytest.raises(ValueError, match=f"{leaf}: given: expected none"):
            verb(x, given=f)
    with pytest.raises(ValueError, match=f"{leaf}: given"):
        BUILT[name]((1, 2, 3), given=0)
