"""A colouriser is a density of coarse colours and an affine refiner; its rivals are what their losses say."""

from math import pi

import pytest
import torch
from fake_cuda import CUDA, moved, slow_downs, watched

from course_utils.applications.colour_rivals import BINS, ColourGame, Pixelwise
from course_utils.applications.colourisation import (
    BLUR,
    Colouriser,
    Refiner,
    blocks,
    coarse,
    from_unit,
    to_unit,
)
from course_utils.applications.luma_chroma import chroma, luma, rgb
from course_utils.datasets.coloured import SHARES, coloured, palette
from course_utils.training import fit

X = coloured(12, side=16, seed=3).x
QUIET = dict(progress=False, device="cpu")


def seeded(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def stirred(model):
    """The model with random weights: at their start some layers are 0."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for p in model.parameters():
            torch.nn.init.normal_(p, std=0.2)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("given", ["grey", "sketch"])
def test_probabilities_of_all_coarse_pictures_sum_to_one_and_samples_agree(given):
    model = stirred(Colouriser(4, given=given, levels=3, hidden=6, blocks=1, reading=1)).double()
    picture = torch.rand(1, 1, 4, 4, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    axes = [torch.arange(3)] * model.channels
    states = torch.cartesian_prod(*axes).view(-1, model.channels, 1, 1).double() / 2
    maps = model.reader(blocks(picture))
    p = model.density.log_prob(states, given=maps.expand(len(states), -1, -1, -1)).exp()
    assert abs(p.sum().item() - 1) < 1e-12
    n = 40_000
    drawn = model.coarse_sample(picture.expand(n, -1, -1, -1), generator=torch.Generator().manual_seed(0))
    same = (drawn[:, None] - model.values(states)[None]).abs().flatten(2).amax(2) < 1e-9
    assert torch.equal(same.sum(1), torch.ones(n, dtype=torch.long))
    assert (same.double().mean(0) - p).abs().max() < 5 * (0.25 / n) ** 0.5


def test_the_loss_is_minus_the_log_density_of_both_stages():
    model = stirred(Colouriser(16, levels=9, hidden=8, blocks=1, reading=1)).double()
    x = X.double()
    levels = model.quantised(coarse(chroma(x)))
    fine = model.refiner(blocks(luma(x)), model.values(levels))
    gaussian = torch.distributions.Normal(fine, BLUR).log_prob(chroma(x)).flatten(1).sum(1)
    constant = fine[0].numel() * (torch.tensor(2 * pi).log() / 2 + torch.tensor(BLUR).log())
    assert torch.allclose(model.loss(x), (model.nats(x) - gaussian).mean() - constant, rtol=1e-6)


@pytest.mark.parametrize("channels", [2, 3])
def test_the_refiner_is_affine_in_the_colours_so_it_commutes_with_means(channels):
    refine, g = stirred(Refiner(channels)).double(), torch.Generator().manual_seed(0)
    given = torch.randn(2, 16, 3, 5, dtype=torch.double, generator=g)
    a, b = torch.randn(2, 2, channels, 3, 5, dtype=torch.double, generator=g)
    for t in (-1.0, 0.3, 2.0):
        mixed = t * refine(given, a) + (1 - t) * refine(given, b)
        assert (refine(given, t * a + (1 - t) * b) - mixed).abs().max() < 1e-10
    near = a.clone()
    near[0, 0, 0, 0] += 1
    moved = (refine(given, near) - refine(given, a)).abs().amax(1)[0] > 0
    assert moved[:8, :8].any() and not moved[8:].any() and not moved[:, 8:].any(), "nine neighbours, no more"


def test_a_coloured_picture_keeps_its_grey_one_and_a_seed_gives_it_again():
    model, grey = stirred(Colouriser(16, levels=5, hidden=8, blocks=1)), luma(X)
    again = [model.sample(grey, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert (luma(again[0]) - grey).abs().max() < 1e-5
    assert torch.equal(again[0], again[1]) and not torch.equal(again[0], again[2])
    assert again[0].min() >= 0 and again[0].max() <= 1 and (luma(model.through(X)) - grey).abs().max() < 1e-5


def test_of_a_true_picture_only_rounded_colours_are_kept():
    model = stirred(Colouriser(16, levels=5, hidden=8, blocks=1))
    rounded = model.values(model.quantised(coarse(chroma(X))))
    torch.testing.assert_close(model.through(X), model.painted(luma(X), rounded))
    assert (rounded - coarse(chroma(X))).abs().max() > 0.02


def test_from_a_sketch_luma_is_drawn_too():
    model = stirred(Colouriser(16, given="sketch", levels=5, hidden=8, blocks=1))
    lines, colours = model.shown(X), torch.rand(len(X), 3, 4, 4) * 0.4
    y = model.refiner(blocks(lines), colours)[:, :1].clamp(0, 1).detach()
    assert (luma(model.painted(lines, colours)) - y).abs().max() < 1e-5


def test_a_game_draws_one_z_for_the_whole_picture():
    """Far from the edges of an even picture nothing tells places apart; another z, another colour."""
    game = stirred(ColourGame(hidden=8))
    made = game.sample(torch.full((2, 1, 64, 64), 0.5), generator=torch.Generator().manual_seed(0))
    middle = made[:, :, 6:10, 6:10]
    assert (middle - middle[:, :, :1, :1]).abs().max() < 1e-5
    assert (middle[0] - middle[1]).abs().max() > 1e-3


def test_what_is_given_decides():
    """Another grey picture, other probabilities of the same colours: the first pixel's, too."""
    model = stirred(Colouriser(16, levels=5, hidden=8, blocks=1, reading=1))
    levels = model.quantised(coarse(chroma(X)))[:2]
    maps = [model.reader(blocks(grey[:2])) for grey in (luma(X), 1 - luma(X))]
    a, b = (model.density.conditionals(levels, given=given) for given in maps)
    assert ((a - b).abs().flatten(1).amax(1) > 1e-4).all() and (a - b)[:, 0, 0, 0].abs().max() > 1e-5


def test_rounding_is_to_the_nearest_level_and_back():
    model = Colouriser(8, given="sketch", levels=11, hidden=6)
    c = torch.rand(50, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    c[:, 1:] = 0.8 * c[:, 1:] - 0.4
    back = model.values(model.quantised(c))
    assert ((back - c).abs() <= torch.tensor([0.05, 0.04, 0.04])[:, None, None] + 1e-6).all()
    assert torch.allclose(from_unit(to_unit(c[:, 1:])), c[:, 1:], atol=1e-6)
    assert (from_unit(to_unit(torch.full((1, 2, 1, 1), 9.0))) - 0.4).abs().max() < 1e-6


def known(n=1500):
    """Grey pictures that say nothing, of things in three colours with probabilities .5, .3, .2."""
    u = torch.rand(n, generator=torch.Generator().manual_seed(5))
    k = (u[:, None] >= torch.tensor(SHARES).cumsum(0)).sum(1).clamp(max=2)
    return palette()[0][k][:, :, None, None].expand(-1, -1, 8, 8).contiguous(), k


@pytest.mark.slow
def test_regression_answers_the_mean_bins_the_distribution_and_samples_share_no_colour():
    x, k = known()
    net = seeded(lambda: Pixelwise(hidden=12, blocks=1))
    fit(net, x, valid=x, epochs=12, lr=0.02, batch_size=100, **QUIET)
    grey, shares = torch.full((400, 1, 8, 8), 0.5), torch.bincount(k, minlength=3) / len(k)
    colours = chroma(palette()[0][:, :, None, None])[..., 0, 0]
    assert (net.mean(grey)[0] - (shares @ colours)[:, None, None]).abs().max() < 0.02
    bin_width = 0.8 / (BINS - 1)
    assert (net.mode(grey)[0] - colours[0][:, None, None]).abs().max() < bin_width
    drawn = net.sample(grey, generator=torch.Generator().manual_seed(0)).movedim(1, -1)
    which = (drawn[..., None, :] - colours).norm(dim=-1).argmin(-1)
    assert (torch.bincount(which.flatten(), minlength=3) / which.numel() - shares).abs().max() < 0.06
    alike = which.flatten(1).amin(1) == which.flatten(1).amax(1)
    assert alike.float().mean() < 0.4  # (.5³ + …) would be .16


def test_l1_adds_lambda_times_the_mean_distance():
    losses = {}
    for l1 in (0.0, 3.0):
        game = seeded(lambda l1=l1: ColourGame(l1=l1, hidden=8))
        losses[l1] = seeded(lambda game=game: game.generator_loss(X))
        made = seeded(lambda game=game: game._made(blocks(luma(X))))
    distance = (made - 2 * to_unit(coarse(chroma(X))) + 1).abs().mean()
    assert torch.allclose(losses[3.0] - losses[0.0], 3 * distance, atol=1e-5)


def test_each_player_of_the_game_moves_its_own_network_and_both_read_the_grey_picture():
    game = seeded(lambda: stirred(ColourGame(hidden=8)))
    for player, loss in (("discriminator", game.discriminator_loss), ("generator", game.generator_loss)):
        game.zero_grad()
        loss(X).backward()
        assert all(p.grad is not None for p in getattr(game, player).parameters())
        if player == "discriminator":
            assert all(p.grad is None for p in game.generator.parameters())
    assert {p.name: p.nets for p in game.players()}["generator"] == (game.generator,)
    other = 1 - luma(X)
    a, b = (game.sample(g, generator=torch.Generator().manual_seed(0)) for g in (luma(X), other))
    assert (a - b).abs().max() > 1e-4 and a.abs().max() <= 0.4
    history = fit(seeded(lambda: ColourGame(hidden=8)), X, valid=X, epochs=2, **QUIET)
    assert set(history.answers) == {"real", "fake"}


@pytest.mark.slow
def test_one_step_of_training_lowers_the_loss_of_both_stages():
    model = seeded(lambda: Colouriser(16, hidden=8, blocks=1, reading=1))
    before = model.nats(X).mean(), (model.through(X) - X).square().mean()
    fit(model, X, valid=X, epochs=60, lr=0.01, **QUIET)
    after = model.nats(X).mean(), (model.through(X) - X).square().mean()
    assert after[0] < 0.8 * before[0] and after[1] < 0.5 * before[1]


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: Colouriser(16, hidden=8, reading=1), Pixelwise, ColourGame])
def test_no_training_step_mixes_devices_copies_or_waits(make):
    model = make()
    verbs = ("discriminator_loss", "generator_loss") if isinstance(model, ColourGame) else ("loss",)
    assert slow_downs(model, verbs, (3, 3, 16, 16)) == {}
    with torch.no_grad(), watched() as watch:
        moved(model, CUDA).eval()
        assert model.sample(torch.empty(3, 1, 16, 16, device=CUDA)).device == CUDA
    assert not watch.copies


def test_bad_input_gets_one_clear_error():
    for bad in (dict(side=18), dict(side=0), dict(given="colour"), dict(levels=1), dict(hidden=1)):
        with pytest.raises(ValueError, match="expected"):
            Colouriser(**bad)
    for bad in (dict(l1=-1), dict(latent=0), dict(hidden=0), dict(penalty=-0.1)):
        with pytest.raises(ValueError, match="^ColourGame: .*expected"):
            ColourGame(**bad)
    model, net, game = Colouriser(16, hidden=8), Pixelwise(hidden=8), ColourGame(hidden=8)
    grey = luma(X)
    for system in (model, net, game):
        system.eval()
    for call, x in (
        (model.sample, X), (model.loss, grey), (model.loss, X[..., :8]), (model.sample, grey.double()),
        (model.through, X + 1), (net.loss, grey), (net.mean, X), (net.mean, grey[..., :6]), (net.sample, 3),
        (game.sample, X), (game.generator_loss, grey), (game.sample, grey - 1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            call(x)
    assert rgb(grey, 0 * chroma(X)).shape == X.shape
