"""Super-resolution: a photograph out of a sixteenth of its pixels, by regression and by a game."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks import check_count, check_number, check_pictures
from course_utils.datasets.photographs import luma
from course_utils.models.gan import PAYOFFS, with_slope
from course_utils.nets.coders import ResidualBlock, zero
from course_utils.taxonomy import Duel

FACTOR = 4
SCALE = 0.1  # about what bicubic interpolation misses at an edge
PENALTY, PAY = 0.05, PAYOFFS["non-saturating"]
BINS, FIRST = 32, 8  # rings of frequency up to 1/2 a pixel; the small picture holds those below 1/8


def smaller(x: Tensor) -> Tensor:
    """A quarter of each side is left of pictures ``(B, C, H, W)``: bicubic interpolation behind a filter.

    Raises:
        ValueError: no pictures with values in [0, 1], or their sides are no multiples of 4.

    >>> smaller(torch.ones(1, 3, 8, 16)).shape
    torch.Size([1, 3, 2, 4])
    """
    check_pictures(x, "smaller", multiple=FACTOR)
    return reduce(x)


def reduce(x: Tensor) -> Tensor:
    """The same without a look at the values."""
    size = (x.shape[2] // FACTOR, x.shape[3] // FACTOR)
    return F.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1)


def bicubic(given: Tensor) -> Tensor:
    """A polynomial through the neighbours of every pixel: the baseline, which has learned nothing.

    >>> bicubic(torch.ones(1, 1, 2, 4)).shape
    torch.Size([1, 1, 8, 16])
    """
    return F.interpolate(given, scale_factor=FACTOR, mode="bicubic")


def pixelated(x: Tensor, factor: int = FACTOR) -> Tensor:
    """Every block of factor × factor pixels by its mean: what a small image tells, at the size of x.

    >>> pixelated(torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]]), 2).flatten().tolist()
    [0.75, 0.75, 0.75, 0.75]
    """
    check_pictures(x, "pixelated", multiple=check_count(factor, "pixelated: factor"))
    return F.interpolate(F.avg_pool2d(x, factor), scale_factor=float(factor))


class Enlarger(nn.Module):
    """x̂ = bicubic(given) + detail(luma(given)): a network adds what interpolation misses, to all colours.

    Residual blocks work at the size of ``given``. Above them every pixel is doubled twice, with a
    convolution after each: so no pixel of a 4×4 block is treated unlike its neighbours from the start, as
    they are by a ``PixelShuffle``, which draws a fine grid over the picture (Odena et al. 2016).

    Args:
        channels, blocks: of the residual blocks (16 of 64 channels in the paper).
        top: the number of channels above them.

    Shapes: ``(B, 1 or 3, H, W)`` to ``(B, 1 or 3, 4H, 4W)``, not clipped to [0, 1].
    """

    def __init__(self, *, channels: int, blocks: int, top: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.middle = nn.Conv2d(channels, top, 3, padding=1)
        self.above = nn.Conv2d(top, top, 3, padding=1)
        self.last = nn.Conv2d(top, 1, 3, padding=1)
        zero(self.last)

    def forward(self, given: Tensor) -> Tensor:
        """The large pictures, x̂."""
        h = self.first(luma(given) - 0.5)
        h = F.relu(h + self.blocks(h))
        h = F.relu(self.middle(F.interpolate(h, scale_factor=2.0)))
        h = F.relu(self.above(F.interpolate(h, scale_factor=2.0)))
        return bicubic(given) + SCALE * self.last(h)


class SRResNet(nn.Module):
    r"""Regression: the x̂ with the least squared error, E[x | given], by a residual network.

        loss = E‖x − x̂(given)‖² / (2·0.1²) a pixel,   given = smaller(x)

    No model of the tree: p(x | given) = N(x̂, 0.1²) would have this loss, but nobody wants its samples. It
    is the baseline, and where ``SRGAN`` starts. C. Ledig et al., *Photo-Realistic Single Image
    Super-Resolution Using a Generative Adversarial Network*, CVPR 2017.

    Departures: fewer and smaller layers, no batch normalisation (Lim et al. 2017), bicubic interpolation
    plus detail, doubled pixels in place of ``PixelShuffle``; only how light a pixel is gets detail.

    Args:
        channels, blocks, top: see ``Enlarger``.

    Shapes: x ``(B, 1 or 3, H, W)`` in [0, 1], sides multiples of 4; given has a quarter of both.

    Raises:
        ValueError: a number is not positive.

    >>> model = SRResNet(channels=4, blocks=1, top=4)
    >>> model.restore(torch.rand(2, 3, 8, 12)).shape
    torch.Size([2, 3, 32, 48])
    """

    fit_defaults = {"lr": 4e-3, "epochs": 1, "batch_size": 4, "schedule": "cosine", "average": 0.99}

    def __init__(self, *, channels: int = 32, blocks: int = 3, top: int = 16) -> None:
        super().__init__()
        who, sizes = type(self).__name__, {"channels": channels, "blocks": blocks, "top": top}
        self.generator = Enlarger(**{k: check_count(n, f"{who}: {k}") for k, n in sizes.items()})
        self.to(memory_format=torch.channels_last)  # small convolutions on a CPU: two thirds of the time

    def check(self, x: object) -> Tensor:
        """Pictures to learn from; a ValueError where they are none."""
        return check_pictures(x, type(self).__name__, multiple=FACTOR)

    def forward(self, given: Tensor) -> Tensor:
        """x̂, with a gradient and not clipped."""
        return self.generator(given)

    def loss(self, x: Tensor) -> Tensor:
        """Half the squared error in units of 0.1, a mean over pixels: a scalar."""
        return misses(self(reduce(x)), x)

    @torch.no_grad()
    def restore(self, given: Tensor) -> Tensor:
        """A picture four times as high and wide, with values in [0, 1], without a gradient."""
        return self(check_pictures(given, f"{type(self).__name__}.restore")).clamp(0, 1)


def misses(made: Tensor, x: Tensor) -> Tensor:
    """E‖x − x̂‖² / (2·0.1²), a mean over pixels: a scalar."""
    return (made - x).square().mean() / (2 * SCALE**2)


class Critic(nn.Module):
    """D: how probable it is that x is a photograph that was made smaller to ``given``, patch by patch.

    It sees what x adds to interpolation, and the interpolation; 2×2 pixels are one place (Isola et al. 2017
    call such a D a PatchGAN).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(8, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1)
        self.third = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.last = nn.Conv2d(2 * channels, 1, 1)

    def features(self, x: Tensor, given: Tensor) -> list[Tensor]:
        """What each of its three layers sees: half, a quarter and a quarter of the height and width."""
        smooth = bicubic(given)
        seen = F.pixel_unshuffle(torch.cat([(x - smooth) / SCALE, smooth - 0.5], 1), 2)
        first = F.leaky_relu(self.first(seen), 0.2)
        second = F.leaky_relu(self.second(first), 0.2)
        return [first, second, F.leaky_relu(self.third(second), 0.2)]

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """The log-odds that x is real of every patch, ``(B, patches)``."""
        return self.last(self.features(x, given)[-1]).flatten(1)


