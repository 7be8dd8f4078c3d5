"""GAN: a network that makes events out of noise, against one that tells them from real ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from course_utils.checks import check_choice, check_count, check_number
from course_utils.nets.coders import Network, coders, one_hot_classes
from course_utils.taxonomy import Direct, Support

Loss = Literal["non-saturating", "saturating", "wasserstein"]
Term = Callable[[Tensor], Tensor]
Penalty = Callable[[Term, Tensor, Tensor, torch.Generator | None], Tensor]

SIZES, CONVOLUTIONAL_FROM = (128, 128), 28


def slope(critic: Term, x: Tensor) -> Tensor:
    """‖∇f(x)‖ of each example, ``(B,)``, from which gradients flow into the critic's weights."""
    return with_slope(critic, x)[1]


def with_slope(critic: Term, x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x), ``(B, …)``, and the slope ‖∇ Σf(x)‖ of each example, ``(B,)``, both from one pass."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        f = critic(x)
        (gradient,) = torch.autograd.grad(f.sum(), x, create_graph=True)
        return f, torch.linalg.vector_norm(gradient.flatten(1), dim=1)


def penalty_at_data(critic: Term, real: Tensor, fake: Tensor, _: torch.Generator | None = None) -> Tensor:
    """E‖∇t(x)‖² at real x: where p_g = p_D the best t is flat, and D may rest there. A scalar.

    L. Mescheder, A. Geiger and S. Nowozin, *Which Training Methods for GANs do actually Converge?*, ICML
    2018, where the weight is called γ/2 and the penalty R₁. Fakes and random numbers are not used.

    >>> penalty_at_data(lambda x: x @ torch.tensor([3.0, 4.0]), torch.zeros(6, 2), torch.ones(6, 2)).item()
    25.0
    """
    return slope(critic, real).square().mean()


