"""Super-resolution: what a restorer keeps, what a game moves, what is measured, what a sample costs."""

from math import log, log10

import numpy as np
import pytest
import torch
from fake_cuda import slow_downs
from skimage.metrics import peak_signal_noise_ratio
from torch.nn.functional import softplus
from training_games import moved_by

from course_utils.applications.super_resolution import (
    PENALTY,
    SRGAN,
    SRResNet,
    bicubic,
    misses,
    pixelated,
    scores,
    smaller,
    spectrum,
    turned,
)
from course_utils.datasets import digits
from course_utils.datasets.photographs import luma, patches
from course_utils.models.gan import penalty_at_data
from course_utils.pretrained import restoration
from course_utils.training import fit

SMALL = {"channels": 6, "blocks": 1, "top": 5}
QUIET = dict(progress=False, device="cpu")


def seeded(system, **arguments):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return system(**SMALL, **arguments)


def awake(system, **arguments):
    """One whose last layer is not 0 any more, in float64."""
    model = seeded(system, **arguments).double()
    with torch.no_grad():
        model.generator.last.weight.copy_(torch.linspace(-1, 1, 5 * 9).view(1, 5, 3, 3))
    return model


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("channels", [1, 3])
def test_smaller_keeps_what_is_flat_and_pixelated_keeps_means(channels):
    flat = torch.full((2, channels, 8, 20), 0.37)
    torch.testing.assert_close(smaller(flat), torch.full((2, channels, 2, 5), 0.37))
    torch.testing.assert_close(bicubic(smaller(flat)), flat)
    x = pictures(2, channels, 8, 12)
    small = pixelated(x, 4)
    torch.testing.assert_close(pixelated(small, 4), small)
    torch.testing.assert_close(small.mean((2, 3)), x.mean((2, 3)))
    torch.testing.assert_close(small[:, :, 4:, :4].amax((2, 3)), x[:, :, 4:, :4].mean((2, 3)))


def test_what_is_left_is_a_picture_though_cubics_overshoot():
    x = (pictures(1, 1, 64, 64) > 0.5).double()
    x[..., :32] = 0
    assert 0 <= smaller(x).min() and smaller(x).max() <= 1


@pytest.mark.parametrize("system", [SRResNet, SRGAN])
def test_before_training_it_interpolates_and_then_adds_the_same_detail_to_all_colours(system):
    given = pictures(2, 3, 5, 6)
    torch.testing.assert_close(seeded(system).double()(given), bicubic(given))
    model = awake(system)
    detail = model(given) - bicubic(given)
    assert detail.shape == (2, 3, 20, 24) and detail.abs().mean() > 1e-3
    torch.testing.assert_close(detail[:, :1].expand(-1, 3, -1, -1), detail)
    torch.testing.assert_close(luma(model(given)), model(luma(given)))  # so what differs from luma is kept
    assert 0 <= model.restore(given).min() and not model.restore(given).requires_grad


def test_all_places_are_treated_alike():
    """A picture moved by one small pixel is restored as the restored one, moved by four, but for edges."""
    given, model = pictures(1, 1, 20, 20), awake(SRResNet)
    made, later = model(given), model(given.roll((1, 1), (2, 3)))
    torch.testing.assert_close(later[..., 40:60, 40:60], made.roll((4, 4), (2, 3))[..., 40:60, 40:60])


def test_half_the_squared_error_counts_in_units_of_a_tenth():
    x = pictures(2, 1, 8, 8)
    torch.testing.assert_close(misses(x + 0.1, x), torch.tensor(0.5).double())
    model = seeded(SRResNet).double()
    torch.testing.assert_close(model.loss(x), 50 * (bicubic(smaller(x)) - x).square().mean())


def test_a_discriminator_that_cannot_decide_pays_2_log_2_and_no_penalty():
    model = seeded(SRGAN).double()
    for parameter in model.discriminator.last.parameters():
        torch.nn.init.zeros_(parameter)
    x = pictures(3, 1, 16, 24)
    assert model.discriminator_loss(x).item() == pytest.approx(2 * log(2))
    seen = model.observe(x)
    assert seen["real"].item() == seen["fake"].item() == pytest.approx(0.5)
    assert model.discriminator(x, smaller(x)).shape == (3, 4 * 6)  # a logit for every 4×4 pixels