class SRGAN(SRResNet, Duel):
    r"""The same network in a game: of all x that fit ``given`` it shows one that looks real.

    A conditional GAN without noise. D tells (x, given) from (x̂, given); G minimises

        ‖x − x̂‖² / (2·0.1²) + a·(−log D(x̂, given)) + b·‖φ(x, given) − φ(x̂, given)‖₁,

    where φ are the features of D's own layers (Larsen et al. 2016), learned from these photographs alone.
    The paper (see ``SRResNet``) takes VGG's, of a network that has seen a million others.

    Args:
        channels, blocks, top: see ``Enlarger``. critic: the channels of D's first layer.
        adversarial: a. features: b.

    Raises:
        ValueError: a number is not positive, or a or b is negative.
    """

    discriminator: Critic
    probability = True
    fit_defaults = {"lr": 2e-3, "epochs": 2, "batch_size": 4, "schedule": "cosine", "average": 0.99}

    def __init__(
        self,
        *,
        channels: int = 32,
        blocks: int = 3,
        top: int = 16,
        critic: int = 24,
        adversarial: float = 0.2,
        features: float = 0.2,
    ) -> None:
        super().__init__(channels=channels, blocks=blocks, top=top)
        self.discriminator = Critic(check_count(critic, "SRGAN: critic"))
        self.discriminator.to(memory_format=torch.channels_last)
        self.adversarial = check_number(adversarial, "SRGAN: adversarial", low=0)
        self.features = check_number(features, "SRGAN: features", low=0)

    def discriminator_loss(self, x: Tensor) -> Tensor:
        """What D minimises, a scalar; of many patches it is the mean answer whose slope is penalised."""
        given = reduce(x)
        with torch.no_grad():
            made = self(given)
        on_real, slope = with_slope(partial(self.discriminator, given=given), x)
        on_fake = self.discriminator(made, given)
        of_the_mean = slope / on_real.shape[1]
        return PAY.of_discriminator(on_real, on_fake) + PENALTY * of_the_mean.square().mean()

    def generator_loss(self, x: Tensor) -> Tensor:
        """What G minimises, a scalar."""
        given, D = reduce(x), self.discriminator
        made = self(given)
        pairs = list(zip(D.features(made, given), D.features(x, given), strict=True))
        far = torch.stack([(fake - real).abs().mean() for fake, real in pairs]).mean()
        fooled = PAY.of_generator(D.last(pairs[-1][0]))
        return misses(made, x) + self.adversarial * fooled + self.features * far

    def observe(self, x: Tensor) -> dict[str, Tensor]:
        """D's mean answers to held-out pictures, and to what G makes of them."""
        given = reduce(x)
        both = {"real": x, "fake": self(given)}
        return {name: self.discriminator(one, given).sigmoid().mean() for name, one in both.items()}


