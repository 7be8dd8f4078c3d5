"""Diffusion: noise is added in many small steps that nobody learns, and a network learns to take it away."""

from math import log, pi
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from course_utils.checks import check_count, check_events, check_number
from course_utils.models.ffjord import FFJORD
from course_utils.models.flow_matching import spread_times
from course_utils.models.flow_steps import Normal, to_real
from course_utils.models.vae import VAE
from course_utils.nets.ode import Time
from course_utils.nets.timed import TimedVelocity
from course_utils.taxonomy import ApproximateDensity

DRAWS = 64  # noise levels of each image, of which the bound is estimated


class Diffusion(ApproximateDensity):
    r"""A VAE of many latents, each a little cleaner than the last, with an encoder that only adds noise.

    Data y (behind a logit, for images) meet noise ε ∼ N(0, I) at a log-ratio λ of signal to noise that
    rises evenly with the time t, 0 for noise and 1 for data, as in this course's flows; papers count the
    other way:

        z_t = α y + σ ε,   α² = σ(λ),   σ² = σ(−λ),   λ = λ_min + t Λ,   Λ = λ_max − λ_min.

    The network predicts v = α ε − σ y, from which follow a guess of the noise, ε̂ = σ z + α v̂, and of the
    data, ŷ = α z − σ v̂ (Salimans & Ho 2022). With p(z_s | z_t) = q(z_s | z_t, y = ŷ) for the next time
    s = t + 1/T,

        −log p(y) ≤ KL(q(z_0 | y)‖N(0, I)) + ½ T (e^{Λ/T} − 1) E_t ‖ε − ε̂‖² + ½ D (1 + log 2π − λ_max).

    The loss is this bound for T → ∞, where ½ T (e^{Λ/T} − 1) falls to ½ Λ: since λ is linear in t, the simple
    loss of J. Ho, A. Jain and P. Abbeel, *Denoising Diffusion Probabilistic Models*, NeurIPS 2020, *is* the
    bound of D. Kingma, T. Salimans, B. Poole and J. Ho, *Variational Diffusion Models*, NeurIPS 2021.

    The best ŷ is E[y | z], and the score follows (Y. Song et al. 2021): ∇ log p_t(z) = (α ŷ − z)/σ² = −ε̂/σ.

    Args:
        event_shape: (C, H, W) for grey values in [0, 1], or (D,) for vectors of any real numbers.
        hidden, dropout: of the network, see `TimedVelocity`.
        lowest, highest: λ at both ends.
        steps: T, of the bound and, unless others are asked for, of samples.
        alpha: of the logit that images pass (see `Logit`).

    Shapes: x ``(B, *event_shape)``, z ``(B, D)``; ``elbo`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = Diffusion((2,), hidden=8)
    >>> x = model.sample(3, steps=4)
    >>> x.shape, model.elbo(x).shape
    (torch.Size([3, 2]), torch.Size([3]))
    """

    title = "Diffusion"
    about = "takes noise away, level by level (2020)"
    density = "lower bound"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = VAE
    fit_defaults = {"lr": 2e-3, "epochs": 150, "batch_size": 200, "clip": 200.0, "average": 0.995}
    fit_defaults |= {"schedule": "cosine"}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        hidden: int = 512,
        dropout: float = 0.0,
        lowest: float = -8.0,
        highest: float = 7.0,
        steps: int = 1000,
        alpha: float = 0.01,
    ) -> None:
        super().__init__(event_shape)
        self.support, self.enter = to_real(self.event_shape, alpha)
        self.alpha, self.prior = alpha, Normal()
        self.lowest = check_number(lowest, "Diffusion: lowest", low=-30, high=30)
        self.highest = check_number(highest, "Diffusion: highest", low=self.lowest, high=30)
        self.steps = check_count(steps, "Diffusion: steps")
        check_count(hidden, "Diffusion: hidden")
        check_number(dropout, "Diffusion: dropout", low=0, high=0.99)
        self.net: nn.Module = TimedVelocity(self.dims, hidden=hidden, dropout=dropout)

    @property
    def span(self) -> float:
        """Λ: by how much λ rises from noise to data."""
        return self.highest - self.lowest

    def levels(self, t: Time) -> tuple[Tensor, Tensor]:
        """α and σ at a time, or at each of several: ``(…, 1)``, to multiply z with."""
        rise = torch.as_tensor(t, dtype=self.reference.dtype, device=self.reference.device)[..., None]
        half = (self.lowest + self.span * rise) / 2  # of λ
        return torch.sigmoid(2 * half).sqrt(), torch.sigmoid(-2 * half).sqrt()

    def guesses(self, z: Tensor, t: Time) -> tuple[Tensor, Tensor]:
        """ŷ and ε̂ from z ``(B, D)`` at a time, one for all or one for each: ``(B, D)`` both."""
        signal, noise = self.levels(t)
        v = self.net(t, z)
        return signal * z - noise * v, noise * z + signal * v

    def score(self, z: Tensor, t: Time) -> Tensor:
        """∇_z log p_t(z) as the network has it: (α ŷ − z)/σ², which is −ε̂/σ; ``(B, D)``."""
        z = check_events(z, (self.dims,), "real", like=self.reference, who="Diffusion.score")
        return -self.guesses(z, t)[1] / self.levels(t)[1]

    def _misses(self, y: Tensor, t: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """‖ε − ε̂‖² with one ε for each y ``(B, D)`` and its time ``(B,)``: ``(B,)``."""
        noise = torch.empty_like(y).normal_(generator=generator)
        signal, spread = self.levels(t)
        return (noise - self.guesses(signal * y + spread * noise, t)[1]).square().sum(1)

    def _ends(self, y: Tensor) -> Tensor:
        """What the bound costs before the first step and after the last, in nats: ``(B,)``."""
        signal, noise = self.levels(0.0)
        variance = noise.square()
        kl = 0.5 * ((signal * y).square() + variance - 1 - variance.log()).sum(1)
        return kl + 0.5 * self.dims * (1 + log(2 * pi) - self.highest)

    def loss(self, x: Tensor) -> Tensor:
        """An unbiased estimate of the bound on E[−log p(x)] for T → ∞, in nats, from one time for each x."""
        y, log_det = self.enter(self.check(x))
        y = y.flatten(1)
        return (0.5 * self.span * self._misses(y, spread_times(y)) + self._ends(y) - log_det).mean()

    def elbo(
        self, x: Tensor, *, steps: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """A bound on log p(x) of a model of T steps, in nats, from up to 64 of them: ``(B,)``.

        ``steps``: T; None: the model's. The more there are, the higher the bound.
        """
        self._check_generator(generator)
        steps = self.steps if steps is None else check_count(steps, "Diffusion.elbo: steps")
        y, log_det = self.enter(self.check(x))
        y, total = y.flatten(1), 0.0
        draws = min(DRAWS, steps)
        for part in range(draws):
            u = torch.rand(len(y), generator=generator, dtype=y.dtype, device=y.device)
            t = ((part + u) / draws * steps).floor().clamp_max(steps - 1) / steps
            total = total + self._misses(y, t, generator) / draws
        growth = torch.expm1(torch.tensor(self.span / steps)).item()
        return log_det - 0.5 * steps * growth * total - self._ends(y)

    @torch.no_grad()
    def sample(self, n: int, *, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples, from noise, in T ``steps`` that each take some away: ``(n, *event_shape)``."""
        self._check_generator(generator)
        steps = self.steps if steps is None else check_count(steps, "Diffusion.sample: steps")
        n = check_count(n, "Diffusion.sample")
        z = self.prior.sample((n, self.dims), self.reference, generator)
        for i in range(steps):
            z = self._step(z, i / steps, (i + 1) / steps, generator)
        signal, noise = self.levels(1.0)
        y = (z + noise * self.prior.sample((n, self.dims), self.reference, generator)) / signal
        return self.enter.inverse(y.view(-1, *self.event_shape))

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        return self.sample(n, generator=generator)

    def _step(self, z: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        """A draw of q(z_s | z_t, y = ŷ) for a cleaner time s: a Gaussian between z and the guess."""
        (signal, noise), (cleaner, less) = self.levels(t), self.levels(s)
        added = 1 - (signal / cleaner * less / noise).square()  # the share of the noise that came after s
        mean = signal / cleaner * (less / noise).square() * z + cleaner * added * self.guesses(z, t)[0]
        return mean + less * added.sqrt() * self.prior.sample(tuple(z.shape), z, generator)

    def flow(self, *, steps: int = 16, solver: str = "rk4") -> FFJORD:
        """The probability-flow ODE: no noise on the way, the same p_t at every time if the score is exact.

            dz/dt = ½ Λ α σ (σ ŷ − α ε̂) = −½ Λ α σ v̂

        A continuous flow of its own, with an exact likelihood, that shares this model's weights.
        """
        return FFJORD(
            self.event_shape, dynamics=ProbabilityFlow(self), steps=steps, solver=solver, alpha=self.alpha
        ).to(self.reference)


class ProbabilityFlow(nn.Module):
    """The velocity −½ Λ α σ v̂(z, t) of a diffusion, and its trace."""

    def __init__(self, model: Diffusion) -> None:
        super().__init__()
        self.net: Any = model.net
        self.levels, self.span = model.levels, model.span

    def speed(self, t: Time) -> Tensor:
        """−½ Λ α σ."""
        signal, noise = self.levels(t)
        return -0.5 * self.span * signal * noise

    def forward(self, t: Time, z: Tensor) -> Tensor:
        """``(B, D)`` to the same."""
        return self.speed(t) * self.net(t, z)

    def with_trace(self, t: Time, z: Tensor) -> tuple[Tensor, Tensor]:
        """The velocity and its exact trace: ``(B, D)`` and ``(B,)``."""
        v, trace = self.net.with_trace(t, z)
        speed = self.speed(t)
        return speed * v, speed[..., 0] * trace
