"""The drawings of cats, dogs and ducks: layers of simple shapes on the bones of a small skeleton.

A drawing lives in a square from −1 to 1, x to the right, y down, feet near y = 1, and looks to the right.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """Parts of one colour, painted together: (shape, bone, numbers); ``line``: with an outline."""

    colour: str
    parts: tuple[tuple, ...]
    line: bool = True

    def reach(self) -> dict[str, tuple[float, float, float, float]]:
        """Left, top, right, bottom of the parts on each bone."""
        found: dict[str, list[tuple[float, float, float, float]]] = {}
        for shape, bone, n in self.parts:
            if shape == "ellipse":
                x, y, r = (n[0],), (n[1],), max(n[2:4])
            elif shape == "capsule":
                x, y, r = n[:4:2], n[1:4:2], max(n[4:])
            else:
                x, y, r = n[::2], n[1::2], 0
            found.setdefault(bone, []).append((min(x) - r, min(y) - r, max(x) + r, max(y) + r))
        return {
            bone: (*map(min, list(zip(*b, strict=True))[:2]), *map(max, list(zip(*b, strict=True))[2:]))
            for bone, b in found.items()
        }


def chain(bone: str, points: tuple[float, ...], start: float, end: float) -> tuple[tuple, ...]:
    """A bent, tapered line through points x₁, y₁, x₂, y₂, …, as capsules."""
    xy = list(zip(points[::2], points[1::2], strict=True))
    steps = len(xy) - 1
    radius = [start + (end - start) * i / steps for i in range(steps + 1)]
    return tuple(("capsule", bone, (*xy[i], *xy[i + 1], radius[i], radius[i + 1])) for i in range(steps))


def face(x: float, y: float, gap: float, size: float) -> tuple[Layer, ...]:
    """Two eyes with a glint."""
    eyes = tuple(("ellipse", "head", (x + s * gap, y, size * 0.85, size)) for s in (-1, 1))
    glints = tuple(
        ("ellipse", "head", (x + s * gap + 0.3 * size, y - 0.4 * size, size * 0.35, size * 0.35))
        for s in (-1, 1)
    )
    return (Layer("black", eyes, line=False), Layer("white", glints, line=False))


def cat_head(x: float, y: float) -> tuple[Layer, ...]:
    """A cat's head from the front, centred at x, y: pointed ears, whiskers."""

    def at(*numbers: float) -> tuple[float, ...]:
        return tuple(v + (y if i % 2 else x) for i, v in enumerate(numbers))

    ears = tuple(("polygon", "head", at(s * 0.42, -0.08, s * 0.40, -0.62, s * 0.08, -0.26)) for s in (-1, 1))
    inner = tuple(("polygon", "head", at(s * 0.36, -0.2, s * 0.355, -0.48, s * 0.18, -0.28)) for s in (-1, 1))
    whiskers = tuple(
        ("capsule", "head", (*at(s * 0.2, 0.12), *at(s * 0.58, 0.12 + t), 0.012))
        for s in (-1, 1)
        for t in (-0.06, 0.08)
    )
    return (
        Layer("coat", (*ears, ("ellipse", "head", (x, y, 0.44, 0.36)))),
        Layer("pink", inner, line=False),
        Layer("second", (("ellipse", "head", (x, y + 0.16, 0.2, 0.14)),), line=False),
        *face(x, y - 0.03, 0.19, 0.085),
        Layer("pink", (("polygon", "head", at(-0.06, 0.07, 0.06, 0.07, 0, 0.14)),), line=False),
        Layer("black", whiskers, line=False),
    )


CAT_SITTING = (
    Layer("coat", chain("tail", (0.2, 0.82, 0.62, 0.86, 0.86, 0.66, 0.84, 0.38, 0.68, 0.2), 0.1, 0.08)),
    Layer(
        "coat",
        (("ellipse", "root", (0, 0.48, 0.42, 0.48)), ("ellipse", "root", (0, 0.15, 0.28, 0.34))),
    ),
    Layer("second", (("ellipse", "root", (0, 0.36, 0.19, 0.3)),), line=False),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.14, 0.5, -0.15, 0.88, 0.1)),
            ("capsule", "root", (0.14, 0.5, 0.15, 0.88, 0.1)),
        ),
    ),
    *cat_head(0, -0.34),
)
CAT_WALKING = (
    Layer(
        "coat", chain("tail", (-0.55, 0.2, -0.82, 0.0, -0.9, -0.3, -0.82, -0.62, -0.66, -0.74), 0.09, 0.07)
    ),
    Layer(
        "shade",
        (("capsule", "hind", (-0.34, 0.4, -0.3, 0.9, 0.1)), ("capsule", "fore", (0.2, 0.4, 0.24, 0.9, 0.1))),
    ),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.42, 0.24, 0.25, 0.22, 0.29)),
            ("capsule", "fore", (-0.5, 0.4, -0.56, 0.9, 0.1)),
            ("capsule", "hind", (0.4, 0.3, 0.44, 0.9, 0.1)),
        ),
    ),
    *cat_head(0.5, -0.22),
)


