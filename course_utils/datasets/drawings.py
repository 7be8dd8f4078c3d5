"""The drawings of cats, dogs and ducks: layers of simple shapes on the bones of a small skeleton.

A drawing lives in a square from −1 to 1, x to the right, y down, its feet near y = 1; it looks to the
right. What turns, grows or steps as one is a bone.
"""

from dataclasses import dataclass

Part = tuple[str, str, tuple[float, ...]]  # shape (see shapes), bone, numbers


@dataclass(frozen=True)
class Layer:
    """Parts painted together in one colour, with an outline or without, or soft as a shadow is."""

    colour: str
    parts: tuple[Part, ...]
    line: bool = True

    def reach(self) -> dict[str, tuple[float, float, float, float]]:
        """Left, top, right, bottom of the parts on each bone."""
        boxes: dict[str, list[tuple[float, ...]]] = {}
        for shape, bone, n in self.parts:
            if shape == "ellipse":
                x, y, r = n[:1], n[1:2], max(n[2:4])
            elif shape == "capsule":
                x, y, r = n[:4:2], n[1:4:2], max(n[4:])
            else:
                x, y, r = n[::2], n[1::2], 0.0
            boxes.setdefault(bone, []).append((min(x) - r, min(y) - r, max(x) + r, max(y) + r))
        ends = (min, min, max, max)
        return {
            bone: tuple(end(side) for end, side in zip(ends, zip(*found, strict=True), strict=True))
            for bone, found in boxes.items()
        }


def chain(bone: str, points: tuple[float, ...], start: float, end: float) -> tuple[Part, ...]:
    """A bent, tapered line through points x₁, y₁, x₂, y₂, …, as capsules."""
    xy = list(zip(points[::2], points[1::2], strict=True))
    steps = len(xy) - 1
    radius = [start + (end - start) * i / steps for i in range(steps + 1)]
    return tuple(("capsule", bone, (*xy[i], *xy[i + 1], radius[i], radius[i + 1])) for i in range(steps))


def leg(x: float, y: float, bone: str = "root", thick: float = 0.1) -> tuple[Part, ...]:
    """A leg from x, y down to a paw that points forward."""
    foot = 0.9
    return (
        ("capsule", bone, (x, y, x, foot, thick * 1.15, thick)),
        ("ellipse", bone, (x + 0.05, foot + 0.02, thick * 1.25, thick * 0.85)),
    )


def eyes(x: float, y: float, gap: float, size: float, iris: str) -> tuple[Layer, ...]:
    """Two eyes seen from the front: iris, pupil, glint."""
    both = (x - gap, x + gap)
    wide = 0.45 if iris == "eye" else 0.78
    return (
        Layer(iris, tuple(("ellipse", "head", (v, y, size, size * 1.08)) for v in both), line=False),
        Layer("black", tuple(("ellipse", "head", (v, y, size * wide, size)) for v in both), line=False),
        Layer(
            "white",
            tuple(
                ("ellipse", "head", (v + 0.3 * size, y - 0.4 * size, size * 0.3, size * 0.3)) for v in both
            ),
            line=False,
        ),
    )


def cat_head(x: float, y: float) -> tuple[Layer, ...]:
    """A cat's head from the front, centred at x, y: pointed ears, slit pupils, whiskers."""

    def at(*numbers: float) -> tuple[float, ...]:
        return tuple(v + (y if i % 2 else x) for i, v in enumerate(numbers))

    def both(shape: str, *numbers: float) -> tuple[Part, ...]:
        return tuple(
            (shape, "head", at(*(s * v if i % 2 == 0 else v for i, v in enumerate(numbers)))) for s in (-1, 1)
        )

    whiskers = tuple(
        ("capsule", "head", (*at(s * 0.2, 0.13), *at(s * 0.6, 0.13 + t), 0.014))
        for s in (-1, 1)
        for t in (-0.07, 0.07)
    )
    stripes = tuple(("capsule", "head", (*at(v, -0.33), *at(v * 0.8, -0.2), 0.03)) for v in (-0.12, 0, 0.12))
    return (
        Layer(
            "coat",
            (
                *both("polygon", 0.43, -0.06, 0.41, -0.64, 0.07, -0.27),
                ("ellipse", "head", (x, y, 0.45, 0.36)),
            ),
        ),
        Layer("pink", both("polygon", 0.37, -0.2, 0.365, -0.5, 0.18, -0.28), line=False),
        Layer("mark", stripes, line=False),
        Layer("light", (("ellipse", "head", (x, y + 0.17, 0.21, 0.15)),), line=False),
        *eyes(x, y - 0.04, 0.2, 0.105, "eye"),
        Layer("nose", (("polygon", "head", at(-0.065, 0.07, 0.065, 0.07, 0, 0.15)),), line=False),
        Layer("black", whiskers, line=False),
    )


