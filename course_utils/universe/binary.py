"""Binary images so small that every one of them can be counted, and known distributions over them.

States are numbered by the binary number that their pixels spell, the most significant bit first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.checks import check_count, check_events, check_generator, check_number, described


def all_images(height: int, width: int) -> Tensor:
    """Every binary image of this size, in the order of their state numbers: ``(2^(hw), 1, h, w)``.

    Raises:
        ValueError: there are more than 20 pixels.

    >>> all_images(1, 2).flatten(1).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    pixels = check_count(height, "all_images") * check_count(width, "all_images")
    if pixels > 20:
        raise ValueError(f"all_images: expected at most 20 pixels, got {pixels}: 2**{pixels} are too many")
    bits = torch.arange(pixels - 1, -1, -1)
    return ((torch.arange(2**pixels)[:, None] >> bits) & 1).view(-1, 1, height, width).float()


def state_index(x: Tensor) -> Tensor:
    """The state number of each binary image: ``(B, ...)`` to ``(B,)``, the inverse of `all_images`.

    Raises:
        ValueError: x is no batch of images with values in {0, 1}, or of more than 62 pixels.

    >>> state_index(all_images(2, 2)).tolist() == list(range(16))
    True
    """
    if not isinstance(x, Tensor) or x.dim() < 2 or x[:1].numel() > 62:
        raise ValueError(f"state_index: expected images (B, ...) of at most 62 pixels, got {described(x)}")
    bits = x.flatten(1).long()
    if not bool((bits == x.flatten(1)).all() & ((bits == 0) | (bits == 1)).all()):
        raise ValueError("state_index: expected values in {0, 1}, got others")
    return (bits << torch.arange(bits.shape[1] - 1, -1, -1, device=x.device)).sum(1)


@dataclass(frozen=True)
class BinaryUniverse:
    """A known distribution p_D over every binary image of a small size.

    Raises:
        ValueError: states are not all images in their order, or log_p is no distribution over them.
    """

    name: str  # what it is called in plots
    states: Tensor  # all S = 2^(hw) images, (S, 1, h, w) float32, in the order of their state numbers
    log_p: Tensor  # log p_D of each state in nats, (S,) float64; sums to 1 in probability

    def __post_init__(self) -> None:
        x, log_p, who = self.states, self.log_p, "BinaryUniverse"
        if not isinstance(x, Tensor) or x.dim() != 4 or x.shape[:2] != (2 ** x.shape[2:].numel(), 1):
            raise ValueError(f"{who}: expected states (2^(hw), 1, h, w), got {described(x)}")
        if not torch.equal(x.cpu(), all_images(*x.shape[2:]).to(x.dtype)):
            raise ValueError(f"{who}: expected states as all_images gives them, got others or another order")
        if not isinstance(log_p, Tensor) or log_p.shape != (len(x),) or log_p.dtype != torch.double:
            raise ValueError(f"{who}: expected log_p ({len(x)},) float64, got {log_p!r:.60}")
        if not abs(log_p.logsumexp(0).item()) < 1e-9:
            total = log_p.exp().sum().item()
            raise ValueError(f"{who}: expected log_p to sum to 1 in probability, got a sum of {total:.7g}")

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.states):,} states, entropy {self.entropy:.4f} nats"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one image, (1, h, w)."""
        return tuple(self.states.shape[1:])

    @property
    def entropy(self) -> float:
        """H(p_D) = −Σ p_D log p_D in nats: no model's expected negative log-likelihood is lower."""
        return -(self.log_p.exp() * self.log_p.clamp_min(-1e300)).sum().item()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p_D(x) in nats, ``(B, 1, h, w)`` to ``(B,)`` float64."""
        check_events(x, self.event_shape, "binary", like=x, who=self.name)
        return self.log_p.to(x.device)[state_index(x)]

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw n images x ∼ p_D, ``(n, 1, h, w)``."""
        who, p = f"{self.name}.sample", self.log_p.exp()
        check_generator(generator, p.device, who)
        index = torch.multinomial(p, check_count(n, who), replacement=True, generator=generator)
        return self.states[index]


def bars_and_stripes(side: int, flip: float = 0.02) -> BinaryUniverse:
    """Bars and stripes with pixel noise: structure that no product of pixels can express.

    A pattern has every row all black or all white, or every column; each of the K patterns is equally
    likely (K = 14 on 3×3, 30 on 4×4); then every pixel flips with probability ``flip``:

        p_D(x) = 1/K Σ_patterns flip^d (1 − flip)^(D − d),  d = Hamming distance of x to the pattern.

    MacKay, *Information Theory, Inference, and Learning Algorithms* (2003), chapter 43.

    Raises:
        ValueError: the side is not 2, 3 or 4, or flip is not in [0, 1].

    >>> bars_and_stripes(3, flip=0)
    bars and stripes 3×3: 512 states, entropy 2.6391 nats
    """
    if not isinstance(side, int) or isinstance(side, bool) or side not in (2, 3, 4):
        raise ValueError(f"bars_and_stripes: expected a side of 2, 3 or 4, got {side!r}")
    flip = check_number(flip, "bars_and_stripes: flip", low=0, high=1)
    states = all_images(side, side)
    rows = all_images(1, side).view(-1, side, 1).expand(-1, side, side)
    patterns = torch.cat([rows, rows.mT]).flatten(1).unique(dim=0)
    x = states.flatten(1)
    distance = (x @ (1 - patterns.T) + (1 - x) @ patterns.T).double()  # (S, patterns)
    p = (flip**distance * (1 - flip) ** (side**2 - distance)).mean(1)
    return BinaryUniverse(f"bars and stripes {side}×{side}", states, (p / p.sum()).log())