def dog_front_head(x: float, y: float) -> tuple[Layer, ...]:
    """A dog's head from the front, centred at x, y: hanging ears, muzzle, tongue."""
    ears = tuple(("ellipse", "head", (x + s * 0.43, y + 0.06, 0.15, 0.36, s * -14)) for s in (-1, 1))
    return (
        Layer("coat", (("ellipse", "head", (x, y - 0.06, 0.36, 0.38)),)),
        Layer("second", (("ellipse", "head", (x, y + 0.17, 0.25, 0.21)),), line=False),
        Layer("shade", ears),
        *face(x, y - 0.1, 0.15, 0.075),
        Layer("tongue", (("capsule", "head", (x + 0.03, y + 0.28, x + 0.03, y + 0.42, 0.075)),), line=False),
        Layer("black", (("ellipse", "head", (x, y + 0.08, 0.12, 0.085)),), line=False),
        Layer("black", (("capsule", "head", (x, y + 0.1, x, y + 0.25, 0.018)),), line=False),
    )


DOG_SITTING = (
    Layer("coat", chain("tail", (0.25, 0.8, 0.6, 0.72, 0.8, 0.45), 0.11, 0.05)),
    Layer("coat", (("ellipse", "root", (0, 0.52, 0.44, 0.45)), ("ellipse", "root", (0, 0.15, 0.3, 0.36)))),
    Layer("second", (("ellipse", "root", (0, 0.36, 0.2, 0.28)),), line=False),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.16, 0.46, -0.18, 0.87, 0.115)),
            ("capsule", "root", (0.16, 0.46, 0.18, 0.87, 0.115)),
        ),
    ),
    *dog_front_head(0, -0.44),
)
DOG_STANDING = (
    Layer("coat", chain("tail", (-0.6, 0.05, -0.8, -0.2, -0.84, -0.5), 0.09, 0.04)),
    Layer(
        "shade",
        (
            ("capsule", "hind", (-0.36, 0.35, -0.3, 0.9, 0.1)),
            ("capsule", "fore", (0.2, 0.35, 0.28, 0.9, 0.1)),
        ),
    ),
    Layer(
        "coat",
        (
            ("capsule", "root", (-0.42, 0.16, 0.25, 0.14, 0.26, 0.3)),
            ("capsule", "root", (0.25, 0.1, 0.45, -0.25, 0.22, 0.2)),
            ("capsule", "fore", (-0.52, 0.3, -0.55, 0.9, 0.11)),
            ("capsule", "hind", (0.4, 0.3, 0.4, 0.9, 0.11)),
        ),
    ),
    Layer("collar", (("capsule", "root", (0.22, -0.12, 0.58, 0.02, 0.055)),), line=False),
    Layer("tongue", (("capsule", "head", (0.78, -0.2, 0.8, -0.02, 0.07)),), line=False),
    Layer(
        "coat",
        (
            ("ellipse", "head", (0.48, -0.46, 0.3, 0.29)),
            ("capsule", "head", (0.6, -0.36, 0.86, -0.32, 0.16, 0.13)),
        ),
    ),
    Layer("black", (("ellipse", "head", (0.96, -0.4, 0.09, 0.08)),), line=False),
    Layer("black", (("ellipse", "head", (0.6, -0.54, 0.055, 0.065)),), line=False),
    Layer("shade", (("ellipse", "head", (0.3, -0.38, 0.14, 0.32, 12)),)),
)


def duck(legs: bool, x: float, y: float) -> tuple[Layer, ...]:
    """A duck from the side, its head centred at x, y, on its legs or afloat."""
    feet = (
        Layer(
            "accent",
            (
                ("capsule", "fore", (-0.15, 0.6, -0.12, 0.88, 0.05)),
                ("polygon", "fore", (-0.16, 0.86, 0.08, 0.98, -0.18, 0.98)),
                ("capsule", "hind", (0.12, 0.6, 0.14, 0.88, 0.05)),
                ("polygon", "hind", (0.1, 0.86, 0.34, 0.98, 0.08, 0.98)),
            ),
        ),
    )
    low = 0.0 if legs else 0.28
    return (
        *(feet if legs else ()),
        Layer("accent", (("capsule", "head", (x + 0.2, y + 0.05, x + 0.5, y + 0.1, 0.12, 0.06)),)),
        Layer(
            "coat",
            (
                ("ellipse", "root", (-0.12, 0.34 + low, 0.62, 0.34)),
                ("polygon", "tail", (-0.5, 0.15 + low, -0.95, -0.06 + low, -0.6, 0.5 + low)),
                ("capsule", "root", (0.3, 0.3 + low, x, y + 0.1, 0.24, 0.2)),
            ),
        ),
        Layer("second", (("ellipse", "head", (x, y, 0.29, 0.28)),)),
        Layer("shade", (("ellipse", "root", (-0.22, 0.3 + low, 0.36, 0.2, 12)),)),
        Layer("black", (("ellipse", "head", (x + 0.1, y - 0.06, 0.06, 0.07)),), line=False),
        Layer("white", (("ellipse", "head", (x + 0.12, y - 0.09, 0.025, 0.025)),), line=False),
    )


POSES = (
    (CAT_SITTING, CAT_WALKING),
    (DOG_SITTING, DOG_STANDING),
    (duck(True, 0.42, -0.42), duck(False, 0.45, -0.1)),
)
PIVOTS = (  # of the bones head, tail, fore, hind
    (((0, 0), (0.3, 0.85), (0, 0), (0, 0)), ((0.4, 0.05), (-0.55, 0.2), (-0.1, 0.3), (-0.1, 0.3))),
    (((0, -0.1), (0.3, 0.8), (0, 0), (0, 0)), ((0.4, -0.2), (-0.6, 0.1), (-0.1, 0.3), (-0.1, 0.3))),
    (((0.4, 0), (-0.5, 0.3), (0, 0.6), (0.1, 0.6)), ((0.4, 0.2), (-0.5, 0.6), (0, 0), (0, 0))),
)
BONES = ("root", "head", "tail", "fore", "hind")
