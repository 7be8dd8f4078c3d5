"""What else turns grey into coarse colours: regression, classification, and a game, with L1 or without."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_utils.applications.colourisation import PATCH, blocks, coarse, from_unit, to_unit
from course_utils.applications.luma_chroma import chroma, luma
from course_utils.checks import check_count, check_number, check_pictures
from course_utils.models.gan import PAYOFFS, with_slope
from course_utils.nets import residual_net
from course_utils.nets.coders import ResidualBlock
from course_utils.taxonomy import Duel

BINS, PAY = 10, PAYOFFS["non-saturating"]


class Pixelwise(nn.Module):
    r"""Every coarse colour by itself: its mean by regression, its distribution by classification.

        mean: min E‖x̃ − f(grey)‖²,  so f(grey) = E[x̃ | grey];   bins: Π_i p(x̃_i | grey), each over 10×10 bins.

    Neither is a model of the picture: pixels know nothing of each other. R. Zhang, P. Isola and A. Efros,
    *Colorful Image Colorization*, ECCV 2016, with 313 bins. Departures: one small network with two heads, no
    rebalancing of rare colours, and no annealed mean but the mode and samples.

    Shapes: colour pictures ``(B, 3, S, S)`` and grey ones ``(B, 1, S, S)``, S a multiple of 4; what comes out
        is coarse chroma, ``(B, 2, S/4, S/4)``.

    >>> net, grey = Pixelwise(hidden=8), torch.rand(2, 1, 16, 16)
    >>> net.mean(grey).shape, net.mode(grey).shape, net.sample(grey).shape
    (torch.Size([2, 2, 4, 4]), torch.Size([2, 2, 4, 4]), torch.Size([2, 2, 4, 4]))
    """

    fit_defaults = {"lr": 2e-2, "epochs": 3, "batch_size": 32, "average": 0.97, "schedule": "cosine"}

    def __init__(self, *, hidden: int = 32, blocks: int = 1) -> None:
        super().__init__()
        check_count(hidden, "Pixelwise: hidden")
        body = residual_net(PATCH**2, hidden, hidden=hidden, blocks=blocks)
        self.net = nn.Sequential(body, nn.SiLU(), nn.Conv2d(hidden, 2 + BINS**2, 1))

    def loss(self, x: Tensor) -> Tensor:
        """The squared error of the mean, in units of a bin, and −log p of the true bins: a scalar."""
        _check(x, 3, self, "Pixelwise.loss")
        colours = to_unit(coarse(chroma(x))) * (BINS - 1)
        means, logits = self._heads(luma(x))
        blue, red = colours.round().long().unbind(1)
        return (means - colours).square().sum(1).mean() + cross_entropy(logits, blue * BINS + red)

    def _heads(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(blocks(grey)).split([2, BINS**2], 1)

    @torch.no_grad()
    def mean(self, grey: Tensor) -> Tensor:
        """The regression's answer."""
        return from_unit(self._heads(_check(grey, 1, self, "Pixelwise.mean"))[0] / (BINS - 1))

    @torch.no_grad()
    def mode(self, grey: Tensor) -> Tensor:
        """The likeliest bin of each pixel."""
        return self._colours(self._heads(_check(grey, 1, self, "Pixelwise.mode"))[1].argmax(1))

    @torch.no_grad()
    def sample(self, grey: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """A bin for each pixel, drawn without regard to the others."""
        p = self._heads(_check(grey, 1, self, "Pixelwise.sample"))[1].softmax(1)
        below = p.cumsum(1) <= torch.rand(p[:, :1].shape, generator=generator, device=p.device)
        return self._colours(below.sum(1).clamp(max=BINS**2 - 1))

    def _colours(self, bins: Tensor) -> Tensor:
        return from_unit(torch.stack([bins // BINS, bins % BINS], 1) / (BINS - 1))


class ColourGame(nn.Module, Duel):
    r"""A conditional GAN of coarse colours, x̃ = G(grey, z) against D(grey, x̃); with L1 it is pix2pix.

        G minimises −E[log D(grey, G(grey, z))] + λ E|x̃ − G(grey, z)|,

    where λ is ``l1``. P. Isola et al., *Image-to-Image Translation with Conditional Adversarial Networks*,
    CVPR 2017, with λ = 100 for values in [−1, 1]. Departures: z is given, one for the whole picture, where
    the paper has only dropout; small residual networks in place of a U-Net; D pays for its slope (R₁).

    Args:
        l1: λ. latent: dimensions of z. hidden: channels of both networks. penalty: the weight of R₁.

    Shapes: as of ``Pixelwise``.

    >>> game = ColourGame(hidden=8)
    >>> game.sample(torch.rand(2, 1, 16, 16)).shape
    torch.Size([2, 2, 4, 4])
    """

    fit_defaults = {"lr": 2e-3, "epochs": 5, "batch_size": 16, "average": 0.99, "schedule": "cosine"}
    discriminator_steps = 2

    def __init__(self, *, l1: float = 0.0, latent: int = 8, hidden: int = 32, penalty: float = 0.01) -> None:
        super().__init__()
        self.l1 = check_number(l1, "ColourGame: l1", low=0)
        self.latent = check_count(latent, "ColourGame: latent")
        self.penalty = check_number(penalty, "ColourGame: penalty", low=0)
        channels = check_count(hidden, "ColourGame: hidden")
        body = residual_net(PATCH**2 + latent, channels, hidden=channels, blocks=2)
        self.generator = nn.Sequential(body, nn.SiLU(), nn.Conv2d(channels, 2, 1), nn.Tanh())
        self.discriminator = nn.Sequential(
            nn.Conv2d(PATCH**2 + 2, channels, 3, stride=2, padding=1),
            ResidualBlock(channels),
            ResidualBlock(channels),
            nn.SiLU(),
            nn.Conv2d(channels, 1, 1),
            nn.Flatten(),
        )

    def discriminator_loss(self, x: Tensor) -> Tensor:
        """What D minimises: it is to tell true colours from made ones, for the same grey picture."""
        given, real = self._pair(x)
        made = self._made(given).detach()
        t_real, slope = with_slope(partial(self.log_odds, given), real)
        t_made = self.log_odds(given, made)
        return PAY.of_discriminator(t_real, t_made) + self.penalty * slope.square().mean()

    def generator_loss(self, x: Tensor) -> Tensor:
        """What G minimises: to be taken for true and, times λ, to be near the one true answer."""
        given, real = self._pair(x)
        made = self._made(given)
        fooled = PAY.of_generator(self.log_odds(given, made))
        return fooled + self.l1 * (made - real).abs().mean()

    def observe(self, x: Tensor) -> dict[str, Tensor]:
        """D's mean answers to true colours and to made ones."""
        given, real = self._pair(x)
        pairs = {"real": real, "fake": self._made(given)}
        return {name: self.log_odds(given, c).sigmoid().mean() for name, c in pairs.items()}

    def log_odds(self, given: Tensor, colours: Tensor) -> Tensor:
        """D's log-odds that the colours of a grey picture are true, the mean over its patches, ``(B,)``."""
        return self.discriminator(torch.cat([given, colours], 1)).mean(1)

    def _pair(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Blocks of the grey picture, and the coarse colours in [−1, 1]."""
        _check(x, 3, self, "ColourGame")
        return blocks(luma(x)), 2 * to_unit(coarse(chroma(x))) - 1

    def _made(self, given: Tensor, generator: torch.Generator | None = None) -> Tensor:
        how = {"generator": generator, "dtype": given.dtype, "device": given.device}
        z = torch.randn(len(given), self.latent, 1, 1, **how).expand(-1, -1, *given.shape[2:])
        return self.generator(torch.cat([given, z], 1))

    @torch.no_grad()
    def sample(self, grey: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Coarse chroma for each grey picture."""
        made = self._made(blocks(_check(grey, 1, self, "ColourGame.sample")), generator)
        return from_unit((made + 1) / 2)


def _check(x: Tensor, channels: int, model: nn.Module, who: str) -> Tensor:
    like = next(model.parameters())  # no training step waits for a GPU to look at values
    return check_pictures(x, who, channels=(channels,), multiple=PATCH, like=like, values=not model.training)
