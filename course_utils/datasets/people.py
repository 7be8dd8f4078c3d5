"""People in shirts, drawn: the flat shirt, the person in it, and where each point of the cloth has gone."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from course_utils.checks import check_count, check_seed, described
from course_utils.datasets.examples import Examples
from course_utils.datasets.garments import LARGEST, Cloth, by_kind, covered, numbers, outlines, sleeves, slope
from course_utils.datasets.garments import VARIABLES as OF_CLOTH
from course_utils.nets.thin_plate import spline

JOINTS = ("neck", "left shoulder", "left elbow", "left wrist", "left hip")
JOINTS += ("right shoulder", "right elbow", "right wrist", "right hip")
SIDES, CHUNK = (32, 128), 32  # drawn at once, so that what is computed stays in the cache
SKINS = ((0.98, 0.86, 0.76), (0.94, 0.76, 0.62), (0.82, 0.62, 0.46), (0.62, 0.43, 0.30), (0.42, 0.28, 0.20))
HAIRS = ((0.12, 0.09, 0.08), (0.33, 0.20, 0.12), (0.58, 0.36, 0.17), (0.86, 0.67, 0.34), (0.62, 0.62, 0.64))
LEGS = ((0.16, 0.22, 0.40), (0.22, 0.22, 0.25), (0.42, 0.36, 0.30), (0.30, 0.42, 0.56), (0.55, 0.50, 0.44))
WALLS = ((0.86, 0.90, 0.95), (0.93, 0.90, 0.84), (0.86, 0.93, 0.88), (0.93, 0.88, 0.92), (0.90, 0.90, 0.90))
GREY, MARGIN = 0.62, 0.03  # of what is hidden in an agnostic picture: its colour; around the largest shirt
BODY = {"x": (-0.10, 0.10), "y": (-0.36, -0.26), "lean": (-0.16, 0.16), "shoulders": (0.33, 0.40)}
BODY |= {"waist": (0.25, 0.31), "hips": (0.27, 0.33), "length": (0.86, 1.00), "tilt": (-0.16, 0.16)}
# What an arm can do: angles outward from straight down of upper arm and forearm, and how often.
ARMS = {"hangs": (0.42, 0.70, 0.05, 0.45), "waves": (1.15, 1.75, 2.3, 3.0)}
ARMS |= {"crosses": (0.42, 0.62, -1.75, -1.05), "on hip": (0.80, 1.00, -0.75, -0.50)}
OFTEN = (0.40, 0.62, 0.87, 1.0)
CHOICES = 5  # skin, hair, its kind, legs, wall
VARIABLES = len(BODY) + CHOICES + 2 * 3
HANGING = (1, 2, 3)  # kinds of hair that are seen behind the body, too
UPPER, FORE = 0.42, 0.38  # lengths of upper arm and forearm


@dataclass(frozen=True, eq=False, repr=False)
class People(Examples):
    """N people with the shirts they wear. S is the side; coordinates go from −1 to 1, right and down.

    Attributes:
        x: the pictures ``(N, 3, S, S)``, in [0, 1].
        garment: each one's shirt, lying flat on white ``(N, 3, S, S)``.
        cut: how much of each pixel there is shirt ``(N, 1, S, S)``.
        agnostic: the person without the shirt ``(N, 3, S, S)``: grey wherever any shirt could be.
        hidden: how much of each pixel there is grey ``(N, 1, S, S)``.
        pose: where the JOINTS are ``(N, 9, 2)``: (x, y).
        warp: for each pixel of x the place in the flat picture that it shows ``(N, S, S, 2)``: (x, y).
        mask: how much of each pixel of x is shirt that is seen ``(N, 1, S, S)``.
        front: how much of each pixel of x is before any shirt, as head and crossed arms are ``(N, 1, S, S)``.
        body, cloth: the uniform numbers ``(N, …)`` that ``dressed`` draws it all from.
    """

    x: Tensor
    garment: Tensor
    cut: Tensor
    agnostic: Tensor
    hidden: Tensor
    pose: Tensor
    warp: Tensor
    mask: Tensor
    front: Tensor
    body: Tensor
    cloth: Tensor

    def __repr__(self) -> str:
        return f"People({len(self)} of {self.x.shape[-2]}×{self.x.shape[-1]}, {self.x.device})"


def people(n: int, *, side: int = 64, seed: int = 0) -> People:
    """Draw n people, each in a shirt of their own.

    Bodies and shirts are drawn independently. The warp is the thin-plate spline through points of the body
    that points of the cloth come to lie at, so it is known exactly. An arm may hang, wave, cross the torso
    (and hide some of the shirt) or rest on the hip. The first m of ``people(n)`` are ``people(m)``.

    Args:
        n: how many. side: S, from 32 to 128 pixels. seed: of everything.

    Raises:
        ValueError: n, side or seed is none of the choices.

    >>> some = people(3)
    >>> some.x.shape, some.garment.shape, some.warp.shape
    (torch.Size([3, 3, 64, 64]), torch.Size([3, 3, 64, 64]), torch.Size([3, 64, 64, 2]))
    """
    check_count(n, "people: n")
    generator = torch.Generator().manual_seed(check_seed(seed, "people"))
    u = torch.rand(n, VARIABLES + OF_CLOTH, generator=generator)
    return dressed(u[:, :VARIABLES], u[:, VARIABLES:], side=side)


def dressed(body: Tensor, cloth: Tensor, *, side: int = 64) -> People:
    """Draw these people in these shirts: numbers from 0 to 1 for each, as in ``People.body`` and ``.cloth``.

    >>> a, b = people(2, seed=0), people(2, seed=1)
    >>> torch.equal(dressed(a.body, b.cloth).agnostic, a.agnostic)  # it knows nothing of the shirt
    True

    Raises:
        ValueError: body, cloth or side is not what it should be.
    """
    for name, u, k in (("body", body, VARIABLES), ("cloth", cloth, OF_CLOTH)):
        if not isinstance(u, Tensor) or u.dim() != 2 or u.shape[1] != k or len(u) != len(body) or not len(u):
            raise ValueError(f"dressed: expected {name} (N, {k}), as many of both, got {described(u)}")
    check_count(side, "dressed: side", low=SIDES[0], high=SIDES[1])
    pairs = zip(body.split(CHUNK), cloth.split(CHUNK), strict=True)
    return People(*(torch.cat(part) for part in zip(*(_drawn(*pair, side) for pair in pairs), strict=True)))


def _drawn(body: Tensor, cloth: Tensor, side: int) -> tuple[Tensor, ...]:
    middle = (torch.arange(side) + 0.5) * (2 / side) - 1
    at = torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1)
    figure, shirt = Figure(body, at), Cloth.of(cloth)
    garment, cut = shirt.paint(shirt.flat(at))
    on = figure.on_cloth()
    rgb, alpha = shirt.paint(on)
    largest = {name: torch.tensor(value) for name, value in LARGEST.items()}
    a, b = on.unbind(-1)
    shape = outlines(a, b, largest, sleeves(a, b, largest))
    anything = covered(shape - MARGIN, slope(shape))[:, None]
    below, (above, solid) = figure.below(), figure.above()
    bare = 1 - solid
    x = torch.lerp(below, rgb, alpha).mul_(bare).add_(above)
    agnostic = below.lerp_(torch.tensor(GREY), anything).mul_(bare).add_(above)
    hidden, mask = anything * bare, alpha * bare
    flat = torch.lerp(torch.ones(1), garment, cut)
    pictures = (part.clamp_(0, 1) for part in (x, flat, cut, agnostic, hidden))
    return *pictures, figure.pose(), shirt.laid(on), mask, solid, body, cloth


class Figure:
    """The bodies of N people, and the layers of their pictures on a grid of pixels at (x, y)."""

    def __init__(self, u: Tensor, at: Tensor) -> None:
        self.at, self.pixel = at, (at[0, 1, 0] - at[0, 0, 0]).item()
        self.across, self.down = at[:1, :, 0], at[:, :1, 1]
        self.b = numbers(u, BODY)
        own = u[:, len(BODY) :]
        self.choices, arms = own[:, :CHOICES], own[:, CHOICES:].reshape(-1, 2, 3)
        self.kind = torch.searchsorted(torch.tensor(OFTEN), arms[..., 0].contiguous()).clamp_(max=3)
        low, high, low_fore, high_fore = torch.tensor(list(ARMS.values()))[self.kind].unbind(-1)
        self.upper = low + (high - low) * arms[..., 1]
        self.fore = low_fore + (high_fore - low_fore) * arms[..., 2]
        c, s = self.b["lean"].cos(), self.b["lean"].sin()
        right, down = at[..., 0] - self.b["x"], at[..., 1] - self.b["y"]
        self.u, self.v = c * right + s * down, c * down - s * right  # in the frame of the torso

    def place(self, u: Tensor, v: Tensor) -> Tensor:
        """Points ``(N, K)`` in the frame of the torso, 0 at the neck, in the picture's ``(N, K, 2)``."""
        c, s = self.b["lean"].cos()[:, 0], self.b["lean"].sin()[:, 0]
        return torch.stack([c * u - s * v + self.b["x"][:, 0], s * u + c * v + self.b["y"][:, 0]], -1)

    def arm(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Shoulder, elbow and wrist ``(N, 2)`` of the arm on the picture's left (k = 0) or right (1)."""
        sign = 2 * k - 1
        shoulder = self.place(sign * 0.92 * self.b["shoulders"][:, 0], torch.full((len(self.upper), 1), 0.13))
        shoulder = shoulder[:, 0]
        elbow = shoulder + UPPER * _way(sign, self.upper[:, k])
        return shoulder, elbow, elbow + FORE * _way(sign, self.fore[:, k])

    def pose(self) -> Tensor:
        """The JOINTS ``(N, 9, 2)``."""
        sides = []
        for k in (0, 1):
            hip = self.place((2 * k - 1) * 0.8 * self.b["hips"][:, 0], self.b["length"][:, 0])
            sides += [*self.arm(k), hip[:, 0]]
        neck = self.place(*torch.zeros(2, len(self.upper), 1))[:, 0]
        return torch.stack([neck, *sides], 1)

    def on_cloth(self) -> Tensor:
        """For each pixel the place on the cloth that lies there ``(N, H, W, 2)``: the true warp."""
        length = self.b["length"][:, 0]
        none, body, cloth = torch.zeros_like(length), [], []

        def pin(u: Tensor, v: Tensor | float, x: float, y: float) -> None:
            body.append(self.place(u, v + none)[:, 0])
            cloth.append((x, y))

        pin(none, 0.0, 0.0, -0.60)
        pin(none, 0.42 * length, 0.0, -0.05)
        pin(none, length, 0.0, 0.70)
        for k, sign in ((0, -1), (1, 1)):
            pin(sign * self.b["waist"][:, 0], 0.58 * length, sign * 0.40, 0.15)
            pin(sign * self.b["hips"][:, 0], length, sign * 0.42, 0.70)
            pin(sign * (self.b["waist"][:, 0] + 0.02), 0.30 * length, sign * 0.41, -0.14)
            shoulder, way = self.arm(k)[0], _way(sign, self.upper[:, k])
            up = torch.stack([way[:, 1], -way[:, 0]], -1) * sign
            raised = torch.stack([torch.full_like(up[:, 0], sign * 0.5), -torch.ones_like(up[:, 0])], -1)
            body.append(shoulder + 0.10 * torch.nn.functional.normalize(up + raised, dim=-1))
            cloth.append((sign * 0.46, -0.52))
            for edge in (-1, 1):
                body.append(shoulder + 0.33 * way - edge * 0.108 * up)
                cloth.append((sign * (0.36 + 0.318 - edge * 0.113), -0.40 + 0.318 + edge * 0.113))
        places = torch.tensor(cloth).expand(len(length), -1, -1)
        return spline(torch.stack(body, 1), places, self.at.reshape(-1, 2)).reshape(-1, *self.at.shape)

    def pick(self, i: int, colours: tuple[tuple[float, ...], ...]) -> Tensor:
        """One of the colours for each person ``(N, 3, 1, 1)``."""
        which = (self.choices[:, i] * len(colours)).long().clamp_(max=len(colours) - 1)
        return torch.tensor(colours)[which][..., None, None]

    def below(self) -> Tensor:
        """The picture without a shirt and all that is before it: wall, hair behind, legs, torso, arms."""
        skin, leg, wall = self.pick(0, SKINS), self.pick(3, LEGS), self.pick(4, WALLS)
        x = wall * (1.02 - 0.10 * (self.at[..., 1] + 1) / 2)
        u, v, length = self.u, self.v, self.b["length"]
        self._upper(x).lerp_(self.pick(1, HAIRS), self._cover(self._hair(behind=True)))
        for k in (0, 1):
            upper, fore = (self._cover(distance) for distance in self.limbs[k])
            x = x.lerp_(skin * (0.94 + 0.06 * k), upper + (1 - upper) * fore)
        wide = self.b["hips"] + 0.06 * (v - length) - 0.01
        legs = torch.maximum(u.abs() - wide, length - 0.14 - v)
        gap = torch.maximum(u.abs() - 0.015, length + 0.16 - v)
        x = x.lerp_(leg, self._cover(torch.maximum(legs, -gap)))
        waist = torch.lerp(self.b["shoulders"], self.b["waist"], (v / (0.55 * length)).clamp(0, 1)) - 0.03
        slopes = 0.05 + 0.3 * (u.abs() - 0.1) - v
        torso = torch.maximum(torch.maximum(u.abs() - waist, v - length + 0.1), slopes)
        neck = torch.maximum(u.abs() - 0.085, torch.maximum(v - 0.15, -0.2 - v))
        return x.lerp_(skin, self._cover(torch.minimum(torso, neck)))

    def above(self) -> tuple[Tensor, Tensor]:
        """What is before the shirt: colours times coverage ``(N, 3, H, W)`` and coverage ``(N, 1, H, W)``."""
        skin, hair = self.pick(0, SKINS), self.pick(1, HAIRS)
        a, b = self.head
        face = ((a / 0.165) ** 2 + (b / 0.20) ** 2).sqrt_().sub_(1).mul_(0.17)
        ears = ((a.abs() - 0.165) ** 2 + (b - 0.01) ** 2).sqrt_() - 0.035
        eyes = ((a.abs() - 0.07) ** 2 + (b - 0.0) ** 2).sqrt_() - 0.024
        mouth = torch.maximum((b - 0.10 + 2.0 * a * a).abs() - 0.014, a.abs() - 0.055)
        dark, lips = torch.full((1, 3, 1, 1), 0.12), skin * torch.tensor((0.80, 0.45, 0.42))[:, None, None]
        layers = [(skin * 0.95, ears), (skin, face), (hair, self._hair(behind=False))]
        layers += [(dark, eyes), (lips, mouth)]
        rgb, solid = (torch.zeros(len(a), k, *self.at.shape[:2]) for k in (3, 1))
        for colour, distance in layers:
            cover = self._cover(distance)
            self._upper(rgb).lerp_(colour, cover)
            self._upper(solid).lerp_(torch.ones(1), cover)
        for k in (0, 1):
            rows = (self.kind[:, k] >= 2).nonzero()[:, 0]
            cover = self._cover(self.limbs[k][1][rows])
            rgb[rows] = rgb[rows].lerp_(skin[rows] * (0.94 + 0.06 * k), cover)
            solid[rows] = solid[rows].lerp_(torch.ones(1), cover)
        return rgb, solid

    @staticmethod
    def _upper(pictures: Tensor) -> Tensor:
        """The upper half of pictures ``(N, C, H, W)``, a view: no head, hair or face reaches below it."""
        return pictures[:, :, : pictures.shape[2] // 2]

    @cached_property
    def head(self) -> tuple[Tensor, Tensor]:
        """Pixels of the upper half in the frame of the head, its middle at 0."""
        c, s = (self.b["lean"] + self.b["tilt"]).cos(), (self.b["lean"] + self.b["tilt"]).sin()
        x, y = self.at[: len(self.at) // 2].unbind(-1)
        u, v = x - self.b["x"] - 0.30 * self.b["lean"], y - self.b["y"] + 0.30
        return c * u + s * v, c * v - s * u

    def _hair(self, *, behind: bool) -> Tensor:
        """Distance from the hair behind the body or before the face, in the upper half."""
        a, b = self.head
        distance = torch.ones_like(a)
        for kind, rows in by_kind((self.choices[:, 2] * 5).long()):  # 0 short, 1 long, 2 bun, 3 curls, 4 bald
            if (kind in HANGING) if behind else kind < 4:
                distance[rows] = _hanging(kind, a[rows], b[rows]) if behind else _cap(a[rows], b[rows])
        return distance

    @cached_property
    def limbs(self) -> list[tuple[Tensor, Tensor]]:
        """Of both arms: distances from the upper arm, and from the forearm with its hand."""
        found = []
        for k in (0, 1):
            shoulder, elbow, wrist = self.arm(k)
            palm = wrist + 0.03 * torch.nn.functional.normalize(wrist - elbow, dim=-1)
            hand = self._capsule(palm, palm + 1e-3, 0.078, 0.078)
            lower = torch.minimum(self._capsule(elbow, wrist, 0.075, 0.060), hand)
            found.append((self._capsule(shoulder, elbow, 0.088, 0.076), lower))
        return found

    def _capsule(self, a: Tensor, b: Tensor, ra: float, rb: float) -> Tensor:
        """Distance of pixels from thick lines from a to b ``(N, 2)``, of radius ra at a, rb at b."""
        (ax, ay), (dx, dy) = (part.T[..., None, None] for part in (a, b - a))
        x, y = self.across - ax, self.down - ay  # (N, 1, W), (N, H, 1)
        squared = dx * dx + dy * dy
        t = (x * (dx / squared) + y * (dy / squared)).clamp_(0, 1)
        x, y = torch.addcmul(x, t, -dx), torch.addcmul(y, t, -dy)
        return x.mul_(x).addcmul_(y, y).sqrt_().sub_(ra).add_(t, alpha=ra - rb)

    def _cover(self, distance: Tensor) -> Tensor:
        return covered(distance, self.pixel)[:, None]


def _cap(a: Tensor, b: Tensor) -> Tensor:
    """Distance from hair before the face, in the frame of the head."""
    cap = ((a / 0.19) ** 2 + ((b + 0.03) / 0.20) ** 2).sqrt_().sub_(1).mul_(0.19)
    return torch.maximum(cap, b + 0.085 - 0.12 * a)


def _hanging(kind: int, a: Tensor, b: Tensor) -> Tensor:
    """Distance from hair behind the body: long, in a bun, or curls."""
    if kind == 1:
        return torch.maximum(torch.maximum(a.abs() - 0.20 - 0.06 * b, b - 0.32), -0.05 - b)
    if kind == 2:
        return (a**2 + (b + 0.25) ** 2).sqrt_() - 0.085
    return (a**2 + (b + 0.05) ** 2).sqrt_() - 0.255


def _way(sign: int, angle: Tensor) -> Tensor:
    """The direction ``(N, 2)`` at an angle outward from straight down."""
    return torch.stack([sign * angle.sin(), angle.cos()], -1)
