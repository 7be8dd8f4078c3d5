"""GAN: a network that makes events out of noise, against one that tells them from real ones."""

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Literal

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_number, check_sizes
from course_utils.models.payoffs import PAYOFFS
from course_utils.nets.coders import ConvDecoder, ConvEncoder, Dense, one_hot_classes
from course_utils.taxonomy import Direct, Support

Loss = Literal["non-saturating", "saturating", "wasserstein"]
Network = Literal["dense", "convolutional"]

SIZES, CHANNELS, CONVOLUTIONAL_FROM = (128, 128), 32, 28


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
      which a penalty holds near 1 (Arjovsky et al., ICML 2017; Gulrajani et al., NeurIPS 2017).

    D pays for its slope: with "wasserstein" for (‖∇f‖ − 1)² between data and samples, else for ‖∇t‖² of
    its log-odds t at the data, without which the players tend to run in circles and the generator to drop
    modes (Mescheder et al., ICML 2018). ``penalty=0`` is the game of 2014.

    Departures: SiLU, where the game of 2014 has maxout and dropout. Both players step with Adam of β = (0.5,
    0.9) for each of the three losses, so that a comparison compares losses and nothing else; Gulrajani et
    al. take (0, 0.9) for theirs, and 5 steps of D and a weight of 10, for far larger nets. G's weights are
    averaged over its steps (Yazıcı et al., ICLR 2019).

    Nothing here computes p(x). Samples are continuous: on images they are grey levels strictly between 0
    and 1, so on black and white images p_g and p_D live on disjoint sets, and JSD(p_D, p_g) = log 2 for
    any G; it is the slope that is kept low which still leads G there. What can be compared with a binary
    p_D is the distribution of rounded samples, ``sample(n).round()``.

    Args:
        event_shape: (C, H, W) for images with values in [0, 1]; (D,) for points with real coordinates.
        latent: the number of dimensions of z.
        hidden: dense: the sizes of the hidden layers of D, in G reversed. Convolutional: the number of
            channels.
        loss: "non-saturating", "saturating" or "wasserstein".
        network: "dense" or "convolutional"; None: convolutional for images of at least 28×28.
        classes: the number of classes y, given to both players (Mirza & Osindero 2014); None: no classes.
        discriminator_steps: how many steps D takes for each of G's; None: 2 for "wasserstein" (where the
            paper takes 5), else 1.
        penalty: the weight of D's penalty; None: 1 for "wasserstein" (where the paper takes 10), else 0.05.

    Shapes: x ``(B, *event_shape)``, z ``(B, latent)``; losses are scalars, in nats except for
        "wasserstein", whose value is in units of x.

    Raises:
        ValueError: an argument is none of the above; x or y is not what it should be.

    >>> model = GAN((1, 4, 4), latent=2)
    >>> x = model.sample(3)
    >>> x.shape, model.discriminate(x).shape, model.generator(torch.zeros(5, 2)).shape
    (torch.Size([3, 1, 4, 4]), torch.Size([3]), torch.Size([5, 1, 4, 4]))
    """

    title = "Generative adversarial networks"
    about = "a generator against a discriminator (2014)"
    fit_defaults = {
        "lr": 3e-3,
        "epochs": 70,
        "batch_size": 50,
        "schedule": "cosine",
        "average": 0.99,
        "patience": inf,
    }

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
        if loss not in PAYOFFS:
            raise ValueError(f"GAN: expected loss as one of {', '.join(PAYOFFS)}, got {loss!r}")
        self.support: Support = "unit" if len(self.event_shape) == 3 else "real"
        self.loss_name, self.probability = loss, loss != "wasserstein"
        self.latent_dims = check_count(latent, "GAN: latent")
        weight = PAYOFFS[loss].weight if penalty is None else penalty
        self.penalty = check_number(weight, "GAN: penalty", low=0)
        self.classes = None if classes is None else check_count(classes, "GAN: classes")
        steps = PAYOFFS[loss].discriminator_steps if discriminator_steps is None else discriminator_steps
        self.discriminator_steps = check_count(steps, "GAN: discriminator_steps")
        decoder, encoder = _networks(self.event_shape, self.latent_dims, hidden, network, self.classes or 0)
        self.generator = Generator(decoder, self.classes, unit=self.support == "unit")
        self.discriminator = Discriminator(encoder, self.classes)

    def _discriminator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor:
        with torch.no_grad():
            fake = self.generator(self.noise(len(x), generator), y)
        both, told = torch.cat([x, fake]), None if y is None else torch.cat([y, y])  # one pass is faster
        loss = PAYOFFS[self.loss_name].discriminator_loss(*self.discriminator(both, told).chunk(2))
        if not self.penalty:
            return loss
        critic = partial(self.discriminator, y=y)
        return loss + self.penalty * PAYOFFS[self.loss_name].penalty(critic, x, fake, generator)

    def _generator_loss(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor:
        fake = self.generator(self.noise(len(x), generator), y)
        return PAYOFFS[self.loss_name].generator(self.discriminator(fake, y)).mean()

    def _discriminate(self, x: Tensor, y: Tensor | None) -> Tensor:
        return PAYOFFS[self.loss_name].answer(self.discriminator(x, y))

    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor:
        return self.generator(self.noise(n, generator), y)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws of z ∼ N(0, I), ``(n, latent)``."""
        like = self.reference
        return torch.randn(n, self.latent_dims, generator=generator, dtype=like.dtype, device=like.device)


