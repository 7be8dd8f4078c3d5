"""Augmentation: more images for a small set, by hand or from a model, and many classifiers to judge it."""

from collections.abc import Callable
from math import inf, pi
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, silu

from course_utils.checks import check_count, check_number, check_seed, described

TURN, SHIFT, STRETCH = 10.0, 0.75, 0.1


def unequal(y: Tensor, rare: Tensor, *, few: int = 5, many: int = 80, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows of a training set in which some classes are rare, and all other rows, to test on.

    Of the images of classes y ``(N,)``, the seed chooses ``few`` of each rare class, ``many`` of each other.

    Raises:
        ValueError: a class has not enough images.

    >>> y = torch.arange(60) % 3
    >>> train, test = unequal(y, torch.tensor([1]), few=2, many=10)
    >>> y[train].bincount().tolist(), len(test)
    ([10, 2, 10], 38)
    """
    generator = torch.Generator().manual_seed(check_seed(seed, "unequal"))
    parts = []
    for k in y.unique():
        rows, n = (y == k).nonzero()[:, 0], few if bool((rare == k).any()) else many
        if check_count(n, "unequal: few, many") >= len(rows):
            raise ValueError(f"unequal: expected fewer than {len(rows)} images of class {int(k)}, got {n}")
        parts.append(rows[torch.randperm(len(rows), generator=generator)[:n]])
    train = torch.cat(parts)
    test = torch.ones(len(y), dtype=torch.bool).index_fill(0, train, False)
    return train, test.nonzero()[:, 0]


def draw_rows(y: Tensor, n: int, *, balanced: bool, generator: torch.Generator) -> Tensor:
    """n rows of a set with replacement: every *image* as likely as any other, or, balanced, every class.

    A balanced draw repeats the images of a rare class, as often as it takes.

    >>> y = torch.tensor([0] * 99 + [1])
    >>> rows = draw_rows(y, 1000, balanced=True, generator=torch.Generator().manual_seed(0))
    >>> 450 < y[rows].sum() < 550
    tensor(True)
    """
    counts = y.bincount()
    weights = 1.0 / counts[y] if balanced else torch.ones(len(y))
    return torch.multinomial(weights, n, replacement=True, generator=generator)


def recall(y: Tensor, read: Tensor, rare: Tensor) -> float:
    """How many images of each class in ``rare`` are read as what they are, in percent: the classes' mean.

    Unlike the share of all images read right, it does not care for what is common. y is the class of each
    image, ``read`` what it was read as, ``(N,)`` both.

    Raises:
        ValueError: y and read are not as long, or no image is of some class.

    >>> recall(torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 0, 1]), torch.tensor([1]))
    50.0
    """
    if y.shape != read.shape or len(rare) == 0 or not bool(torch.isin(rare, y).all()):
        got = f"y {tuple(y.shape)}, read {tuple(read.shape)} and rare {rare.tolist()}"
        raise ValueError(
            f"recall: expected as many classes read as there are, images of each rare one; got {got}"
        )
    return float(torch.stack([100 * (read[y == k] == k).double().mean() for k in rare]).mean())


def warp(
    x: Tensor,
    *,
    turn: float = TURN,
    shift: float = SHIFT,
    stretch: float = STRETCH,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Each image turned, shifted and stretched a little, by what anyone knows about digits: a new copy of x.

        x′(p) = x(A p + t),   A = rotation by at most ``turn`` · (1 ± ``stretch``),

    interpolated bilinearly, white (0) from outside.

    Args:
        x: ``(B, C, H, W)``.
        turn: the largest angle, in degrees. shift: the largest shift along each axis, in pixels. stretch: the
            largest share by which an axis is longer or shorter.
        generator: draws a uniformly random angle, shift and stretch for each image.

    Raises:
        ValueError: x is no batch of images, or a size is negative.

    >>> x = torch.rand(3, 1, 5, 7)
    >>> torch.allclose(warp(x, turn=0, shift=0, stretch=0), x, atol=1e-5)
    True
    """
    if not isinstance(x, Tensor) or x.dim() != 4 or not x.is_floating_point():
        raise ValueError(f"warp: expected images as a float tensor (B, C, H, W), got {described(x)}")
    for name, size in (("turn", turn), ("shift", shift), ("stretch", stretch)):
        check_number(size, f"warp: {name}", low=0)
    B, _, H, W = x.shape
    u = 2 * torch.rand(B, 5, generator=generator, dtype=x.dtype, device=x.device) - 1
    angle, (wide, high) = u[:, 0] * turn * pi / 180, (1 + stretch * u[:, 1:3]).T
    cos, sin, dx, dy = angle.cos(), angle.sin(), u[:, 3] * shift * 2 / W, u[:, 4] * shift * 2 / H
    # positions run from −1 to 1 along both axes: a rotation of a picture that is not square needs its shape
    rows = [[cos * wide, -sin * high * H / W, dx], [sin * wide * W / H, cos * high, dy]]
    theta = torch.stack([torch.stack(row, 1) for row in rows], 1)
    return grid_sample(x, affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


Set = tuple[Tensor, Tensor]


def ways(x: Tensor, y: Tensor, made: Set, n: int, generator: torch.Generator) -> dict[str, Set]:
    """What classifiers may learn from: by the name of a way, n images and their classes, some repeated.

    "as they come": real images, rare classes rarely; "warped": the same, each warped. "repeated": every class
    as often, so that rare images come often; "generated": half of these are images that were made, by a model
    of the training set (x, y) that was asked for classes. Both also warped. "only generated": none is real.
    With as many steps for each, no way has an advantage.

    Raises:
        ValueError: images and classes, real or made, are not as many.
    """
    for images, classes in ((x, y), made):
        if len(images) != len(classes) or len(images) == 0:
            raise ValueError(f"ways: expected a class for each image, got {len(classes)} for {len(images)}")
    common = draw_rows(y, n, balanced=False, generator=generator)
    even = draw_rows(y, n, balanced=True, generator=generator)
    real, repeated = (x[common], y[common]), (x[even], y[even])
    new = draw_rows(made[1], n, balanced=True, generator=generator)
    generated, half = (made[0][new], made[1][new]), n // 2
    mixed = torch.cat([x[even[:half]], generated[0][half:]]), torch.cat([y[even[:half]], generated[1][half:]])
    found = {"as they come": real, "repeated": repeated, "generated": mixed, "only generated": generated}
    found["warped"] = warp(real[0], generator=generator), real[1]
    found["repeated, warped"] = warp(repeated[0], generator=generator), repeated[1]
    found["generated, warped"] = warp(mixed[0], generator=generator), mixed[1]
    return found


class Trial(NamedTuple):
    """One small set, and what it is to be judged by."""

    shown: dict[str, Set]  # what each of the ``ways`` shows a classifier
    test: Tensor  # rows of the images that it has not
    asked: Tensor  # the rare classes; without any, all


def trial(
    x: Tensor,
    y: Tensor,
    make: Callable[[Tensor, Tensor, Tensor], Tensor],
    *,
    few: int = 5,
    many: int = 80,
    rare: int = 2,
    n: int = 2400,
    seed: int = 0,
) -> Trial:
    """Draw a small set, have a model learn it and make images, and show both in all ``ways``.

    Args:
        x, y: all images with their classes.
        make: from a set (x, y), images of the classes asked for, ``(n,)``: trains what it needs.
        few, many, seed: as ``unequal`` has them. rare: how many classes are rare, drawn at random.
        n: how many images each way shows.

    >>> y = torch.arange(100) % 4
    >>> blank = lambda x, y, asked: torch.zeros(len(asked), 1, 8, 8)
    >>> one = trial(torch.rand(100, 1, 8, 8), y, blank, few=2, many=9, rare=1, n=20)
    >>> len(one.shown["repeated"][0]), len(one.test), len(one.asked)
    (20, 71, 1)
    """
    generator = torch.Generator().manual_seed(check_seed(seed, "trial"))
    classes = y.unique()
    chosen = classes[torch.randperm(len(classes), generator=generator)[:rare]]
    train, test = unequal(y, chosen, few=few, many=many, seed=seed)
    asked = classes.repeat(-(-n // 2 // len(classes)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = make(x[train], y[train], asked)
    shown = ways(x[train], y[train], (made, asked), n, generator)
    return Trial(shown, test, chosen if rare else classes)


class Classifiers(nn.Module):
    """Many small classifiers side by side, each on images of its own: an experiment repeated at little cost.

    A comparison of training sets needs many of them, since one split is chance. Their layers are stacked
    into one product of matrices; no weight is shared, so that each learns as it would alone.

        logits_m = V_m silu(W_m x + a_m) + b_m,   loss = Σ_m mean −log p_m(y_m | x_m).

    Args:
        copies: how many classifiers, M.
        dims: the number of pixels.
        hidden: the hidden units of each.
        classes: how many classes.

    Shapes: x ``(B, M, dims)`` and y ``(B, M)``, the b-th image and class of each.

    Raises:
        ValueError: a size is no positive integer; x or y has another shape.

    >>> model = Classifiers(3, dims=4, hidden=5, classes=2)
    >>> model(torch.rand(7, 3, 4)).shape, model.predict(torch.rand(6, 1, 2, 2)).shape
    (torch.Size([7, 3, 2]), torch.Size([3, 6]))
    """

    fit_defaults = {"lr": 5e-3, "epochs": 10, "batch_size": 50, "weight_decay": 0.05, "patience": inf}
    fit_defaults |= {"schedule": "cosine"}

    def __init__(self, copies: int, *, dims: int = 64, hidden: int = 64, classes: int = 10) -> None:
        super().__init__()
        for name, n in {"copies": copies, "dims": dims, "hidden": hidden, "classes": classes}.items():
            check_count(n, f"Classifiers: {name}")
        self.W = nn.Parameter(torch.randn(copies, dims, hidden) * (2 / dims) ** 0.5)
        self.a = nn.Parameter(torch.zeros(copies, 1, hidden))
        self.V = nn.Parameter(torch.randn(copies, hidden, classes) * hidden**-0.5)
        self.b = nn.Parameter(torch.zeros(copies, 1, classes))

    def forward(self, x: Tensor) -> Tensor:
        """The logits, ``(B, M, dims)`` to ``(B, M, classes)``."""
        M, dims, _ = self.W.shape
        if x.dim() != 3 or x.shape[1:] != (M, dims):
            raise ValueError(f"Classifiers: expected x as (B, {M}, {dims}), got {tuple(x.shape)}")
        return self._logits(x.transpose(0, 1)).transpose(0, 1)

    def _logits(self, x: Tensor) -> Tensor:
        h = silu(torch.baddbmm(self.a, 2 * x - 0.5, self.W))
        return torch.baddbmm(self.b, h, self.V)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Σ_m of the mean −log p_m(y_m | x_m), in nats: the gradient of each is its own."""
        logits = self(x)
        if y.shape != logits.shape[:2]:
            raise ValueError(f"Classifiers: expected y as {tuple(logits.shape[:2])}, got {tuple(y.shape)}")
        return cross_entropy(logits.flatten(0, 1), y.flatten()) * len(self.W)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The class that each of the classifiers gives to the same images, ``(N, …)`` to ``(M, N)``."""
        same = x.flatten(1).to(self.W).expand(len(self.W), -1, -1)
        return self._logits(same).argmax(2).cpu()
