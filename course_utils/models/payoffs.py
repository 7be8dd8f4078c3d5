"""The losses of the two players of a GAN, and the penalty that keeps a critic's slope at 1."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

Term = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Payoffs:
    """What each player pays for the discriminator's output t on one example, elementwise.

    Attributes:
        real: what D pays for t on a real x.
        fake: what D pays for t on x = G(z).
        generator: what G pays for t on x = G(z).
        answer: D's answer, from t.
        discriminator_steps: how many steps D takes for each of G's, unless told otherwise.
    """

    real: Term
    fake: Term
    generator: Term
    answer: Term
    discriminator_steps: int = 1

    def discriminator_loss(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """The mean over real examples plus that over fakes: −V(D, G), or minus a critic's value."""
        return self.real(on_real).mean() + self.fake(on_fake).mean()


def minus_log(t: Tensor) -> Tensor:
    """−log D for D = σ(t), exact where D is nearly 0 or 1."""
    return softplus(-t)


def minus_log_rest(t: Tensor) -> Tensor:
    """−log(1 − D) for D = σ(t)."""
    return softplus(t)


def log_rest(t: Tensor) -> Tensor:
    """log(1 − D) for D = σ(t): its slope is −D, nothing where D is sure that x is a fake."""
    return -softplus(t)


def itself(t: Tensor) -> Tensor:
    """The score as it is."""
    return t


def negative(t: Tensor) -> Tensor:
    """Minus the score."""
    return -t


PAYOFFS: dict[str, Payoffs] = {
    "non-saturating": Payoffs(minus_log, minus_log_rest, minus_log, torch.sigmoid),
    "saturating": Payoffs(minus_log, minus_log_rest, log_rest, torch.sigmoid),
    "wasserstein": Payoffs(negative, itself, negative, itself, discriminator_steps=5),
}


def gradient_penalty(
    critic: Term, real: Tensor, fake: Tensor, *, generator: torch.Generator | None = None
) -> Tensor:
    """E[(‖∇f(x̂)‖ − 1)²], x̂ at a uniformly random place between a real example and a fake: a scalar.

    I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin and A. Courville, *Improved Training of Wasserstein
    GANs*, NeurIPS 2017.

    Args:
        critic: f, ``(B, …)`` to ``(B,)``, each output a function of its own example only.
        real, fake: ``(B, …)`` each.
        generator: the random numbers to use.

    >>> slope = torch.tensor([3.0, 4.0])
    >>> gradient_penalty(lambda x: x @ slope, torch.zeros(6, 2), torch.ones(6, 2)).item()  # (5 − 1)²
    16.0
    """
    shape = (len(real), *[1] * (real.dim() - 1))
    u = torch.rand(shape, generator=generator, dtype=real.dtype, device=real.device)
    between = torch.lerp(real, fake, u).detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()