def test_the_discriminator_pays_for_the_slope_of_its_mean_answer():
    """From one pass over real pictures, and without gradients too: what two passes give."""
    model, x = awake(SRGAN), pictures(2, 1, 16, 24)
    given, D = smaller(x), model.discriminator
    made = model(given).detach()
    answers = softplus(-D(x, given)).mean() + softplus(D(made, given)).mean()
    expected = answers + PENALTY * penalty_at_data(lambda x: D(x, given).mean(1), x, made)
    assert expected > answers + 1e-9
    gradients = []
    for loss in (expected, model.discriminator_loss(x)):
        torch.testing.assert_close(loss, expected)
        gradients.append(torch.autograd.grad(loss, list(D.parameters())))
    torch.testing.assert_close(*gradients)
    with torch.no_grad():
        torch.testing.assert_close(model.discriminator_loss(x), expected)


def test_the_loss_of_the_generator_is_error_plus_both_terms():
    x = pictures(2, 1, 16, 16)
    weights = ((0, 0), (0, 3), (2, 0), (2, 3))
    parts = {(a, b): awake(SRGAN, adversarial=a, features=b).generator_loss(x).item() for a, b in weights}
    plain = awake(SRGAN)
    assert parts[0, 0] == pytest.approx(plain.loss(x).item())
    assert parts[2, 3] == pytest.approx(parts[2, 0] + parts[0, 3] - parts[0, 0])
    given, D = smaller(x), plain.discriminator
    fooled = torch.nn.functional.softplus(-D(plain(given), given)).mean().item()
    assert parts[2, 0] - parts[0, 0] == pytest.approx(2 * fooled)
    assert parts[0, 3] > parts[0, 0]
    flat = torch.full((2, 1, 16, 16), 0.5).double()  # interpolation restores it: nothing misses
    assert seeded(SRGAN, adversarial=0, features=3).double().generator_loss(flat).item() < 1e-12


def test_each_player_moves_its_own_network_only():
    for name in ("discriminator", "generator"):
        assert moved_by(awake(SRGAN).float(), name, patches(24, 16)) == {name}


def test_the_game_starts_from_the_regression():
    first, second = awake(SRResNet), seeded(SRGAN).double()
    left = second.load_state_dict(first.state_dict(), strict=False)
    assert not left.unexpected_keys and {key.split(".")[0] for key in left.missing_keys} == {"discriminator"}
    given = pictures(1, 1, 4, 4)
    torch.testing.assert_close(first(given), second(given))


@pytest.mark.slow
def test_regression_learns_and_a_seed_says_everything():
    x, losses = patches(80, 24), []
    for _ in range(2):
        model = seeded(SRResNet)
        before = model.loss(x).item()
        fit(model, x, valid=x, epochs=6, lr=1e-2, **QUIET)
        losses.append(model.loss(x).item())
    assert losses[0] < 0.95 * before and losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_picture_is_turned_in_all_eight_ways():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    torch.manual_seed(0)
    seen = {(tuple(y.shape), tuple(y.flatten().tolist())) for y in (turned(x) for _ in range(200))}
    assert len(seen) == 8 and all(sorted(values) == list(range(6)) for _, values in seen)


def test_a_spectrum_finds_waves_in_every_direction_and_counts_decibels():
    phase = torch.arange(128) * torch.pi / 4  # a period of 8 pixels: entry 64 / 8
    wave = (0.5 + 0.25 * torch.cos(phase)).expand(1, 1, 128, 128)
    for one in (wave, wave.mT):
        assert spectrum(one).argmax() == 8
        assert (spectrum(one) - spectrum(0.25 + one / 2))[8].item() == pytest.approx(20 * log10(2), abs=1e-3)
    diagonal = (phase[:, None] + phase)[None, None] / 2  # 1/8 · √½ a pixel
    assert spectrum(0.5 + 0.25 * torch.cos(diagonal)).argmax() in (5, 6)
    noise = spectrum(pictures(1, 1, 256, 256).float())
    assert noise[4:].std() < 1 and abs(noise[4:16].mean() - noise[20:].mean()) < 1


