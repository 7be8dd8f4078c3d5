"""Cars and shirts whose colour cannot be seen in a grey picture: p(colour | grey) is known."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from course_utils.checks import check_count, check_seed
from course_utils.datasets.examples import Examples
from course_utils.datasets.photographs import luma
from course_utils.datasets.shapes import capsule, ellipse, polygon

KINDS = ("car", "shirt")
SHARES = (0.5, 0.3, 0.2)  # p(colour | kind), and p(colour | grey), since no grey picture tells colours apart
LUMA = 0.5  # of every colour below, 0.299 R + 0.587 G + 0.114 B
BLUE_AND_RED = (  # chroma of the colours of each kind: (B − Y)/1.772 and (R − Y)/1.402
    ((-0.17, 0.34), (0.27, -0.20), (-0.15, -0.25)),  # cars: red, blue, green
    ((0.20, 0.27), (-0.27, 0.12), (0.08, -0.33)),  # shirts: magenta, ochre, teal
)
NAMES = (("red", "blue", "green"), ("magenta", "ochre", "teal"))
SKY, GRASS, ROAD = ((0.55, 0.74, 0.97), (0.88, 0.94, 0.99)), (0.36, 0.62, 0.24), (0.46, 0.46, 0.48)
GLASS, LAMP, ROPE = (0.72, 0.83, 0.92), (0.98, 0.93, 0.70), (0.35, 0.27, 0.20)
TYRE, RIM = (0.13, 0.13, 0.13), (0.72, 0.72, 0.72)
SIDES, CHUNK, TEXTURE = (16, 128), 256, 11
NEAR, MOST = 0.2, 0.9  # in chroma, of one light: two colours of a kind are 0.42 apart at least
NUMBERS = 8  # uniform numbers of a picture, beside its texture


@dataclass(frozen=True, eq=False, repr=False)
class Coloured(Examples):
    """N pictures of one thing each, and what they are made of: x = rest + paint · colour.

    Attributes:
        rest: ``(N, 3, S, S)``, float32: the picture without the paint.
        paint: ``(N, 1, S, S)`` in [0, 1]: how much of each pixel is painted, times its light.
        kind: ``(N,)``, int64: index into KINDS.
        colour: ``(N,)``, int64: which of the three colours of the kind, in the order of SHARES.
    """

    rest: Tensor
    paint: Tensor
    kind: Tensor
    colour: Tensor

    def __repr__(self) -> str:
        return f"Coloured({len(self)} of {self.rest.shape[-1]}×{self.rest.shape[-1]}: {', '.join(KINDS)})"

    @property
    def x(self) -> Tensor:
        """The pictures, ``(N, 3, S, S)`` in [0, 1]."""
        return self.painted(self.colours.gather(1, self.colour[:, None, None].expand(-1, 1, 3))[:, 0])

    @property
    def colours(self) -> Tensor:
        """The three colours that each thing may have, RGB ``(N, 3, 3)``."""
        return palette().to(self.rest)[self.kind]

    @property
    def mean(self) -> Tensor:
        """E[x | grey], exact: each in the mean of its three colours, ``(N, 3, S, S)``."""
        return self.painted((self.colours * self.rest.new_tensor(SHARES)[:, None]).sum(1))

    def painted(self, rgb: Tensor) -> Tensor:
        """The same pictures in other colours, RGB ``(N, 3)``."""
        return self.rest + self.paint * rgb[:, :, None, None]

    def legal(self, x: Tensor) -> Tensor:
        """Which one of its three colours the thing has in each picture of x, ``(N,)``; −1: in none of them.

        It has a colour if 90 % of its pixels, those that are painted by more than half, are near it in
        chroma: nearer than any other colour can be.
        """
        on, seen = self.paint[:, 0] > 0.5, _chroma(x - self.rest)
        shares = []
        for rgb in self.colours.unbind(1):
            off = (seen - self.paint * _chroma(rgb[..., None, None])).square().sum(1)
            near = off < (NEAR * self.paint[:, 0]).square()
            shares.append((near & on).flatten(1).sum(1) / on.flatten(1).sum(1))
        share, colour = torch.stack(shares, 1).max(1)
        return torch.where(share >= MOST, colour, -1)


def _chroma(x: Tensor) -> Tensor:
    """Blue and red chroma, linear in x."""
    y = luma(x)
    return torch.cat([(x[:, 2:] - y) / 1.772, (x[:, :1] - y) / 1.402], 1)


def palette() -> Tensor:
    """RGB of every colour of every kind, ``(2, 3, 3)``, all of one luma."""
    blue, red = torch.tensor(BLUE_AND_RED).unbind(-1)
    r, b = LUMA + 1.402 * red, LUMA + 1.772 * blue
    return torch.stack([r, (LUMA - 0.299 * r - 0.114 * b) / 0.587, b], -1)


def coloured(n: int, *, side: int = 32, seed: int = 0) -> Coloured:
    """Draw n pictures: a car on a road or a shirt on a line, in one of three colours of equal luma.

    Place, size, light and kind are drawn first, and are all that a grey picture shows; the colour is drawn
    from SHARES, whatever they are. So p(colour | grey) = SHARES for each picture, an entropy of 1.03 nats,
    and sky, grass and all but the paint have one colour for each grey value and place.

    Args:
        n: how many; the first m pictures of ``coloured(n)`` are ``coloured(m)``.
        side: S, from 16 to 128 pixels.
        seed: of everything.

    Raises:
        ValueError: n, side or seed is none of the choices.

    >>> some = coloured(5)
    >>> some, some.x.shape
    (Coloured(5 of 32×32: car, shirt), torch.Size([5, 3, 32, 32]))
    """
    check_count(n, "coloured: n")
    check_count(side, "coloured: side", low=SIDES[0], high=SIDES[1])
    generator = torch.Generator().manual_seed(check_seed(seed, "coloured"))
    u = torch.rand(n, NUMBERS + TEXTURE**2, generator=generator)
    parts = [_drawn(part, side) for part in u.split(CHUNK)]
    return Coloured(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _drawn(u: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Uniform numbers, a row a picture, as rest, paint, kind and colour."""
    kind = (u[:, 0] >= 0.5).long()
    colour = (u[:, 1:2] >= torch.tensor(SHARES).cumsum(0)).sum(1).clamp(max=2)
    texture = u[:, NUMBERS:].view(-1, 1, TEXTURE, TEXTURE)
    texture = interpolate(texture, (side, side), mode="bicubic", align_corners=True)[:, 0] - 0.5
    rest, paint = u.new_empty(len(u), 3, side, side), u.new_empty(len(u), 1, side, side)
    for k, thing in enumerate((_car, _shirt)):
        here = kind == k
        rest[here], paint[here] = thing(u[here, 2:NUMBERS, None, None], texture[here], side)
    return rest, paint, kind, colour


