"""The losses of the two players of a GAN, and the penalties on the slope of a discriminator or critic."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

Term = Callable[[Tensor], Tensor]
Penalty = Callable[[Term, Tensor, Tensor, torch.Generator | None], Tensor]


@dataclass(frozen=True)
class Payoffs:
    """What each player pays for the discriminator's output t on one example, elementwise.

    Attributes:
        real: what D pays for t on a real x.
        fake: what D pays for t on x = G(z).
        generator: what G pays for t on x = G(z).
        answer: D's answer, from t.
        penalty: what D pays for its slope, from D, real examples, fakes and random numbers: a scalar.
        weight: of the penalty, unless told otherwise.
        discriminator_steps: how many steps D takes for each of G's, unless told otherwise.
    """

    real: Term
    fake: Term
    generator: Term
    answer: Term
    penalty: Penalty
    weight: float
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


def slope(critic: Term, x: Tensor) -> Tensor:
    """‖∇f(x)‖ of each example, ``(B,)``, from which gradients flow into the critic's weights."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return torch.linalg.vector_norm(gradient.flatten(1), dim=1)


def penalty_at_data(
    critic: Term, real: Tensor, fake: Tensor, generator: torch.Generator | None = None
) -> Tensor:
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
    GANs*, NeurIPS 2017.

    Args:
        critic: f, ``(B, …)`` to ``(B,)``, each output a function of its own example only.
        real, fake: ``(B, …)`` each.
        generator: the random numbers to use.

    >>> f = lambda x: x @ torch.tensor([3.0, 4.0])
    >>> gradient_penalty(f, torch.zeros(6, 2), torch.ones(6, 2)).item()  # (5 − 1)²
    16.0
    """
    shape = (len(real), *[1] * (real.dim() - 1))
    u = torch.rand(shape, generator=generator, dtype=real.dtype, device=real.device)
    return (slope(critic, torch.lerp(real, fake, u)) - 1).square().mean()


PAYOFFS: dict[str, Payoffs] = {
    "non-saturating": Payoffs(minus_log, minus_log_rest, minus_log, torch.sigmoid, penalty_at_data, 0.05),
    "saturating": Payoffs(minus_log, minus_log_rest, log_rest, torch.sigmoid, penalty_at_data, 0.05),
    "wasserstein": Payoffs(negative, itself, negative, itself, gradient_penalty, 1.0, discriminator_steps=2),
}
