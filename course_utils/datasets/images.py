"""Labelled images as tensors, in three splits, and the ways to turn grey levels into model inputs.

A grey image of L levels holds integers v in {0, …, L−1}. Models see it as one of four kinds:

- ``"binary"``: x = 1 where v ≥ L/2 (rounded down), else 0;
- ``"levels"``: x = v/(L−1), exactly on the grid of L values from 0 to 1;
- ``"unit"``: x = (v + u)/L with u uniform in (0, 1): dequantised, a density on [0, 1) (Theis et al. 2016),
  with noise that ``fit`` draws anew in every step;
- ``"stochastic"``: x ∼ Bernoulli(v/(L−1)), drawn once (Salakhutdinov & Murray 2008).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.checks import check_generator, check_seed, described, on_grid

KINDS = ("binary", "levels", "unit", "stochastic")
MAX_LEVELS = 256
NOISE_STEPS = 2**15


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images x ``(N, 1, H, W)``, float32, and labels y ``(N,)``, int64 (−1: unknown); unpacks as ``x, y``.

    ``training.fit`` takes them as they are, x alone for a model without classes, and passes each batch
    through their ``training_transform``. ``levels``: of the grey levels over whose cells noise has spread x.
    """

    x: Tensor
    y: Tensor
    levels: int | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.x, self.y))

    def __repr__(self) -> str:
        return f"Images(x={tuple(self.x.shape)} {self.x.dtype}, y={tuple(self.y.shape)})"

    @property
    def training_transform(self) -> Callable[..., tuple[Tensor, ...]] | None:
        """What draws the noise of a batch anew, for dequantised images; None for others.

        A density that meets the same noise in every epoch learns it by heart: on the digits RealNVP then
        costs 0.13 bits/dim more on other images.
        """
        levels = self.levels
        if levels is None:
            return None
        return lambda x, *more: (spread((x * levels).floor(), levels, None), *more)


@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """A data set in three disjoint parts: train to fit, valid to stop early, test to report.

    Unpacks as ``train, valid, test``.

    Attributes:
        name: what the set is called.
        kind: "binary", "levels", "unit" or "stochastic" (see the module).
        levels: the number of grey levels L: 2 where x is binary.
        source: where the images come from.
    """

    train: Images
    valid: Images
    test: Images
    name: str
    kind: str
    levels: int
    source: str

    def __len__(self) -> int:
        return sum(map(len, self))

    def __iter__(self) -> Iterator[Images]:
        return iter((self.train, self.valid, self.test))

    def __repr__(self) -> str:
        most = self.levels - 1
        unit = f"(v + u)/{self.levels} in [0, 1), v = 0 … {most}, u uniform"
        values = {"levels": f"k/{most}, k = 0 … {most}", "unit": unit}.get(self.kind, "0 and 1")
        sizes = f"{len(self.train)} train, {len(self.valid)} valid, {len(self.test)} test"
        shape = "×".join(map(str, self.train.x.shape[1:]))
        return (
            f"{self.name}, {self.kind}: {sizes}\n  {shape}, {self.train.x.dtype}\n"
            f"  values: {values}\n  source: {self.source}"
        )


def dequantise(levels_x: Tensor, levels: int, generator: torch.Generator | None = None) -> Tensor:
    """Spread each grey level uniformly over its cell: x = (v + u)/L, so that a density can be fitted.

    Then E_u[log p(x)] − D·log L ≤ log P(v): a density model bounds the discrete likelihood from below
    (Theis, van den Oord & Bethge 2016). Call it again each epoch for fresh noise u.

    Args:
        levels_x: grey levels v/(L−1) in any shape, float32 or float64: what ``kind="levels"`` gives.
        levels: L, from 2 to 256.
        generator: the random numbers to use, on the device of levels_x; None: torch's own.

    Returns:
        Values in (0, 1), in the shape of levels_x; ⌊L·x⌋ is v again, exactly.

    Raises:
        ValueError: levels_x is not on the grid of L levels, or levels or generator do not fit.

    >>> v = torch.tensor([0.0, 0.5, 1.0])
    >>> (dequantise(v, 3) * 3).floor().tolist()
    [0.0, 1.0, 2.0]
    """
    return spread(grid_index(levels_x, levels, generator, "dequantise"), levels, generator)


def spread(v: Tensor, levels: int, generator: torch.Generator | None) -> Tensor:
    """(v + u)/L for integers v held as floats."""
    # Midpoints of 2¹⁵ steps: v + u fits float32's 24 bits, so rounding never moves x to the next cell.
    x = torch.randint(NOISE_STEPS, v.shape, generator=generator, dtype=v.dtype, device=v.device)
    return x.add_(0.5).div_(NOISE_STEPS).add_(v).div_(levels)


def binarise(levels_x: Tensor, levels: int, generator: torch.Generator | None = None) -> Tensor:
    """Read each grey level as a probability and toss: x ∼ Bernoulli(v/(L−1)).

    Called again each epoch it gives the *dynamic* binarisation of the literature, whose figures differ
    by about 2 nats from those of a *static* one (``binarized_mnist``).

    Args and errors: as ``dequantise``.

    Returns:
        0 and 1, in the shape of levels_x.

    >>> binarise(torch.tensor([0.0, 1.0]), 2).tolist()
    [0.0, 1.0]
    """
    grey = grid_index(levels_x, levels, generator, "binarise") / (levels - 1)
    return torch.bernoulli(grey, generator=generator)


def grid_index(levels_x: Tensor, levels: int, generator: torch.Generator | None, who: str) -> Tensor:
    """The integers v = (L−1)·x of grey levels x, as floats; a ValueError where x is off the grid."""
    if isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= MAX_LEVELS:
        raise ValueError(f"{who}: expected levels as an integer from 2 to {MAX_LEVELS}, got {levels!r}")
    if not isinstance(levels_x, Tensor) or levels_x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{who}: expected grey levels as float32 or float64, got {described(levels_x)}")
    check_generator(generator, levels_x.device, who)
    good = on_grid(levels_x, levels)
    if not bool(good.all()):
        worst = levels_x[~good].flatten()[0].item()
        raise ValueError(f"{who}: expected grey levels k/{levels - 1} from 0 to 1, got a value {worst:.6g}")
    return (levels_x * (levels - 1)).round()


def make_splits(
    parts: tuple[tuple[Tensor, Tensor], ...],
    name: str,
    source: str,
    kind: str,
    levels: int,
    generator: torch.Generator,
) -> Splits:
    """Turn three pairs of integer grey images ``(N, 1, H, W)`` and labels ``(N,)`` into one kind."""
    turn = {
        "binary": lambda v: (v >= levels // 2).float(),
        "levels": lambda v: v.float() / (levels - 1),
        "unit": lambda v: spread(v.float(), levels, generator),
        "stochastic": lambda v: torch.bernoulli(v.float() / (levels - 1), generator=generator),
    }[kind]
    noisy = levels if kind == "unit" else None
    train, valid, test = (Images(turn(v), y.long(), noisy) for v, y in parts)
    seen = levels if kind in ("levels", "unit") else 2
    return Splits(train, valid, test, name, kind, seen, source)


def check_kind(kind: str, seed: int, who: str) -> torch.Generator:
    """The random numbers of a kind of images, from this seed; one ValueError for a bad kind or seed."""
    if kind not in KINDS:
        raise ValueError(f"{who}: expected kind as one of {', '.join(KINDS)}, got {kind!r}")
    return torch.Generator().manual_seed(check_seed(seed, who))
