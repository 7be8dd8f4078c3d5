"""Horses and zebras on meadows, drawn from a silhouette: two sets of pictures, and the pairs between them.

The silhouette is scikit-image's ``horse``, the turf its photograph ``grass``. Everything else follows from
uniform numbers: pose, meadow, stripes. The same numbers under another coat are the *same* animal in the same
place, so that a translation can be held against the picture that it should have made.
"""

from dataclasses import dataclass
from functools import cache
from math import pi
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

from course_utils.checks import check_count, check_seed

Coat = Literal["horse", "zebra", "tiger"]
COLOURS = {"horse": (0.58, 0.33, 0.15), "zebra": (0.95, 0.94, 0.91), "tiger": (0.75, 0.43, 0.2)}
DARK = (0.13, 0.09, 0.08)  # manes, hooves and stripes
WIDE, HIGH, MARGIN = 400, 328, 24  # of the silhouette, whose pixels measure places on the body; empty around
PERIOD = 48.0  # from one stripe to the next
POSE, COAT, MEADOW, RIDGE = 9, 2, 9, 9  # how many uniform numbers say what
SMALLEST, CHUNK = 16, 32  # pixels; pictures drawn at once, so that what is computed stays in the cache


@dataclass(frozen=True)
class Herd:
    """Pictures ``x`` (N, 3, side, side) in [0, 1]; ``body`` (N, 1, side, side): how much is animal."""

    x: Tensor
    body: Tensor


def herd(n: int, coat: Coat = "horse", *, side: int = 32, seed: int = 0) -> Herd:
    """Draw n animals of one coat, each in a pose and on a meadow of its own.

    The same seed gives the same poses and meadows under each coat. Every zebra has stripes of its own: where
    they begin is one of the numbers, and nothing in the picture of the horse tells it. A tiger wears a
    zebra's stripes on a horse's colour.

    Raises:
        ValueError: n is no positive integer, side is below 16, or the coat is none of the three.

    >>> horses, zebras = herd(3, "horse"), herd(3, "zebra")
    >>> horses.x.shape, horses.body.shape
    (torch.Size([3, 3, 32, 32]), torch.Size([3, 1, 32, 32]))
    >>> bool(((horses.x - zebras.x).abs() <= horses.body + 1e-6).all())  # they differ on the body alone
    True
    """
    n, seed = check_count(n, "herd: n"), check_seed(seed, "herd")
    if coat not in get_args(Coat):
        raise ValueError(f"herd: expected coat as one of {', '.join(get_args(Coat))}, got {coat!r}")
    if check_count(side, "herd: side") < SMALLEST:
        raise ValueError(f"herd: expected side of at least {SMALLEST} pixels, got {side}")
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, POSE + COAT + MEADOW + RIDGE, generator=generator)
    pictures = [drawn(part, coat, side) for part in u.split(CHUNK)]
    x, body = (torch.cat(part) for part in zip(*pictures, strict=True))
    return Herd(x, body)


def drawn(u: Tensor, coat: Coat, side: int) -> tuple[Tensor, Tensor]:
    """Pictures and bodies from uniform numbers, ``(N, 29)``; the animal at four points to a pixel."""
    pose, look, meadow, ridge = u.split([POSE, COAT, MEADOW, RIDGE], 1)
    place = on_the_body(pose, *points(2 * side))
    body, light, *dark = sampled(atlas(coat), place, "zeros")
    if coat != "horse":
        wave = (2 * pi * (dark.pop(1) / PERIOD + look[:, 1, None, None])).cos_()
        dark[0] = dark[0].maximum(wave.mul_(2.2).add_(0.7).clamp_(0, 1))
    lit = light.mul_(body)
    shares = torch.stack([body, lit - lit * dark[0], lit * dark[0]], 1)  # of animal, its colour, and dark
    body, colour, black = avg_pool2d(shares, 2).split(1, 1)
    own = torch.tensor(COLOURS[coat]) * (0.9 + 0.2 * look[:, :1] * (coat != "zebra"))
    x = meadows(meadow, ridge, pose, *points(side)) * (1 - body)
    x = x + own[..., None, None] * colour + torch.tensor(DARK)[:, None, None] * black
    return x.clamp_(0, 1), body


def points(side: int) -> tuple[Tensor, Tensor]:
    """x and y of the middles of side×side pixels that fill the square from −1 to 1."""
    line = (torch.arange(side) + 0.5) * (2 / side) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def sampled(maps: Tensor, place: Tensor, beyond: str) -> tuple[Tensor, ...]:
    """Maps (C, H, W) at places (N, h, w, 2) in [−1, 1]: C tensors (N, h, w)."""
    n, h = place.shape[:2]
    found = grid_sample(maps[None], place.flatten(0, 1)[None], padding_mode=beyond, align_corners=False)
    return found[0].unflatten(1, (n, h)).unbind(0)


