"""CycleGAN: its losses are the paper's, and each player moves its own nets; the measures measure."""

import pytest
import torch
from fake_cuda import CUDA, moved, slow_downs, watched
from training_games import moved_by

from course_utils.applications.translation import CycleGAN, contrast, difference
from course_utils.training import fit

SHAPE = (2, 8, 12)
SMALL = {"hidden": 4, "deep": 6, "blocks": 1}


def seeded(**more: object) -> CycleGAN:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CycleGAN(SHAPE, **SMALL | more)


def pictures(n: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def shifted(net: torch.nn.Module, by: float) -> None:
    """Make a translator add a constant."""
    torch.nn.init.constant_(net.paint[-1].bias, by)


def test_before_training_nothing_changes():
    model, x = seeded(), pictures(3)
    assert torch.equal(model.translate(x), x) and torch.equal(model.translate(x, to="x"), x)
    assert all(value == 0 for value in model.observe(x, pictures(2, 1)).values())


def test_the_losses_are_the_papers():
    model, x, y = seeded(cycle=3.0), pictures(3), pictures(2, 1)
    shifted(model.to_y, 0.25)
    shifted(model.to_x, -0.125)
    as_y, as_x = x + 0.25, y - 0.125
    cycle = 0.125 + 0.125  # |x + ¼ − ⅛ − x| and |y − ⅛ + ¼ − y|
    fooled = (model.of_y(as_y) - 1).square().mean() + (model.of_x(as_x) - 1).square().mean()
    torch.testing.assert_close(model.translators_loss(x, y), fooled + 3 * cycle)
    apart = sum(
        (of(real) - 1).square().mean() + of(made).square().mean()
        for of, real, made in ((model.of_x, x, as_x), (model.of_y, y, as_y))
    )
    torch.testing.assert_close(model.judges_loss(x, y), apart)
    torch.testing.assert_close(seeded(cycle=0.0).translators_loss(x, y), seeded().translators_loss(x, y))


def test_without_a_cycle_only_the_judges_count():
    model, x, y = seeded(cycle=0.0), pictures(3), pictures(2, 1)
    shifted(model.to_y, 0.25)
    fooled = (model.of_y(x + 0.25) - 1).square().mean() + (model.of_x(y) - 1).square().mean()
    torch.testing.assert_close(model.translators_loss(x, y), fooled)


def test_what_is_shown_stays_within_black_and_white_and_slopes_do_not():
    model, x = seeded(), pictures(3)
    shifted(model.to_y, 0.9)
    assert model.to_y(x).max() > 1 >= model.translate(x).max()
    model.to_y(x).sum().backward()
    assert model.to_y.paint[-1].bias.grad.eq(3 * 8 * 12).all()


def test_the_cycle_that_is_observed():
    model, x, y = seeded(), 0.25 + 0.25 * pictures(3), 0.5 + 0.25 * pictures(2, 1)
    shifted(model.to_y, 0.125)
    shifted(model.to_x, 0.0625)
    for value in model.observe(x, y).values():
        torch.testing.assert_close(value, torch.tensor(0.1875))


def test_each_player_moves_its_own_nets_only():
    owners = {"translators": {"to_y", "to_x"}, "judges": {"of_x", "of_y"}}
    for alone, nets in owners.items():
        assert moved_by(seeded(), alone, (pictures(8), pictures(6, 1)), average=0.5) == nets
    assert not CycleGAN.paired


@pytest.mark.slow
def test_a_game_of_two_colours_is_won():
    """Grey pictures of two brightnesses: each translator learns the way to the other, and back."""
    dim, bright = 0.2 + 0.2 * pictures(64), 0.6 + 0.2 * pictures(64, 1)
    model = seeded(cycle=2.0)
    fit(model, (dim, bright), epochs=25, lr=1e-2, batch_size=8, average=0.9, progress=False, device="cpu")
    for made, due in ((model.translate(dim), 0.7), (model.translate(bright, "x"), 0.3)):
        assert abs(made.mean() - due) < 0.1
    assert max(model.observe(dim, bright).values()) < 0.05


def test_sight_and_depth():
    for sight in (1, 3):
        assert seeded(sight=sight).of_x(pictures(1)).shape == (1, 1, 2, 3)
    near, far = seeded(sight=1).of_x, seeded(sight=2).of_x
    assert len(far) == len(near) + 2


def test_a_judge_sees_black_as_minus_one_and_white_as_one():
    judge, black = seeded().of_x, torch.zeros(1, *SHAPE)
    layers = torch.nn.Sequential(*judge)
    torch.testing.assert_close(judge(black), layers(black - 1))
    torch.testing.assert_close(judge(black + 1), layers(black + 1))


@torch.no_grad()
def test_own_pixels_are_seen_once_more():
    """Two pictures of which half-size layers see the same are told apart by own pixels, and only by them."""
    x, other = torch.zeros(2, 1, *SHAPE)
    other[:, 0, 4, 6] = 1
    for own in (True, False):
        net = seeded(own=own).to_y
        torch.nn.init.normal_(net.paint[-1].weight)
        torch.nn.init.zeros_(net.fine.weight)  # what is seen at half the size says nothing now
        change, without = net(other) - other, net(x) - x
        near = torch.zeros_like(change, dtype=torch.bool)
        near[..., 2:7, 4:9] = True  # two convolutions of 3×3
        assert own == bool((change - without)[near].abs().max() > 1e-3)
        assert (change - without)[~near].abs().max() < 1e-6


def test_measures():
    black, white = torch.zeros(2, 3, 4, 6), torch.ones(2, 3, 4, 6)
    half = torch.zeros(2, 1, 4, 6)
    half[..., :3] = 1
    made = black.clone()
    made[..., :3] = 0.5
    assert difference(black, made, half).tolist() == [0.5, 0.5]
    assert difference(black, made, 1 - half).sum() == 0
    assert difference(black, white, torch.ones_like(half)).tolist() == [1, 1]
    assert contrast(made, half).abs().max() < 1e-6, "plain where it is looked at"
    stripes = white.clone()
    stripes[:, :, ::2] = 0
    torch.testing.assert_close(contrast(stripes, half), torch.full((2,), 0.5))
    torch.testing.assert_close(contrast(0.5 * stripes, half), torch.full((2,), 0.25))


def test_a_gpu_is_asked_to_wait_at_the_door_alone():
    model, other = CycleGAN(SHAPE, **SMALL), CycleGAN(SHAPE, **SMALL)
    assert slow_downs(model, ("translators_loss", "judges_loss"), (3, *SHAPE), (2, *SHAPE)) == {}
    with torch.no_grad(), watched() as watch:
        moved(other, CUDA).translate(torch.empty(3, *SHAPE, device=CUDA))
    assert set(watch.waits) <= {"checks:check_events"} and not watch.copies


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event_shape": (3, 30, 32)}, r"multiples of 4, got \(3, 30, 32\)"),
        ({"event_shape": (0, 32, 32)}, "positive integer, got 0"),
        ({"hidden": 0}, "hidden"),
        ({"deep": -1}, "deep"),
        ({"blocks": 0}, "blocks"),
        ({"sight": 0}, "sight"),
        ({"cycle": -1.0}, "cycle"),
        ({"own": "yes"}, "own as True or False, got 'yes'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=f"CycleGAN: .*{message}|CycleGAN.*{message}"):
        CycleGAN(**{"event_shape": SHAPE} | arguments)


def test_bad_pictures():
    model = seeded()
    with pytest.raises(ValueError, match=r"CycleGAN: expected .*\(B, 2, 8, 12\)"):
        model.translate(torch.rand(2, 3, 8, 12))
    with pytest.raises(ValueError, match="CycleGAN: to: expected one of x, y, got 'z'"):
        model.translate(pictures(1), to="z")