def test_scores_agree_with_others_and_sharpness_needs_no_pixel_in_its_place():
    x, other = patches(1, 96, seed=3), pictures(1, 1, 96, 96).float()
    made = (0.8 * x + 0.2 * other).clamp(0, 1)
    psnr = peak_signal_noise_ratio(x.numpy(), made.numpy(), data_range=1)
    assert scores(made, x)["PSNR, dB"] == pytest.approx(psnr, abs=1e-3)
    same = scores(x, x.clone() * (1 - 1e-4))
    assert same["SSIM"] > 0.999 and same["spectrum, dB"] < 0.1
    over, soft = scores(x.flip(2), x), scores(bicubic(smaller(x)).clamp(0, 1), x)
    assert over["PSNR, dB"] < soft["PSNR, dB"] and over["spectrum, dB"] < 0.2 < soft["spectrum, dB"]
    colour = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert scores(colour, luma(colour))["SSIM"] == pytest.approx(1)


class OtherDigits:
    """Answers with any digits, whatever is given: the truth, where nothing is known."""

    def __init__(self, x: torch.Tensor, spread: float = 1.0) -> None:
        self.x, self.spread = x, spread

    def sample(self, n, given):
        other = self.x[torch.randint(len(self.x), (n,))]
        return self.spread * other + (1 - self.spread) * self.x.mean(0)

    def log_prob(self, x, given):
        return -torch.arange(len(x)).double()


@pytest.mark.parametrize("spread", [1.0, 0.5])
def test_a_sample_of_the_truth_costs_3_dB_and_one_with_half_the_spread_less(spread):
    torch.manual_seed(0)
    x = digits("levels").test.x
    found = restoration.filled_in(OtherDigits(x, spread))
    assert abs(found["gap, dB"].value - 10 * log10(1 + spread**2)) < 0.1
    gap = found["PSNR of the mean, dB"].value - found["PSNR of a sample, dB"].value
    assert gap == pytest.approx(found["gap, dB"].value, abs=1e-3)
    assert 0 < found["gap, dB"].standard_error < 0.2
    assert found["nats, exact"].value == pytest.approx((len(x) - 1) / 2)


def test_pairs_of_digits_belong_together():
    for x, given in restoration.digit_pairs():
        torch.testing.assert_close(pixelated(x), given)


def test_no_training_step_mixes_devices_copies_or_waits():
    for system, losses in ((SRResNet, ("loss",)), (SRGAN, ("discriminator_loss", "generator_loss"))):
        assert slow_downs(seeded(system), losses, (3, 1, 16, 24)) == {}


X = torch.rand(2, 1, 8, 8)
BAD = (None, X.numpy(), X.long(), X[0], X.expand(-1, 2, -1, -1), X + 1, X * np.nan, X[:0])


@pytest.mark.parametrize("who", ["smaller", "pixelated", "spectrum", "scores", "SRResNet", "SRGAN.restore"])
def test_what_is_no_picture_is_refused_at_the_door(who):
    doors = {"smaller": smaller, "pixelated": pixelated, "spectrum": spectrum}
    doors |= {"scores": lambda x: scores(x, x), "SRResNet": seeded(SRResNet).check}
    doors |= {"SRGAN.restore": seeded(SRGAN).restore}
    for x in BAD:
        with pytest.raises(ValueError, match=rf"^{who}: expected .*got"):
            doors[who](x)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: smaller(torch.rand(1, 1, 8, 10)), "smaller: expected .* multiples of 4, got torch.float32"),
        (lambda: fit(seeded(SRGAN), torch.rand(20, 1, 10, 8), **QUIET), "SRGAN: expected .* multiples of 4"),
        (lambda: scores(X, X), "scores: expected two pictures of one size"),
        (lambda: scores(X[:1], X[:1, :, 4:]), "scores: expected two pictures of one size"),
        (lambda: SRResNet(channels=0), "SRResNet: channels: expected a positive integer"),
        (lambda: SRGAN(blocks=1.5), "SRGAN: blocks: expected a positive integer"),
        (lambda: SRGAN(critic=0), "SRGAN: critic: expected a positive integer"),
        (lambda: SRGAN(adversarial=-1), "SRGAN: adversarial: expected a number"),
        (lambda: SRGAN(features="much"), "SRGAN: features: expected a number"),
    ],
)
def test_what_does_not_fit_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