def dog_front(x: float, y: float) -> tuple[Layer, ...]:
    """A dog's head from the front, centred at x, y: hanging ears, muzzle, tongue."""
    ears = tuple(("ellipse", "head", (x + s * 0.44, y + 0.06, 0.155, 0.37, s * -14)) for s in (-1, 1))
    return (
        Layer("coat", (("ellipse", "head", (x, y - 0.06, 0.37, 0.38)),)),
        Layer("mark", (("ellipse", "head", (x + 0.17, y - 0.12, 0.15, 0.18)),), line=False),
        Layer("light", (("ellipse", "head", (x, y + 0.17, 0.25, 0.21)),), line=False),
        Layer("shade", ears),
        *eyes(x, y - 0.12, 0.16, 0.085, "white"),
        Layer("tongue", (("capsule", "head", (x + 0.02, y + 0.26, x + 0.02, y + 0.4, 0.075)),), line=False),
        Layer("black", (("ellipse", "head", (x, y + 0.07, 0.125, 0.09)),), line=False),
        Layer("black", (("capsule", "head", (x, y + 0.1, x, y + 0.25, 0.018)),), line=False),
    )


def dog_side(x: float, y: float) -> tuple[Layer, ...]:
    """A dog's head from the side, its skull centred at x, y: long muzzle, hanging ear."""
    muzzle = ("capsule", "head", (x + 0.12, y + 0.1, x + 0.38, y + 0.15, 0.17, 0.125))
    return (
        Layer("tongue", (("capsule", "head", (x + 0.27, y + 0.24, x + 0.3, y + 0.42, 0.07)),)),
        Layer("coat", (("ellipse", "head", (x, y, 0.31, 0.3)), muzzle)),
        Layer("light", (("capsule", "head", (x + 0.28, y + 0.17, x + 0.38, y + 0.17, 0.09)),), line=False),
        Layer("black", (("ellipse", "head", (x + 0.47, y + 0.06, 0.1, 0.085)),), line=False),
        Layer("white", (("ellipse", "head", (x + 0.12, y - 0.08, 0.075, 0.085)),), line=False),
        Layer("black", (("ellipse", "head", (x + 0.14, y - 0.07, 0.055, 0.065)),), line=False),
        Layer("shade", (("ellipse", "head", (x - 0.18, y + 0.1, 0.15, 0.34, 12)),)),
    )


def duck_head(x: float, y: float) -> tuple[Layer, ...]:
    """A duck's head from the side, centred at x, y, its bill and a ring about the neck."""
    bill = (
        ("capsule", "head", (x + 0.2, y + 0.06, x + 0.47, y + 0.1, 0.13, 0.06)),
        ("ellipse", "head", (x + 0.46, y + 0.1, 0.12, 0.065)),
    )
    return (
        Layer("accent", bill),
        Layer("second", (("ellipse", "head", (x, y, 0.29, 0.28)),)),
        Layer("white", (("ellipse", "head", (x + 0.1, y - 0.06, 0.085, 0.09)),), line=False),
        Layer("black", (("ellipse", "head", (x + 0.115, y - 0.05, 0.06, 0.07)),), line=False),
    )


def duck_body(low: float, x: float, y: float) -> Layer:
    """A duck's body with its tail up, ``low`` lower than at rest, and its neck to x, y."""
    return Layer(
        "coat",
        (
            ("ellipse", "root", (-0.12, 0.34 + low, 0.62, 0.34)),
            ("polygon", "tail", (-0.45, 0.1 + low, -0.95, -0.08 + low, -0.62, 0.52 + low)),
            ("capsule", "root", (0.3, 0.3 + low, x, y + 0.1, 0.25, 0.2)),
        ),
    )


