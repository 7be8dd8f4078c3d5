"""VQ-VAE: an autoencoder whose code is a few words of a dictionary, and a prior over such codes."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from course_utils.checks import check_count, check_number
from course_utils.models.distributions import Bernoulli, DiscretisedLogistic
from course_utils.models.pixel_model import support_of
from course_utils.models.vae import VAE
from course_utils.nets.coders import layers
from course_utils.taxonomy import TractableDensity

ENUMERABLE = 2**18  # codes
ROWS = 2**11  # codes decoded at once: their levels fit a cache
START = 0.3  # the size of a codebook's vectors, which is that of the encoder's: so that all are found


class VQVAE(TractableDensity):
    r"""Vector-quantised VAE: the code c of an image is T tokens, each one of K vectors of a codebook.

    The encoder gives T vectors h, and each is replaced by the nearest vector e of its codebook: c is which.
    A decoder makes of e a distribution of each pixel, as in a `VAE`, and an autoregressive prior gives p(c):

        loss(θ) = E_x[−log p(x | c) − log p(c) + ‖sg(h) − e‖² + β ‖h − sg(e)‖²].

    sg stops the gradient. There is none through "which is nearest" either; that of log p(x | c) in e is
    handed to h as it is (*straight through*). The third term moves codebooks to the encoder's vectors, the
    fourth keeps those near.

    There are but K^T codes, so that p(x) is a finite mixture, and p(x, c(x)) of its own code one term of it:

        log p(x) = log Σ_c p(c) p(x | c) ≥ log p(x, c(x)).

    A. van den Oord, O. Vinyals and K. Kavukcuoglu, *Neural Discrete Representation Learning*, NeurIPS 2017.

    Departures: the prior learns together with the rest (theirs afterwards), its cost moves neither encoder
    nor codebook; a codebook for each token, all of one for the whole image; dense networks, for 8×8 pixels.

    Args:
        event_shape: (C, H, W), or any shape; D is the number of its elements.
        levels: the number L of values of a pixel: 2, black and white, or more grey levels k/(L−1).
        tokens, codes: T and K; K^T at most 262,144.
        width: of the vectors h and e.
        hidden, dropout: of encoder and decoder.
        commitment: β.

    Shapes: x ``(B, *event_shape)``, c ``(B, T)`` of int64; ``log_prob`` and ``elbo`` ``(B,)`` in nats.

    Raises:
        ValueError: a setting is out of range, or x not of this shape and support.

    >>> model = VQVAE((1, 2, 2), tokens=2, codes=3, hidden=8)
    >>> x = model.sample(5)
    >>> bool((model.elbo(x) <= model.log_prob(x)).all()), model.encode(x).shape
    (True, torch.Size([5, 2]))
    """

    title = "VQ-VAE"
    about = "a code of a few words (2017)"
    on_tree: ClassVar[bool] = False
    descends_from: ClassVar[type] = VAE
    latent = True
    fit_defaults = {"lr": 6e-3, "epochs": 100, "batch_size": 100, "schedule": "cosine", "average": 0.99}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        levels: int = 2,
        tokens: int = 4,
        codes: int = 16,
        width: int = 2,
        hidden: int = 256,
        dropout: float = 0.1,
        commitment: float = 0.25,
    ) -> None:
        super().__init__(event_shape)
        self.support = support_of(levels, "VQVAE")
        for name, count in {"tokens": tokens, "codes": codes, "width": width, "hidden": hidden}.items():
            check_count(count, f"VQVAE: {name}")
        if codes < 2 or codes**tokens > ENUMERABLE:
            many = f"at least 2 codes, and at most {ENUMERABLE:,} for all tokens"
            raise ValueError(f"VQVAE: expected {many}, got {codes} for each of {tokens}")
        check_number(dropout, "VQVAE: dropout", low=0, high=0.99)
        self.commitment = check_number(commitment, "VQVAE: commitment", low=0)
        self.levels, self.tokens, self.codes = levels, tokens, codes
        self.encoder = layers([self.dims, hidden, tokens * width], dropout)
        self.codebook = nn.Parameter(START * torch.randn(tokens, codes, width))
        self.decoder = layers([tokens * width, hidden, hidden, self.dims], dropout)
        self.log_scale = nn.Parameter(torch.full((self.dims,), -2.0)) if levels > 2 else None
        self.prior = nn.ModuleList(layers([1 + t * codes, 4 * codes, codes]) for t in range(tokens))

    def encode(self, x: Tensor) -> Tensor:
        """The code c(x): which vector of each token's codebook is nearest to the encoder's, ``(B, T)``."""
        return self._nearest(self._vectors(self.check(x)))

    def _vectors(self, x: Tensor) -> Tensor:
        """h: ``(B, T, width)``."""
        return self.encoder(2 * x.flatten(1) - 1).unflatten(1, (self.tokens, -1))

    def _nearest(self, h: Tensor) -> Tensor:
        """The nearest vector of each codebook: ``(B, T, width)`` to ``(B, T)``."""
        return torch.cdist(h.transpose(0, 1), self.codebook).argmin(2).T

    def _words(self, c: Tensor) -> Tensor:
        """e: the vectors of a code, ``(B, T)`` to ``(B, T, width)``."""
        return self.codebook[torch.arange(self.tokens, device=c.device), c]

    def _given(self, e: Tensor) -> Bernoulli | DiscretisedLogistic:
        """p(x | c) from the words ``(B, T, width)``, over pixels ``(B, D)``."""
        out = self.decoder(e.flatten(1))
        if self.log_scale is None:
            return Bernoulli(out)
        return DiscretisedLogistic(out, self.log_scale.expand_as(out), self.levels)

    def log_prior(self, c: Tensor) -> Tensor:
        """log p(c) in nats, ``(B, T)`` to ``(B,)``."""
        before = self.reference.new_ones(len(c), 1)
        total = before.new_zeros(len(c))
        for t, net in enumerate(self.prior):
            total = total + net(before).log_softmax(1).gather(1, c[:, t : t + 1])[:, 0]
            before = self._and(before, c[:, t])
        return total

    def _and(self, before: Tensor, token: Tensor) -> Tensor:
        """What the prior's next network reads: what the last one read, and the token ``(B,)`` after it."""
        return torch.cat([before, one_hot(token, self.codes).to(before.dtype)], 1)

    def every_code(self) -> Tensor:
        """All codes, ``(K^T, T)``."""
        each = torch.arange(self.codes, device=self.reference.device)
        return torch.cartesian_prod(*[each] * self.tokens).view(-1, self.tokens)

    def _log_prob(self, x: Tensor) -> Tensor:
        grey = (x.flatten(1) * (self.levels - 1)).round().long()
        shown, total = one_hot(grey, self.levels).to(x.dtype).flatten(1).T, []  # (D·L, B)
        for c in self.every_code().split(ROWS):
            given = self._given(self._words(c)).log_levels().flatten(1) @ shown  # log p(x | c), (codes, B)
            total.append((self.log_prior(c)[:, None] + given).logsumexp(0))
        return torch.stack(total).logsumexp(0)

    def elbo(self, x: Tensor) -> Tensor:
        """log p(x, c(x)) of the image's own code, in nats: a lower bound of log p(x), ``(B,)``."""
        x = self.check(x)
        c = self._nearest(self._vectors(x))
        return self._given(self._words(c)).log_prob(x.flatten(1)) + self.log_prior(c)

    def loss(self, x: Tensor) -> Tensor:
        """−log p(x, c(x)), and what moves codebooks and encoder to each other, over the batch: a scalar."""
        x = self.check(x)
        h = self._vectors(x)
        c = self._nearest(h.detach())
        e = self._words(c)
        through = h + (e - h).detach()  # forward e, backward h
        fit = self._given(through).log_prob(x.flatten(1))
        near = (e - h.detach()).square() + self.commitment * (h - e.detach()).square()
        return (near.flatten(1).sum(1) - fit - self.log_prior(c)).mean()

    @torch.no_grad()
    def held_out(self, x: Tensor) -> Tensor:
        """What early stopping watches: the bound of each image's own code, in nats."""
        return -self.elbo(x).mean()

    def decode(self, c: Tensor) -> Tensor:
        """The mean image of codes c ``(B, T)``: ``(B, *event_shape)``."""
        return self._given(self._words(c)).mean.view(-1, *self.event_shape)

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        before = self.reference.new_ones(n, 1)
        tokens = []
        for net in self.prior:
            tokens.append(torch.multinomial(net(before).softmax(1), 1, generator=generator)[:, 0])
            before = self._and(before, tokens[-1])
        x = self._given(self._words(torch.stack(tokens, 1))).sample(generator)
        return x.view(n, *self.event_shape)