def gradient_penalty(
    critic: Term, real: Tensor, fake: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """E[(‖∇f(x̂)‖ − 1)²], x̂ at a uniformly random place between a real example and a fake: a scalar.

    I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin and A. Courville, *Improved Training of Wasserstein
    GANs*, NeurIPS 2017. Each output of the critic is a function of its own example only.

    >>> f = lambda x: x @ torch.tensor([3.0, 4.0])
    >>> gradient_penalty(f, torch.zeros(6, 2), torch.ones(6, 2)).item()  # (5 − 1)²
    16.0
    """
    shape = (len(real), *[1] * (real.dim() - 1))
    u = torch.rand(shape, generator=generator, dtype=real.dtype, device=real.device)
    return (slope(critic, torch.lerp(real, fake, u)) - 1).square().mean()


@dataclass(frozen=True)
class Payoffs:
    """What each player pays for the discriminator's output t on one example, elementwise; and defaults."""

    real: Term  # what D pays for t on a real x
    fake: Term  # what D pays for t on x = G(z)
    generator: Term  # what G pays for t on x = G(z)
    answer: Term  # D's answer, from t
    penalty: Penalty  # what D pays for its slope, from D, real examples, fakes and random numbers: a scalar
    weight: float  # of the penalty
    discriminator_steps: int = 1  # how many steps D takes for each of G's

    def of_discriminator(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """What D pays for its outputs, without the penalty: a scalar."""
        return self.real(on_real).mean() + self.fake(on_fake).mean()

    def of_generator(self, on_fake: Tensor) -> Tensor:
        """What G pays for D's outputs on what it made: a scalar."""
        return self.generator(on_fake).mean()


def minus_log(t: Tensor) -> Tensor:
    """−log D for D = σ(t), exact where D is nearly 0 or 1; −log(1 − D) is softplus(t)."""
    return softplus(-t)


def log_rest(t: Tensor) -> Tensor:
    """log(1 − D) for D = σ(t): its slope is −D, nothing where D is sure that x is a fake."""
    return -softplus(t)


PAYOFFS: dict[str, Payoffs] = {
    "non-saturating": Payoffs(minus_log, softplus, minus_log, torch.sigmoid, penalty_at_data, 0.05),
    "saturating": Payoffs(minus_log, softplus, log_rest, torch.sigmoid, penalty_at_data, 0.05),
    "wasserstein": Payoffs(torch.neg, torch.positive, torch.neg, torch.positive, gradient_penalty, 1.0, 2),
}


class GAN(Direct):
    r"""Generative adversarial networks: x = G(z), z ∼ N(0, I), learned in a game against D.

    D says how probable it is that x is real; G makes x that D takes for real. They play for

        min_G max_D V(D, G),   V = E_{x∼p_D}[log D(x)] + E_z[log(1 − D(G(z)))].

    Against p_g, the distribution of samples, the best D is p_D / (p_D + p_g), and max_D V = 2·JSD(p_D, p_g)
    − 2·log 2: G then walks down the Jensen–Shannon divergence. I. Goodfellow et al., *Generative Adversarial
    Nets*, NeurIPS 2014. What G minimises is a choice:

    - "saturating": V itself, E[log(1 − D(G(z)))], which is flat where D is sure;
    - "non-saturating": −E[log D(G(z))] instead, of the same fixed point (Goodfellow et al. 2014);
    - "wasserstein": another distance, W₁ = max E[f(x)] − E[f(G(z))] over critics f of slope 1 at most,
      which a penalty holds near 1 (Arjovsky et al., ICML 2017).

    D pays for its slope (see ``gradient_penalty`` and ``penalty_at_data``): without that the players tend to
    run in circles and the generator to drop modes. ``penalty=0`` is the game of 2014.

    Departures: SiLU, where the game of 2014 has maxout and dropout. Both players step with Adam of β = (0.5,
    0.9) for each of the three losses, so that a comparison compares losses alone (Gulrajani et al.: (0, 0.9),
    for far larger nets). G's weights are averaged over its steps (Yazıcı et al., ICLR 2019).

    Nothing here computes p(x). Samples of images are grey levels strictly between 0 and 1: on black and white
    images JSD(p_D, p_g) = log 2 for any G, and it is the low slope that still leads G there. What can be
    compared with a binary p_D is the distribution of ``sample(n).round()``.

    Args:
        event_shape: (C, H, W) for images with values in [0, 1]; (D,) for points with real coordinates.
        latent: the number of dimensions of z. hidden: dense: sizes of the hidden layers of D, in G reversed.
        Convolutional: the number of channels. loss: "non-saturating", "saturating" or "wasserstein". network:
        "dense" or "convolutional"; None: convolutional for images of at least 28×28. classes: the number of
        classes y, given to both players (Mirza & Osindero 2014); None: no classes. discriminator_steps: how
        many D takes for each of G's; None: 2 for "wasserstein" (the paper: 5), else 1. penalty: the weight of
        D's penalty; None: 1 for "wasserstein" (the paper: 10), else 0.05.

    Shapes: x ``(B, *event_shape)``, z ``(B, latent)``; losses in nats, of "wasserstein" in units of x.

    Raises:
        ValueError: an argument is none of the above; x or y is not what it should be.

    >>> model = GAN((1, 4, 4), latent=2)
    >>> x = model.sample(3)
    >>> x.shape, model.discriminate(x).shape, model.generator(torch.zeros(5, 2)).shape
    (torch.Size([3, 1, 4, 4]), torch.Size([3]), torch.Size([5, 1, 4, 4]))
    """

    title = "Generative adversarial networks"
    about = "a generator against a discriminator (2014)"
    fit_defaults = {"lr": 3e-3, "epochs": 70, "batch_size": 50, "schedule": "cosine", "average": 0.99}
    fit_defaults |= {"patience": inf}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        latent: int = 16,
        hidden: Sequence[int] | int | None = None,
        loss: Loss = "non-saturating",
        network: Network | None = None,
        classes: int | None = None,
        discriminator_steps: int | None = None,
        penalty: float | None = None,
    ) -> None:
        super().__init__(event_shape)
        check_choice(loss, "GAN: loss", PAYOFFS)
        payoffs, image = PAYOFFS[loss], len(self.event_shape) == 3
        self.support: Support = "unit" if image else "real"
        self.loss_name, self.probability = loss, loss != "wasserstein"
        self.latent_dims = check_count(latent, "GAN: latent")
        self.penalty = check_number(payoffs.weight if penalty is None else penalty, "GAN: penalty", low=0)
        self.classes = None if classes is None else check_count(classes, "GAN: classes")
        steps = payoffs.discriminator_steps if discriminator_steps is None else discriminator_steps
        self.discriminator_steps = check_count(steps, "GAN: discriminator_steps")
        if network is None:
            large = image and min(self.event_shape[1:]) >= CONVOLUTIONAL_FROM
            network = "convolutional" if large else "dense"
        encoder, decoder = coders("GAN", self.event_shape, latent, 1, network, hidden, SIZES, self.classes)
        self.generator = Generator(decoder(), self.classes, unit=image)
        self.discriminator = Discriminator(encoder(), self.classes)

    def _discriminator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor:
        with torch.no_grad():
            fake = self.generator(self.noise(len(x), generator), y)
        both, twice = torch.cat([x, fake]), None if y is None else torch.cat([y, y])  # one pass is faster
        payoffs, (on_real, on_fake) = PAYOFFS[self.loss_name], self.discriminator(both, twice).chunk(2)
        loss = payoffs.of_discriminator(on_real, on_fake)
        if not self.penalty:
            return loss
        return loss + self.penalty * payoffs.penalty(partial(self.discriminator, y=y), x, fake, generator)

    def _generator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor:
        fake = self.generator(self.noise(len(x), generator), y)
        return PAYOFFS[self.loss_name].of_generator(self.discriminator(fake, y))

    def _discriminate(self, x: Tensor, y: Tensor | None) -> Tensor:
        return PAYOFFS[self.loss_name].answer(self.discriminator(x, y))

    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor:
        return self.generator(self.noise(n, generator), y)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws of z ∼ N(0, I), ``(n, latent)``."""
        like = self.reference
        return torch.randn(n, self.latent_dims, generator=generator, dtype=like.dtype, device=like.device)


class Generator(nn.Module):
    """x = G(z), or G(z, y), from a net of noise and a condition; ``unit``: with values in [0, 1]."""

    def __init__(self, net: nn.Module, classes: int | None, *, unit: bool) -> None:
        super().__init__()
        self.net, self.classes, self.unit = net, classes, unit

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """``(B, latent)`` to ``(B, *event_shape)``."""
        x = self.net(z, one_hot_classes(y, self.classes, z))
        return x.sigmoid() if self.unit else x


class Discriminator(nn.Module):
    """The log-odds t(x) that x is real, D(x) = σ(t(x)), or a critic's score f(x)."""

    def __init__(self, net: nn.Module, classes: int | None) -> None:
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """``(B, *event_shape)`` to ``(B,)``."""
        return self.net(x, one_hot_classes(y, self.classes, x))[:, 0]