def stance(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Half the animal's width, and where it stands: across and down; each ``(N, 1, 1)``."""
    size, across, down = u[:, :3, None, None].unbind(1)
    half = 0.72 + 0.22 * size
    return half, 1.6 * (across - 0.5) * (1 - half), 0.62 + 0.28 * down


def on_the_body(u: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Which place of the atlas each point of a picture shows, ``(N, h, w, 2)``.

    Backwards, from the picture to the animal at rest: shift, mirror, lean and size; then the neck turns about
    the withers, and hind legs and forelegs swing.
    """
    half, across, down = stance(u)
    mirror, lean, stout, nod, hind, fore = u[:, 3:POSE, None, None].unbind(1)
    x, y = (x - across) * torch.where(mirror < 0.5, 1.0, -1.0), y - down
    scale, slant = WIDE / 2 / half, 0.14 * (lean - 0.5)
    x, y = WIDE / 2 + (x - slant * y) * scale, HIGH - 18 + (y + slant * x) * scale / (0.92 + 0.2 * stout)
    turn = 0.6 * (nod - 0.35) * smooth((x - 235) / 70) * smooth((190 - y) / 40)
    x, y = x + turn * (y - 130), y - turn * (x - 255)
    swing = torch.lerp(hind, fore, smooth((x - 170) / 40)) - 0.5
    x = x - 70 * swing * ((y - 170) / 140).clamp_(0, 1.2)
    across, down = (x + MARGIN) * (2 / (WIDE + 2 * MARGIN)), (y + MARGIN) * (2 / (HIGH + 2 * MARGIN))
    return torch.stack([across, down], -1) - 1


def meadows(u: Tensor, ridge: Tensor, pose: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Sky, a line of trees, and turf on which the animal throws a shadow, ``(N, 3, h, w)``."""
    half, across, down = stance(pose)
    sky, wood, horizon, tall, left, top = u[:, :6, None, None].unbind(1)
    horizon, soft = 0.5 * horizon - 0.72, len(x) / 2
    near = ((y - horizon) / (1 - horizon)).clamp_(0, 1)
    zoom = 0.35 / (0.25 + 0.75 * near)  # far away, turf is finer, and paler
    place = torch.stack([x * zoom + 2 * left - 1, y * zoom + 2 * top - 1], -1)
    (turf,) = sampled(grass(), place, "reflection")
    turf = 1 + (0.15 + 0.35 * near) * turf
    away = ((x - across) / (0.85 * half)) ** 2 + ((y - down + 0.01) / 0.09) ** 2
    turf = turf * (1 - 0.45 * (1.3 - away).clamp_(0, 1))
    greens = torch.tensor([[0.56, 0.70, 0.36], [0.28, 0.50, 0.16]]) + 0.12 * (u[:, None, 6:] - 0.5)
    far, close = greens[..., None, None].unbind(1)
    ground = torch.lerp(far, close, near[:, None] ** 0.7) * turf[:, None]
    blue = colour(0.45, 0.68, 0.93) + 0.1 * (sky[:, None] - 0.5)
    air = torch.lerp(blue, colour(0.88, 0.94, 0.98), ((y + 1) / (horizon + 1)).clamp_(0, 1)[:, None])
    crowns = interpolate(ridge[:, None], len(x), mode="linear", align_corners=True)
    trees = horizon - 0.05 - 0.26 * tall * crowns
    air = torch.lerp(air, colour(0.22, 0.38, 0.24) + 0.08 * (wood[:, None] - 0.5), edge(y - trees, soft))
    return torch.lerp(air, ground, edge(y - horizon, soft))


def colour(*rgb: float) -> Tensor:
    """A colour that is laid over pictures, (3, 1, 1)."""
    return torch.tensor(rgb)[:, None, None]


def edge(below: Tensor, soft: float) -> Tensor:
    """How much of each pixel lies below a line, (N, 1, h, w)."""
    return (below * soft + 0.5).clamp_(0, 1)[:, None]


def smooth(t: Tensor) -> Tensor:
    """From 0 to 1 as t goes there, without a kink."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


@cache
def grass() -> Tensor:
    """The photograph of turf at half its size, around 0, ``(1, 256, 256)``."""
    from skimage.data import grass as photograph

    turf = avg_pool2d(torch.tensor(photograph(), dtype=torch.float32)[None], 2)
    return 0.6 * ((turf - turf.mean()) / turf.std()).clamp_(-2, 2)


@cache
def atlas(coat: Coat) -> Tensor:
    """The animal at rest, ``(3 or 4, 188, 224)``: body, light, what is dark; the way across its stripes."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter
    from skimage.data import horse

    body = np.pad(np.logical_not(np.asarray(horse())), MARGIN)
    y, x = np.mgrid[: body.shape[0], : body.shape[1]] + 0.5 - MARGIN
    deep = np.minimum(np.asarray(distance_transform_edt(body)), 45)
    across, down = np.gradient(gaussian_filter(np.sqrt(deep * (90 - deep)), 5))[::-1]  # round as a barrel
    light = 0.55 + 0.6 * ((1 + 0.9 * down) / np.sqrt(1 + across**2 + down**2)).clip(0, 1.4)
    further = ((x < 93) & (y > 205)) | ((x > 268) & (y > 250))  # legs
    tail = (x < 52) & (y > 92)
    mane = (deep < 11) & (x > 242) & (x < 352) & (y < 95) & (y < 38 + 0.84 * (352 - x))
    eye, nostril, hoof = np.hypot(x - 349, y - 42) < 4, np.hypot(x - 379, y - 88) < 3, y > 297
    dark = np.where(hoof | eye | nostril, 1.0, 0.0)
    if coat == "horse":
        dark = np.maximum(dark, 0.85 * (tail | mane))
    maps = [1.0 * body, gaussian_filter(light, 2) * np.where(further, 0.75, 1), gaussian_filter(dark, 1.2)]
    maps += [] if coat == "horse" else [along(x, y)]
    return avg_pool2d(torch.tensor(np.stack(maps), dtype=torch.float32), 2)


def along(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The way from the tail along the back, up the neck and down the legs: stripes lie across it."""

    def ramp(t: np.ndarray) -> np.ndarray:
        return smooth(torch.tensor(t)).numpy()

    hind = x < 190
    low, neck = 0.9 * ramp((y - 150) / 60), ramp((x - 235) / 50) * ramp((170 - y) / 60)
    way = x + low * (np.where(hind, 95, 272) - x) + np.where(hind, -1, 1) * (y - 160).clip(0)
    return way + neck * (262 + 0.55 * (x - 262) - 0.85 * (y - 120) - way)