def duck_feet(x: float, bone: str) -> tuple[Part, ...]:
    """A leg and a webbed foot."""
    return (
        ("capsule", bone, (x, 0.6, x + 0.02, 0.88, 0.055)),
        ("polygon", bone, (x, 0.84, x + 0.26, 0.98, x - 0.04, 0.98)),
    )


def _shadow(x: float, wide: float) -> Layer:
    """A soft shadow on the ground under the feet."""
    return Layer("shadow", (("ellipse", "root", (x, 0.95, wide, 0.16)),), line=False)


CAT_SITTING = (
    _shadow(0.1, 0.8),
    Layer("coat", chain("tail", (0.2, 0.82, 0.62, 0.86, 0.86, 0.66, 0.84, 0.38, 0.68, 0.2), 0.1, 0.085)),
    Layer("coat", (("ellipse", "root", (0, 0.5, 0.44, 0.46)), ("ellipse", "root", (0, 0.15, 0.28, 0.34)))),
    Layer("light", (("ellipse", "root", (0, 0.34, 0.19, 0.28)),), line=False),
    Layer("coat", (*leg(-0.15, 0.5), *leg(0.12, 0.5))),
    *cat_head(0, -0.34),
)
CAT_WALKING = (
    _shadow(-0.05, 0.85),
    Layer("coat", chain("tail", (-0.55, 0.2, -0.82, 0, -0.9, -0.3, -0.82, -0.62, -0.64, -0.72), 0.09, 0.075)),
    Layer("shade", (*leg(-0.3, 0.4, "back"), *leg(0.16, 0.4, "step"))),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.42, 0.24, 0.25, 0.22, 0.29)),
            *leg(-0.52, 0.35, "step"),
            *leg(0.36, 0.35, "back"),
        ),
    ),
    Layer(
        "mark",
        tuple(("capsule", "root", (v, -0.03, v - 0.03, 0.2, 0.04)) for v in (-0.42, -0.2, 0.02)),
        line=False,
    ),
    Layer("light", (("capsule", "root", (-0.3, 0.44, 0.1, 0.43, 0.07)),), line=False),
    *cat_head(0.5, -0.22),
)
CAT_LYING = (
    _shadow(-0.05, 0.95),
    Layer("coat", (("capsule", "root", (-0.5, 0.58, 0.3, 0.6, 0.38, 0.34)),)),
    Layer(
        "mark",
        tuple(("capsule", "root", (v, 0.22, v - 0.03, 0.46, 0.04)) for v in (-0.5, -0.28, -0.06)),
        line=False,
    ),
    Layer("coat", chain("tail", (-0.8, 0.7, -0.75, 0.9, -0.4, 0.92, -0.1, 0.88), 0.09, 0.075)),
    Layer(
        "light",
        (
            ("capsule", "root", (0.28, 0.9, 0.62, 0.9, 0.085)),
            ("capsule", "root", (0.5, 0.86, 0.82, 0.86, 0.085)),
        ),
    ),
    *cat_head(0.5, 0.26),
)
DOG_SITTING = (
    _shadow(0.05, 0.75),
    Layer("coat", chain("tail", (0.25, 0.8, 0.6, 0.7, 0.82, 0.4), 0.11, 0.05)),
    Layer("coat", (("ellipse", "root", (0, 0.54, 0.45, 0.43)), ("ellipse", "root", (0, 0.15, 0.3, 0.36)))),
    Layer("light", (("ellipse", "root", (0, 0.36, 0.2, 0.28)),), line=False),
    Layer("coat", (*leg(-0.18, 0.46, thick=0.11), *leg(0.14, 0.46, thick=0.11))),
    Layer("collar", (("capsule", "root", (-0.22, -0.02, 0.22, -0.02, 0.07)),), line=False),
    *dog_front(0, -0.44),
)
DOG_STANDING = (
    _shadow(-0.05, 0.85),
    Layer("coat", chain("tail", (-0.62, 0.05, -0.82, -0.2, -0.84, -0.52), 0.1, 0.045)),
    Layer("shade", (*leg(-0.36, 0.35, "back"), *leg(0.18, 0.35, "step"))),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.44, 0.14, 0.22, 0.16, 0.25, 0.31)),
            ("capsule", "root", (0.22, 0.1, 0.44, -0.25, 0.24, 0.2)),
            *leg(-0.58, 0.25, "step", 0.11),
            *leg(0.34, 0.3, "back", 0.11),
        ),
    ),
    Layer("mark", (("ellipse", "root", (-0.26, 0.1, 0.24, 0.17)),), line=False),
    Layer("collar", (("capsule", "root", (0.2, -0.14, 0.56, 0.02, 0.065)),), line=False),
    *dog_side(0.46, -0.46),
)
DOG_ASIDE = (
    _shadow(0, 0.75),
    Layer("coat", chain("tail", (-0.5, 0.82, -0.78, 0.74, -0.9, 0.45), 0.1, 0.045)),
    Layer("shade", leg(0.3, 0.3, thick=0.1)),
    Layer(
        "coat",
        (
            ("ellipse", "root", (-0.26, 0.6, 0.38, 0.36)),
            ("capsule", "root", (-0.2, 0.5, 0.16, -0.02, 0.34, 0.29)),
            ("capsule", "root", (0.14, 0, 0.24, -0.3, 0.26, 0.22)),
            *leg(0.18, 0.3, thick=0.11),
        ),
    ),
    Layer("light", (("ellipse", "root", (0.3, 0.16, 0.13, 0.2)),), line=False),
    Layer(
        "coat",
        (("ellipse", "root", (-0.28, 0.66, 0.26, 0.27)), ("capsule", "root", (-0.3, 0.91, 0, 0.91, 0.085))),
    ),
    Layer("collar", (("capsule", "root", (0.0, -0.15, 0.42, -0.06, 0.065)),), line=False),
    *dog_side(0.28, -0.5),
)
DUCK_STANDING = (
    _shadow(-0.05, 0.7),
    Layer("accent", (*duck_feet(-0.18, "step"), *duck_feet(0.1, "back"))),
    duck_body(0, 0.42, -0.42),
    Layer("shade", (("ellipse", "root", (-0.22, 0.3, 0.36, 0.2, 12)),)),
    Layer("mark", (("capsule", "root", (-0.42, 0.3, -0.18, 0.35, 0.045)),), line=False),
    *duck_head(0.42, -0.42),
)
DUCK_SWIMMING = (
    _shadow(-0.1, 0.95),
    duck_body(0.28, 0.45, -0.1),
    Layer("light", (("capsule", "root", (-0.3, 0.86, 0.15, 0.86, 0.07)),), line=False),
    Layer("shade", (("ellipse", "root", (-0.22, 0.56, 0.36, 0.2, 12)),)),
    Layer("mark", (("capsule", "root", (-0.42, 0.56, -0.18, 0.61, 0.045)),), line=False),
    *duck_head(0.45, -0.1),
)
DUCK_FLAPPING = (
    _shadow(-0.05, 0.7),
    Layer("accent", (*duck_feet(-0.18, "step"), *duck_feet(0.1, "back"))),
    Layer("shade", (("polygon", "tail", (-0.3, 0.3, -0.42, -0.75, 0.12, 0.15)),)),
    duck_body(0.05, 0.45, -0.3),
    Layer(
        "shade",
        (
            ("polygon", "tail", (-0.35, 0.42, -0.85, -0.55, -0.6, -0.55, 0.1, 0.3)),
            ("capsule", "tail", (-0.2, 0.38, -0.75, -0.5, 0.12, 0.1)),
        ),
    ),
    *duck_head(0.45, -0.3),
)
POSES = (
    (CAT_SITTING, CAT_WALKING, CAT_LYING),
    (DOG_SITTING, DOG_STANDING, DOG_ASIDE),
    (DUCK_STANDING, DUCK_SWIMMING, DUCK_FLAPPING),
)
# Where head and tail turn, and the height of the hips; one triple of points a drawing.
JOINTS = (
    (((0.0, 0.0), (0.3, 0.85), 0.4), ((0.4, 0.05), (-0.55, 0.2), 0.4), ((0.4, 0.5), (-0.8, 0.7), 0.4)),
    (((0, -0.1), (0.3, 0.8), 0.4), ((0.4, -0.2), (-0.6, 0.1), 0.3), ((0.25, -0.3), (-0.5, 0.8), 0.4)),
    (((0.4, 0), (-0.5, 0.3), 0.6), ((0.4, 0.2), (-0.5, 0.6), 0.6), ((0.4, 0), (-0.35, 0.3), 0.6)),
)