class _Canvas:
    """N pictures on which shapes are laid one over the other: x = rest + paint · colour."""

    def __init__(self, u: Tensor, side: int, ground: float) -> None:
        axis = (torch.arange(side) + 0.5) / side
        self.y, self.x, self.pixel = axis[:, None], axis, 1 / side
        light = 0.86 + 0.14 * u[:, 0]
        top, bottom = (torch.tensor(c)[:, None, None] for c in SKY)
        sky = torch.lerp(top, bottom, (self.y / ground).clamp(0, 1)) * light[:, None]
        self.rest = sky.expand(-1, -1, -1, side)
        self.paint = u.new_zeros(len(u), 1, side, side)

    def local(self, u: Tensor, middle: tuple[float, float], scale: float) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates of a thing about ``middle``, moved, sized and mirrored; and its size."""
        size = scale * (0.9 + 0.2 * u[:, 1])
        x = (self.x - middle[0] - 0.1 * (u[:, 2] - 0.5)) / size * torch.where(u[:, 3] < 0.5, -1.0, 1.0)
        y = (self.y - middle[1] - 0.1 * (u[:, 4] - 0.5)) / size
        return *torch.broadcast_tensors(x, y), size

    def lay(
        self, distance: Tensor, size: Tensor | float, colour: tuple[float, ...], light: Tensor | float = 1
    ) -> None:
        """Cover with a colour what lies inside a signed distance."""
        cover = self._cover(distance, size)
        rgb = torch.tensor(colour)[:, None, None] * (light[:, None] if isinstance(light, Tensor) else light)
        self.rest = torch.lerp(self.rest, rgb.expand_as(self.rest), cover)
        self.paint = self.paint * (1 - cover)

    def coat(self, distance: Tensor, size: Tensor, light: Tensor) -> None:
        """Cover with paint, of a light in [0, 1]."""
        cover = self._cover(distance, size)
        self.rest, self.paint = self.rest * (1 - cover), torch.lerp(self.paint, light[:, None], cover)

    def _cover(self, distance: Tensor, size: Tensor | float) -> Tensor:
        return (0.5 - distance * size / self.pixel).clamp(0, 1)[:, None]


def _car(u: Tensor, texture: Tensor, side: int) -> tuple[Tensor, Tensor]:
    c = _Canvas(u, side, 0.62)
    x, y, size = c.local(u, (0.5, 0.56), 0.38)
    axle = 0.56 + 0.1 * (u[:, 4] - 0.5) + 0.34 * size  # where the road is
    c.lay(axle - 0.16 - c.y, 1, GRASS, 0.9 + 0.5 * texture)
    c.lay(axle - 0.02 - c.y, 1, ROAD, 1 + 0.25 * texture)
    cabin = polygon(x, y, -0.62, -0.02, -0.40, -0.46, 0.20, -0.46, 0.50, -0.02) - 0.04
    body = torch.minimum(capsule(x, y, -0.72, 0.12, 0.74, 0.14, 0.24), cabin)
    c.lay(ellipse(x, y, 0, 0.48, 1.0, 0.1), size, TYRE)
    c.coat(body, size, (0.98 - 0.35 * (y + 0.1).clamp(0, 0.6) + 0.1 * texture).clamp(0, 1))
    c.lay(polygon(x, y, -0.48, -0.06, -0.34, -0.38, -0.10, -0.38, -0.10, -0.06), size, GLASS)
    c.lay(polygon(x, y, 0.0, -0.06, 0.0, -0.38, 0.15, -0.38, 0.36, -0.06), size, GLASS)
    c.lay(ellipse(x, y, 0.88, 0.08, 0.08, 0.07), size, LAMP)
    for wheel in (-0.48, 0.50):
        c.lay(ellipse(x, y, wheel, 0.34, 0.22, 0.22), size, TYRE)
        c.lay(ellipse(x, y, wheel, 0.34, 0.10, 0.10), size, RIM)
    return c.rest, c.paint


def _shirt(u: Tensor, texture: Tensor, side: int) -> tuple[Tensor, Tensor]:
    c = _Canvas(u, side, 0.8)
    x, y, size = c.local(u, (0.5, 0.5), 0.38)
    c.lay(0.86 + 0.05 * u[:, 5] - c.y, 1, GRASS, 0.9 + 0.5 * texture)
    c.lay((y + 0.56 - 0.03 * (x * x)).abs() - 0.025, size, ROPE)
    torso = polygon(x, y, -0.42, -0.56, 0.42, -0.56, 0.40, 0.62, -0.40, 0.62) - 0.03
    left = polygon(x, y, -0.40, -0.56, -0.38, -0.14, -0.70, 0.06, -0.92, -0.26) - 0.03
    right = polygon(x, y, 0.40, -0.56, 0.92, -0.26, 0.70, 0.06, 0.38, -0.14) - 0.03
    shirt = torch.minimum(torch.minimum(torso, left), right)
    shirt = torch.maximum(shirt, -ellipse(x, y, 0, -0.62, 0.20, 0.16))
    folds = 0.88 + 0.1 * torch.sin(2 * pi * (1.6 * x + 0.5 * y + u[:, 5])) + 0.1 * texture
    c.coat(shirt, size, (folds - 0.1 * (x.abs() > 0.42)).clamp(0, 1))
    for peg in (-0.34, 0.34):
        c.lay(capsule(x, y, peg, -0.64, peg, -0.5, 0.035), size, LAMP)
    return c.rest, c.paint
