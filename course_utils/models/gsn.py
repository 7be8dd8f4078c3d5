"""GSN: a Markov chain whose step, corrupt and reconstruct, is learned, and whose latent state goes along."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.checks import check_choice, check_count, check_number, check_sizes
from course_utils.models.denoising import salt_and_pepper
from course_utils.taxonomy import ImplicitMarkovChain, Support

HELD_OUT_DRAWS = 8  # walks from each held-out example, each with noise of its own


class State(NamedTuple):
    """Where a chain is."""

    x: Tensor  # the images, (B, *event_shape)
    h: tuple[Tensor, ...]  # the latent layers from below, (B, H_l) each
    p: Tensor  # the probabilities of white that x was drawn from
    noisy: Tensor  # the corrupted images x̃ that p was computed from


class GSN(ImplicitMarkovChain):
    r"""Generative stochastic network for binary images: no p(x), only a chain that visits images.

    One step corrupts the image, updates the latent layers h¹ … h^L, the odd ones first, then the even ones,
    each from both its neighbours, and *draws* the next image from the reconstruction:

        x̃ ∼ C(x̃ | x),   salt-and-pepper: each pixel is forgotten with probability ρ (``noise``),
        h¹ = tanh(b¹ + W¹ x̃ + W²ᵀ h²),
        h^l = tanh(b^l + W^l h^{l−1} + W^{l+1}ᵀ h^{l+1} + σ ε) + σ ε′,   l ≥ 2,   ε, ε′ ∼ N(0, I),
        x′ ∼ P(x′ | h) = Π_i Bernoulli(σ(b⁰ + W¹ᵀ h¹)_i).

    The images and the latent state together are a Markov chain: the even layers remember the steps before.
    h¹ is read by the reconstruction and has no noise of its own. Training is *walkback*: the chain runs a few
    steps from a training image x, and the reconstruction of every step shall give back that same x,

        loss = 1/K Σ_k E[−log P(x | h_k)],

    gradients passing through the latent state of all K steps. If the reconstruction is right, p_D is the
    stationary distribution of the chain: Y. Bengio, L. Yao, G. Alain and P. Vincent, *Generalized Denoising
    Auto-Encoders as Generative Models*, NIPS 2013 (arXiv:1305.6663); Y. Bengio, É. Laufer, G. Alain and
    J. Yosinski, *Deep Generative Stochastic Networks Trainable by Backprop*, ICML 2014 (arXiv:1306.1091).
    Each pixel is drawn on its own, so that it can be right only where x̃ and h tell nearly all about x.

    Departures: a walk has a fixed number of steps, as in the experiments of 2014, so that walks make one
    batch; the walkback of 2013 stops at random. ``fit`` steps with Adam and averages the weights, where they
    have momentum.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        hidden: the units of the latent layers, from below; a single one is a denoising autoencoder.
        noise: ρ, the probability that a pixel is forgotten.
        latent_noise: σ, before and after the activation of the layers from the second on.
        walkback: how many steps K are trained from each image: at least 1 + L // 2, so that the uppermost
            layer reaches one. K = 1 with one layer: no walkback.
        mixing: how many steps ``sample`` runs (its burn-in).
        start: where ``sample`` starts: "noise", of fair coins, or "blank". Training sees no image as dark as
            noise, so that every chain of a large network may be trapped there.

    Shapes: x ``(B, *event_shape)`` with values in {0, 1}; ``loss`` in nats per image, of a reconstruction:
    it says nothing about p(x).

    Raises:
        ValueError: a number is out of range, walkback too short, x not binary or not of this shape.

    >>> model = GSN((1, 2, 2), hidden=(8, 4))
    >>> model.sample(3, steps=5).shape
    torch.Size([3, 1, 2, 2])
    >>> x = torch.ones(1, 1, 2, 2)
    >>> [state.x.shape for state in model.chain(x, 2)]
    [torch.Size([1, 1, 2, 2]), torch.Size([1, 1, 2, 2])]
    """

    title = "GSN"
    about = "corrupt, denoise, walk back: a learned chain (2013)"
    support: Support = "binary"
    fit_defaults = {"lr": 1e-2, "epochs": 60, "batch_size": 50, "schedule": "cosine", "average": 0.99}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        hidden: Sequence[int] = (200, 100),
        noise: float = 0.4,
        latent_noise: float = 0.5,
        walkback: int = 3,
        mixing: int = 50,
        start: str = "noise",
    ) -> None:
        super().__init__(event_shape)
        check_choice(start, "GSN: start", ("noise", "blank"))
        self.start = start
        sizes = check_sizes(hidden, "GSN: hidden", least=1)
        self.noise = check_number(noise, "GSN: noise", low=0, high=1)
        self.latent_noise = check_number(latent_noise, "GSN: latent_noise", low=0)
        self.walkback = check_count(walkback, "GSN: walkback")
        self.mixing = check_count(mixing, "GSN: mixing")
        if self.walkback < 1 + len(sizes) // 2:
            least = f"{1 + len(sizes) // 2} with {len(sizes)} hidden layers, or upper ones are not trained"
            raise ValueError(f"GSN: expected walkback ≥ {least}; got {walkback}")
        widths = [self.dims, *sizes]
        self.W = nn.ParameterList(nn.Parameter(torch.randn(n, m) * m**-0.5) for m, n in pairwise(widths))
        self.b = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in widths)

    def loss(self, x: Tensor) -> Tensor:
        """The walkback loss 1/K Σ_k E[−log P(x | h_k)] over the batch, in nats per image."""
        return self.walk(self.check(x)).mean()

    @torch.no_grad()
    def held_out(self, x: Tensor) -> Tensor:
        """The loss with noise that is always the same, several draws of it: what early stopping watches."""
        x = self.check(x)
        generator = torch.Generator(x.device).manual_seed(0)
        return torch.stack([self.walk(x, generator=generator).mean() for _ in range(HELD_OUT_DRAWS)]).mean()

    def walk(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """−log P(x | h_k) in nats at every step k of a walk that starts at x: ``(walkback, B)``."""
        state, target, nats = self.rest(x), x.flatten(1), []
        for _ in range(self.walkback):
            noisy = salt_and_pepper(state.x, self.noise, generator=generator)
            h, logits = self.update(noisy, state.h, generator)
            nats.append(binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1))
            state = self.draw(noisy, h, logits.detach(), generator)
        return torch.stack(nats)

    def rest(self, x: Tensor) -> State:
        """The state of a chain that starts at x: every latent unit is 0."""
        return State(x, tuple(x.new_zeros(len(x), b.numel()) for b in list(self.b)[1:]), x, x)

    def beginning(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """The n images from which ``sample`` starts its chains: of fair coins, or blank."""
        check_count(n, "GSN.beginning")
        like = self.reference
        u = torch.rand(n, *self.event_shape, generator=generator, dtype=like.dtype, device=like.device)
        return (u < (0.5 if self.start == "noise" else 0.0)).to(like.dtype)

    def update(
        self, noisy: Tensor, h: Sequence[Tensor], generator: torch.Generator | None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """The latent layers after an update by x̃, and the log-odds ``(B, D)`` of the reconstruction."""
        W, layers = list(self.W), [noisy.flatten(1), *h]
        for first in (1, 2):
            for i in range(first, len(layers), 2):
                a = torch.addmm(self.b[i], layers[i - 1], W[i - 1].T)
                if i + 1 < len(layers):
                    a = torch.addmm(a, layers[i + 1], W[i])
                if i == 1:
                    layers[i] = torch.tanh(a)
                else:
                    layers[i] = self.disturbed(torch.tanh(self.disturbed(a, generator)), generator)
        return tuple(layers[1:]), torch.addmm(self.b[0], layers[1], W[0])

    def disturbed(self, a: Tensor, generator: torch.Generator | None) -> Tensor:
        """a + σ ε with ε ∼ N(0, I)."""
        return a + self.latent_noise * torch.empty_like(a).normal_(generator=generator)

    def draw(
        self, noisy: Tensor, h: tuple[Tensor, ...], logits: Tensor, generator: torch.Generator | None
    ) -> State:
        """The state in which the next image is drawn from its reconstruction."""
        p = torch.sigmoid(logits)
        u = torch.rand(p.shape, generator=generator, dtype=p.dtype, device=p.device)
        return State((u < p).to(p.dtype).view_as(noisy), h, p.view_as(noisy), noisy)

    @torch.no_grad()
    def advance(self, state: State, *, generator: torch.Generator | None = None) -> State:
        """One step of the chain with its latent state."""
        noisy = salt_and_pepper(state.x, self.noise, generator=generator)
        h, logits = self.update(noisy, state.h, generator)
        return self.draw(noisy, h, logits, generator)

    def chain(self, x: Tensor, steps: int, *, generator: torch.Generator | None = None) -> Iterator[State]:
        """The states after each of some steps from x, the latent state at rest before the first."""
        state = self.rest(self.check(x))
        return self._chain(state, check_count(steps, f"{type(self).__name__}.chain: steps"), generator)

    def _chain(self, state: State, steps: int, generator: torch.Generator | None) -> Iterator[State]:
        for _ in range(steps):
            state = self.advance(state, generator=generator)
            yield state

    def _step(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.advance(self.rest(x), generator=generator).x

    def _sample(self, n: int, generator: torch.Generator | None, steps: int) -> Tensor:
        start = self.rest(self.beginning(n, generator=generator))
        for state in self._chain(start, steps, generator):
            x = state.x
        return x