class Generator(nn.Module):
    """x = G(z), or G(z, y): noise ``(B, latent)`` to events ``(B, *event_shape)``.

    Args:
        net: from noise and a condition ``(B, classes)`` to the shape of an event.
        classes: the number of classes; None: none.
        unit: whether events have values in [0, 1]; else any real value.
    """

    def __init__(self, net: nn.Module, classes: int | None, *, unit: bool) -> None:
        super().__init__()
        self.net, self.classes, self.unit = net, classes, unit

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """``(B, latent)`` to ``(B, *event_shape)``."""
        x = self.net(z, one_hot_classes(y, self.classes, z))
        return x.sigmoid() if self.unit else x


class Discriminator(nn.Module):
    """The log-odds t(x) that x is real, D(x) = σ(t(x)), or a critic's score f(x): ``(B, …)`` to ``(B,)``.

    Args:
        net: from events and a condition ``(B, classes)`` to one number.
        classes: the number of classes; None: none.
    """

    def __init__(self, net: nn.Module, classes: int | None) -> None:
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """``(B, *event_shape)`` to ``(B,)``."""
        return self.net(x, one_hot_classes(y, self.classes, x))[:, 0]


def _networks(
    shape: tuple[int, ...],
    latent: int,
    hidden: Sequence[int] | int | None,
    network: str | None,
    told: int,
) -> tuple[nn.Module, nn.Module]:
    """The network of the generator, and that of the discriminator."""
    image = len(shape) == 3
    if network is None:
        network = "convolutional" if image and min(shape[1:]) >= CONVOLUTIONAL_FROM else "dense"
    if network not in ("dense", "convolutional") or (network == "convolutional" and not image):
        want = "'dense' or, for images (C, H, W), 'convolutional'"
        raise ValueError(f"GAN: expected network as {want}, got {network!r} on {shape}")
    if network == "convolutional":
        channels = check_count(CHANNELS if hidden is None else hidden, "GAN: hidden")
        decoder = ConvDecoder(latent, shape, hidden=channels, condition=told)
        return decoder, ConvEncoder(shape, 1, hidden=channels, condition=told)
    sizes = check_sizes(SIZES if hidden is None else hidden, "GAN: hidden")
    return (
        Dense((latent,), shape, hidden=sizes[::-1], condition=told),
        Dense(shape, (1,), hidden=sizes, condition=told),
    )
