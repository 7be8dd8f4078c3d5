"""Several autoregressive models of one kind, each with its own order of the pixels, as one model."""

from collections.abc import Sequence
from math import log
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from course_utils.taxonomy import Autoregressive, TractableDensity


class OrderEnsemble(TractableDensity):
    r"""The mixture of K autoregressive models, which may differ in the order of the pixels.

    An order is chosen at random, then the pixels are drawn in it:

        p(x) = 1/K Σ_k p_k(x),   log p(x) = logsumexp_k log p_k(x) − log K.

    *Probabilities* of whole images are averaged. The mean of the members' log-odds, pixel by pixel, is no
    model: where orders differ, a pixel sees others that see it, and Σ_x p(x) ≠ 1. B. Uria, I. Murray and
    H. Larochelle, *A Deep and Tractable Density Estimator*, ICML 2014.

    While training, the members take turns, a batch each: members that share their weights (the
    ``members`` of a MADE, or ``NADE.reordered``) are so trained for all orders at once. By Jensen's
    inequality the mean of their losses is an upper bound of the mixture's.

    Raises:
        ValueError: members is empty, or they are not autoregressive, of one shape and of one support.

    >>> from course_utils.models import NADE
    >>> ensemble = OrderEnsemble([NADE((1, 1, 2)), NADE((1, 1, 2), order=[1, 0])])
    >>> x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).view(4, 1, 1, 2)
    >>> round(ensemble.log_prob(x).exp().sum().item(), 4)
    1.0
    """

    title = "Ensemble of orders"
    about = "p(x) = 1/K Σ p_k(x)"
    on_tree: ClassVar[bool] = False
    latent = True  # which order was chosen is hidden
    fit_defaults = {"lr": 1e-2, "epochs": 150, "batch_size": 100, "schedule": "cosine"}

    def __init__(self, members: Sequence[Autoregressive]) -> None:
        members = list(members)
        if not members or not all(isinstance(member, Autoregressive) for member in members):
            got = [type(member).__name__ for member in members]
            raise ValueError(f"OrderEnsemble: expected at least one autoregressive model, got {got}")
        kinds = {(member.event_shape, member.support) for member in members}
        if len(kinds) > 1:
            raise ValueError(f"OrderEnsemble: expected members of one shape and support, got {sorted(kinds)}")
        super().__init__(members[0].event_shape)
        self.support = members[0].support
        self.members: Any = nn.ModuleList(members)
        self.turn = 0

    def get_extra_state(self) -> Tensor:
        """Whose turn it is in training, for the ``state_dict``."""
        return torch.tensor(self.turn)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the turn from a ``state_dict``."""
        self.turn = int(state)

    def _log_prob(self, x: Tensor) -> Tensor:
        log_p = torch.stack([member.log_prob(x) for member in self.members])  # (K, B)
        return log_p.logsumexp(0) - log(len(log_p))

    def loss(self, x: Tensor) -> Tensor:
        """E_x[−log p(x)] in nats: while training of one member, each in turn, else of the mixture."""
        if not self.training:
            return super().loss(x)
        self.turn += 1
        return -self.members[self.turn % len(self.members)].log_prob(x).mean()

    def _sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        many, device = len(self.members), self.reference.device
        chosen = torch.randint(many, (n,), generator=generator, device=device)
        counts = torch.bincount(chosen, minlength=many).tolist()
        drawn = [m.sample(k, generator=generator) for m, k in zip(self.members, counts, strict=True) if k]
        return torch.cat(drawn)[chosen.argsort(stable=True).argsort()]
