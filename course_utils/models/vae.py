"""VAE: a network that guesses the hidden cause of x, trained together with one that makes x of it."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from course_utils.checks import check_choice, check_count, check_number
from course_utils.models.distributions import Bernoulli, DiscretisedLogistic, Gaussian
from course_utils.nets.coders import Network, coders, one_hot_classes
from course_utils.taxonomy import Distribution, Support, Variational, log_mean_weight

Decoder = Literal["bernoulli", "discretised logistic", "gaussian"]

SUPPORTS: dict[str, Support] = {"bernoulli": "binary", "discretised logistic": "levels", "gaussian": "real"}
SIZES = (200,)
HELD_OUT_DRAWS = 8  # values of z for each example: one would make early stopping a lottery


class VAE(Variational):
    r"""Variational autoencoder: z ∼ N(0, I) hidden, x ∼ p(x | z) from a network, q(z | x) from another.

        log p(x) ≥ ELBO(x) = E_q[log p(x | z)] − KL(q(z | x)‖N(0, I)),   q(z | x) = N(μ(x), diag σ²(x)),

    with the KL in closed form, ½ Σ (μ² + σ² − 1 − log σ²), and the expectation from one z = μ + σ·ε,
    ε ∼ N(0, I): a function of μ and σ, so that gradients pass through it (reparameterisation).
    D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, ICLR 2014; D. J. Rezende, S. Mohamed and
    D. Wierstra, *Stochastic Backpropagation*, ICML 2014.

    The loss weighs the KL with β (Higgins et al., *β-VAE*, ICLR 2017); ``elbo`` is the bound for any β.

    Departures: SiLU and dropout, where the paper has tanh and a prior on the weights; ``fit`` steps with
    Adam, where it has Adagrad, and stops early. Asked without its class, a model with classes is bounded by
    importance weights (see ``Variational``), not by the KL in closed form.

    Args:
        event_shape: (C, H, W), or any shape for the dense network.
        latent: the number of dimensions of z.
        hidden: dense: the sizes of the hidden layers of the encoder, in the decoder reversed; () makes
            both linear. Convolutional: the number of channels.
        decoder: p(x | z), pixels independent given z: "bernoulli" for {0, 1}; "discretised logistic" for
            grey levels, with a scale learned for each pixel; "gaussian" for real values, one scale for all.
        network: "dense" or "convolutional".
        beta: β of the loss.
        samples: k > 1 trains with −L_k (*Importance Weighted Autoencoders*, Burda et al. 2016) and β = 1.
        levels: the number of grey levels of the discretised logistic.
        scale: σ of the gaussian decoder; None: learned.
        classes: the number of classes y, given to encoder and decoder; None: no classes.
        dropout: the share of hidden units left out in training, in the dense network.

    Shapes: x ``(B, *event_shape)``, z ``(B, latent)``; bounds ``(B,)`` in nats.

    Raises:
        ValueError: an argument is none of the above; x, z or y is not what it should be.

    >>> model = VAE((1, 4, 4), latent=2)
    >>> x = model.sample(3)
    >>> x.shape, model.elbo(x).shape, model.encode(x).mean.shape, model.decode(torch.zeros(5, 2)).mean.shape
    (torch.Size([3, 1, 4, 4]), torch.Size([3]), torch.Size([3, 2]), torch.Size([5, 1, 4, 4]))
    """

    title = "Variational autoencoder"
    about = "an encoder guesses the code that a decoder needs (2014)"
    fit_defaults = {"lr": 3e-2, "epochs": 200, "batch_size": 80, "schedule": "cosine", "patience": 60}

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        latent: int = 16,
        hidden: Sequence[int] | int | None = None,
        decoder: Decoder = "bernoulli",
        network: Network = "dense",
        beta: float = 1.0,
        samples: int = 1,
        levels: int = 17,
        scale: float | None = None,
        classes: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(event_shape)
        self.latent_shape = (check_count(latent, "VAE: latent"),)
        check_choice(decoder, "VAE: decoder", SUPPORTS)
        check_count(levels, "VAE: levels", low=2)
        self.beta = check_number(beta, "VAE: beta", low=0)
        self.samples = check_count(samples, "VAE: samples")
        if samples > 1 and beta != 1:
            raise ValueError(f"VAE: expected beta 1 with {samples} samples, got {beta}: L_k has no KL")
        check_number(dropout, "VAE: dropout", low=0, high=0.99)
        self.classes = None if classes is None else check_count(classes, "VAE: classes")
        self.kind, self.support = decoder, SUPPORTS[decoder]
        self.levels = levels if decoder == "discretised logistic" else 2
        how = (network, hidden, SIZES, self.classes, dropout)
        encoder, decoding = coders("VAE", self.event_shape, latent, 2 * latent, *how)
        self.encoder, self.decoder = encoder(), decoding()
        self.log_scale: Any = None
        if decoder == "gaussian":
            sigma = 1.0 if scale is None else check_number(scale, "VAE: scale", low=1e-6)
            self.log_scale = nn.Parameter(torch.tensor([sigma]).log(), requires_grad=scale is None)
        elif decoder == "discretised logistic":
            self.log_scale = nn.Parameter(torch.full(self.event_shape, -2.0))

    def loss(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """E_x[−E_q log p(x | z) + β KL(q(z | x)‖p(z))] over the batch, in nats: for β = 1, E_x[−ELBO(x)].

        With k > 1 samples it is E_x[−L_k(x)].
        """
        return self._loss(*self._check_pair(x, y))

    def _loss(self, x: Tensor, y: Tensor | None) -> Tensor:
        if self.samples > 1:
            return -log_mean_weight(self._log_weights(x, y, self.samples, None)).mean()
        fit, divergence = self._terms(x, y, None)
        return (self.beta * divergence - fit).mean()

    @torch.no_grad()
    def held_out(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The loss with several z for each example: what early stopping watches, with little noise."""
        pair = self._check_pair(x, y)
        return torch.stack([self._loss(*pair) for _ in range(HELD_OUT_DRAWS)]).mean()

    def _terms(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """log p(x | z) at one z ∼ q(z | x), and KL(q(z | x)‖p(z)): ``(B,)`` each."""
        q = self._encode(x, y)
        return self._decode(q.sample(generator), y).log_prob(x), q.kl_from_standard().sum(1)

    def _elbo(self, x: Tensor, y: Tensor | None, generator: torch.Generator | None) -> Tensor:
        fit, divergence = self._terms(x, y, generator)
        return fit - divergence

    def _log_weights(self, x: Tensor, y: Tensor | None, k: int, generator: torch.Generator | None) -> Tensor:
        mean, log_variance = self._encode(x, y)
        q = Gaussian(mean.repeat(k, 1), log_variance.repeat(k, 1))  # (k·B, latent)
        x, y = x.repeat(k, *[1] * (x.dim() - 1)), None if y is None else y.repeat(k)
        z = q.sample(generator)
        log_w = self._decode(z, y).log_prob(x) + self._prior(z).log_prob(z) - q.log_prob(z)
        return log_w.view(k, -1)

    def _encode(self, x: Tensor, y: Tensor | None) -> Gaussian:
        return Gaussian(*self.encoder(x, one_hot_classes(y, self.classes, x)).chunk(2, 1))

    def _decode(self, z: Tensor, y: Tensor | None) -> Distribution:
        out = self.decoder(z, one_hot_classes(y, self.classes, z))
        if self.kind == "bernoulli":
            return Bernoulli(out)
        if self.kind == "gaussian":
            return Gaussian(out, (2 * self.log_scale).expand_as(out))
        return DiscretisedLogistic(out, self.log_scale.expand_as(out), self.levels)

    def _sample(self, n: int, generator: torch.Generator | None, y: Tensor | None = None) -> Tensor:
        z = self._prior(self.reference.new_empty(n, *self.latent_shape)).sample(generator)
        return self._decode(z, y).sample(generator)

    def _prior(self, like: Tensor) -> Gaussian:
        return Gaussian(torch.zeros_like(like), torch.zeros_like(like))