def turned(x: Tensor) -> Tensor:
    """Pictures turned by a random multiple of 90° and mirrored or not, all alike: eight sets out of one."""
    turns, mirrored = divmod(int(torch.randint(8, ())), 2)
    return torch.rot90(x.flip(3) if mirrored else x, turns, (2, 3))


def spectrum(x: Tensor) -> Tensor:
    """The power at each frequency, in dB, a mean over directions and pictures: ``(B, C, H, W)`` to ``(33,)``.

    Entry k is of a wave with k/64 periods a pixel, k = 0 … 32, of the luma under a Hann window.

    >>> wave = 0.5 + 0.5 * torch.cos(torch.arange(64) * torch.pi / 2).expand(1, 1, 64, 64)  # period 4
    >>> spectrum(wave).argmax().item()
    16
    """
    x = luma(check_pictures(x, "spectrum"))
    height, width = x.shape[2:]
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.fft2((x.cpu() - x.mean().cpu()) * window).abs().square().mean((0, 1))
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width))
    ring = (frequency * 2 * BINS).round().long().clamp_max(BINS + 1).flatten()  # corners in one of their own
    total = torch.zeros(BINS + 2).index_add(0, ring, power.flatten()) / ring.bincount(minlength=BINS + 2)
    return 10 * total[:-1].clamp_min(1e-12).log10()


def scores(made: Tensor, x: Tensor) -> dict[str, float]:
    """How far one restored picture is from the original, by three measures of their luma.

    "PSNR, dB" = 10·log₁₀(1/MSE); "SSIM" (Wang et al. 2004) compares means, contrasts and structures in
    windows, 1 is best; "spectrum, dB" is the mean difference of their spectra, in absolute value, at the
    frequencies that the small picture cannot hold, 0 is best: sharpness that needs no pixel in its place.

    Raises:
        ValueError: they are not two pictures ``(1, 1 or 3, H, W)`` of one size with values in [0, 1].
    """
    made, x = (luma(check_pictures(one, "scores")) for one in (made, x))
    if made.shape != x.shape or len(x) != 1:
        shapes = f"{tuple(made.shape)} and {tuple(x.shape)}"
        raise ValueError(f"scores: expected two pictures of one size, got shapes {shapes}")
    from skimage.metrics import structural_similarity  # costs a second: only who asks pays

    settings: Any = {"data_range": 1.0, "gaussian_weights": True, "use_sample_covariance": False}
    ssim: Any = structural_similarity(x[0, 0].numpy(), made[0, 0].numpy(), **settings)
    psnr = -10 * (made - x).double().square().mean().log10().item()
    far = (spectrum(made) - spectrum(x))[FIRST:].abs().mean().item()
    return {"PSNR, dB": psnr, "SSIM": float(ssim), "spectrum, dB": far}
