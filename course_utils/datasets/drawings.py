"""The drawings of cats, dogs and ducks: layers of simple shapes on the bones of a small skeleton.

A drawing lives in a square from −1 to 1, x to the right, y down, its feet near y = 1; it looks to the
right. What turns, grows or steps as one is a bone. Numbers of a part are those of its shape in ``shapes``.
"""

from dataclasses import dataclass
from functools import partial

Part = tuple[str, str, tuple[float, ...]]  # shape, bone, numbers
COORDINATES = {"ellipse": 2, "capsule": 4}  # how many of the numbers are x, y, x, y …; of a polygon's all


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
            end = COORDINATES.get(shape, len(n))
            x, y, r = n[:end:2], n[1:end:2], max(n[end : end + 2], default=0.0)
            boxes.setdefault(bone, []).append((min(x) - r, min(y) - r, max(x) + r, max(y) + r))
        sides = {bone: tuple(zip(*found, strict=True)) for bone, found in boxes.items()}
        return {bone: (min(a), min(b), max(c), max(d)) for bone, (a, b, c, d) in sides.items()}


def outlined(colour: str, *parts: Part) -> Layer:
    """A layer with an outline."""
    return Layer(colour, parts)


def plain(colour: str, *parts: Part) -> Layer:
    """A layer without one."""
    return Layer(colour, parts, line=False)


def _part(shape: str, *numbers: float, bone: str = "root") -> Part:
    return shape, bone, numbers


ellipse, capsule, polygon = (partial(_part, shape) for shape in ("ellipse", "capsule", "polygon"))


def tail(start: float, end: float, *points: float) -> Layer:
    """A bent, tapered line through points x₁, y₁, x₂, y₂, …, as capsules; radius ``start`` to ``end``."""
    steps = len(points) // 2 - 1
    radius = [start + (end - start) * i / steps for i in range(steps + 1)]
    each = (capsule(*points[2 * i : 2 * i + 4], *radius[i : i + 2], bone="tail") for i in range(steps))
    return outlined("coat", *each)


def both(shape: str, *numbers: float) -> tuple[Part, ...]:
    """A part of a head and its mirror image: every x changes its sign, and so does the turn of an ellipse."""
    signed = {"ellipse": (0, 4), "capsule": (0, 2)}.get(shape, range(0, len(numbers), 2))
    mirrored = tuple(-v if i in signed else v for i, v in enumerate(numbers))
    return (shape, "head", mirrored), (shape, "head", numbers)


def head(x: float, y: float, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """A head that is drawn about the origin, at x, y, as a bone of its own."""

    def moved(shape: str, numbers: tuple[float, ...]) -> Part:
        end = COORDINATES.get(shape, len(numbers))
        return shape, "head", tuple(v + ((x, y)[i % 2] if i < end else 0) for i, v in enumerate(numbers))

    return tuple(
        Layer(layer.colour, tuple(moved(shape, n) for shape, _, n in layer.parts), layer.line)
        for layer in layers
    )


def eyes(y: float, gap: float, size: float, iris: str) -> tuple[Layer, ...]:
    """Two eyes seen from the front: iris, pupil, glint."""
    glints = (ellipse(x + 0.3 * size, y - 0.4 * size, size * 0.3, size * 0.3) for x in (-gap, gap))
    return (
        plain(iris, *both("ellipse", gap, y, size, size * 1.08)),
        plain("black", *both("ellipse", gap, y, size * (0.45 if iris == "eye" else 0.78), size)),
        plain("white", *glints),
    )


def leg(x: float, y: float, bone: str = "root", thick: float = 0.1) -> tuple[Part, ...]:
    """A leg from x, y down to a paw that points forward."""
    foot = 0.9
    return (
        capsule(x, y, x, foot, thick * 1.15, thick, bone=bone),
        ellipse(x + 0.05, foot + 0.02, thick * 1.25, thick * 0.85, bone=bone),
    )


def stripes(top: float, bottom: float, *places: float) -> Layer:
    """Short lines down a cat's back."""
    return plain("mark", *(capsule(x, top, x - 0.03, bottom, 0.04) for x in places))


def duck_body(low: float, x: float, y: float) -> Layer:
    """A duck's body with its tail up, ``low`` lower than at rest, and its neck to x, y."""
    return outlined(
        "coat",
        ellipse(-0.12, 0.34 + low, 0.62, 0.34),
        polygon(-0.45, 0.1 + low, -0.95, -0.08 + low, -0.62, 0.52 + low, bone="tail"),
        capsule(0.3, 0.3 + low, x, y + 0.1, 0.25, 0.2),
    )


def duck_foot(x: float, bone: str) -> tuple[Part, ...]:
    """A leg and a webbed foot."""
    return (
        capsule(x, 0.6, x + 0.02, 0.88, 0.055, bone=bone),
        polygon(x, 0.84, x + 0.26, 0.98, x - 0.04, 0.98, bone=bone),
    )


def shadow(x: float, wide: float) -> Layer:
    """A soft shadow on the ground under the feet."""
    return plain("shadow", ellipse(x, 0.95, wide, 0.16))


WHISKERS = (
    *both("capsule", 0.2, 0.13, 0.6, 0.06, 0.014),
    *both("capsule", 0.2, 0.13, 0.6, 0.2, 0.014),
)
CAT = (  # from the front: pointed ears, slit pupils, whiskers
    outlined("coat", *both("polygon", 0.43, -0.06, 0.41, -0.64, 0.07, -0.27), ellipse(0, 0, 0.45, 0.36)),
    plain("pink", *both("polygon", 0.37, -0.2, 0.365, -0.5, 0.18, -0.28)),
    plain("mark", *(capsule(x, -0.33, x * 0.8, -0.2, 0.03) for x in (-0.12, 0, 0.12))),
    plain("light", ellipse(0, 0.17, 0.21, 0.15)),
    *eyes(-0.04, 0.2, 0.105, "eye"),
    plain("nose", polygon(-0.065, 0.07, 0.065, 0.07, 0, 0.15)),
    plain("black", *WHISKERS),
)
DOG = (  # from the front: hanging ears, muzzle, tongue
    outlined("coat", ellipse(0, -0.06, 0.37, 0.38)),
    plain("mark", ellipse(0.17, -0.12, 0.15, 0.18)),
    plain("light", ellipse(0, 0.17, 0.25, 0.21)),
    outlined("shade", *both("ellipse", 0.44, 0.06, 0.155, 0.37, -14)),
    *eyes(-0.12, 0.16, 0.085, "white"),
    plain("tongue", capsule(0.02, 0.26, 0.02, 0.4, 0.075)),
    plain("black", ellipse(0, 0.07, 0.125, 0.09)),
    plain("black", capsule(0, 0.1, 0, 0.25, 0.018)),
)
DOG_ASIDE = (  # long muzzle, hanging ear
    outlined("tongue", capsule(0.27, 0.24, 0.3, 0.42, 0.07)),
    outlined("coat", ellipse(0, 0, 0.31, 0.3), capsule(0.12, 0.1, 0.38, 0.15, 0.17, 0.125)),
    plain("light", capsule(0.28, 0.17, 0.38, 0.17, 0.09)),
    plain("black", ellipse(0.47, 0.06, 0.1, 0.085)),
    plain("white", ellipse(0.12, -0.08, 0.075, 0.085)),
    plain("black", ellipse(0.14, -0.07, 0.055, 0.065)),
    outlined("shade", ellipse(-0.18, 0.1, 0.15, 0.34, 12)),
)
DUCK = (  # from the side
    outlined("accent", capsule(0.2, 0.06, 0.47, 0.1, 0.13, 0.06), ellipse(0.46, 0.1, 0.12, 0.065)),
    outlined("second", ellipse(0, 0, 0.29, 0.28)),
    plain("white", ellipse(0.1, -0.06, 0.085, 0.09)),
    plain("black", ellipse(0.115, -0.05, 0.06, 0.07)),
)
DUCK_FEET = outlined("accent", *duck_foot(-0.18, "step"), *duck_foot(0.1, "back"))

CATS = (
    (  # sitting
        shadow(0.1, 0.8),
        tail(0.1, 0.085, 0.2, 0.82, 0.62, 0.86, 0.86, 0.66, 0.84, 0.38, 0.68, 0.2),
        outlined("coat", ellipse(0, 0.5, 0.44, 0.46), ellipse(0, 0.15, 0.28, 0.34)),
        plain("light", ellipse(0, 0.34, 0.19, 0.28)),
        outlined("coat", *leg(-0.15, 0.5), *leg(0.12, 0.5)),
        *head(0, -0.34, CAT),
    ),
    (  # walking
        shadow(-0.05, 0.85),
        tail(0.09, 0.075, -0.55, 0.2, -0.82, 0, -0.9, -0.3, -0.82, -0.62, -0.64, -0.72),
        outlined("shade", *leg(-0.3, 0.4, "back"), *leg(0.16, 0.4, "step")),
        outlined(
            "coat",
            capsule(-0.42, 0.24, 0.25, 0.22, 0.29),
            *leg(-0.52, 0.35, "step"),
            *leg(0.36, 0.35, "back"),
        ),
        stripes(-0.03, 0.2, -0.42, -0.2, 0.02),
        plain("light", capsule(-0.3, 0.44, 0.1, 0.43, 0.07)),
        *head(0.5, -0.22, CAT),
    ),
    (  # lying
        shadow(-0.05, 0.95),
        outlined("coat", capsule(-0.5, 0.58, 0.3, 0.6, 0.38, 0.34)),
        stripes(0.22, 0.46, -0.5, -0.28, -0.06),
        tail(0.09, 0.075, -0.8, 0.7, -0.75, 0.9, -0.4, 0.92, -0.1, 0.88),
        outlined("light", capsule(0.28, 0.9, 0.62, 0.9, 0.085), capsule(0.5, 0.86, 0.82, 0.86, 0.085)),
        *head(0.5, 0.26, CAT),
    ),
)
DOGS = (
    (  # sitting
        shadow(0.05, 0.75),
        tail(0.11, 0.05, 0.25, 0.8, 0.6, 0.7, 0.82, 0.4),
        outlined("coat", ellipse(0, 0.54, 0.45, 0.43), ellipse(0, 0.15, 0.3, 0.36)),
        plain("light", ellipse(0, 0.36, 0.2, 0.28)),
        outlined("coat", *leg(-0.18, 0.46, thick=0.11), *leg(0.14, 0.46, thick=0.11)),
        plain("collar", capsule(-0.22, -0.02, 0.22, -0.02, 0.07)),
        *head(0, -0.44, DOG),
    ),
    (  # standing
        shadow(-0.05, 0.85),
        tail(0.1, 0.045, -0.62, 0.05, -0.82, -0.2, -0.84, -0.52),
        outlined("shade", *leg(-0.36, 0.35, "back"), *leg(0.18, 0.35, "step")),
        outlined(
            "coat",
            capsule(-0.44, 0.14, 0.22, 0.16, 0.25, 0.31),
            capsule(0.22, 0.1, 0.44, -0.25, 0.24, 0.2),
            *leg(-0.58, 0.25, "step", 0.11),
            *leg(0.34, 0.3, "back", 0.11),
        ),
        plain("mark", ellipse(-0.26, 0.1, 0.24, 0.17)),
        plain("collar", capsule(0.2, -0.14, 0.56, 0.02, 0.065)),
        *head(0.46, -0.46, DOG_ASIDE),
    ),
    (  # sitting, from the side
        shadow(0, 0.75),
        tail(0.1, 0.045, -0.5, 0.82, -0.78, 0.74, -0.9, 0.45),
        outlined("shade", *leg(0.3, 0.3)),
        outlined(
            "coat",
            ellipse(-0.26, 0.6, 0.38, 0.36),
            capsule(-0.2, 0.5, 0.16, -0.02, 0.34, 0.29),
            capsule(0.14, 0, 0.24, -0.3, 0.26, 0.22),
            *leg(0.18, 0.3, thick=0.11),
        ),
        plain("light", ellipse(0.3, 0.16, 0.13, 0.2)),
        outlined("coat", ellipse(-0.28, 0.66, 0.26, 0.27), capsule(-0.3, 0.91, 0, 0.91, 0.085)),
        plain("collar", capsule(0.0, -0.15, 0.42, -0.06, 0.065)),
        *head(0.28, -0.5, DOG_ASIDE),
    ),
)
DUCKS = (
    (  # standing
        shadow(-0.05, 0.7),
        DUCK_FEET,
        duck_body(0, 0.42, -0.42),
        outlined("shade", ellipse(-0.22, 0.3, 0.36, 0.2, 12)),
        plain("mark", capsule(-0.42, 0.3, -0.18, 0.35, 0.045)),
        *head(0.42, -0.42, DUCK),
    ),
    (  # swimming
        shadow(-0.1, 0.95),
        duck_body(0.28, 0.45, -0.1),
        plain("light", capsule(-0.3, 0.86, 0.15, 0.86, 0.07)),
        outlined("shade", ellipse(-0.22, 0.56, 0.36, 0.2, 12)),
        plain("mark", capsule(-0.42, 0.56, -0.18, 0.61, 0.045)),
        *head(0.45, -0.1, DUCK),
    ),
    (  # flapping
        shadow(-0.05, 0.7),
        DUCK_FEET,
        outlined("shade", polygon(-0.3, 0.3, -0.42, -0.75, 0.12, 0.15, bone="tail")),
        duck_body(0.05, 0.45, -0.3),
        outlined(
            "shade",
            polygon(-0.35, 0.42, -0.85, -0.55, -0.6, -0.55, 0.1, 0.3, bone="tail"),
            capsule(-0.2, 0.38, -0.75, -0.5, 0.12, 0.1, bone="tail"),
        ),
        *head(0.45, -0.3, DUCK),
    ),
)
POSES = (CATS, DOGS, DUCKS)
# Where head and tail turn, and the height of the hips; one triple of points a drawing.
JOINTS = (
    (((0.0, 0.0), (0.3, 0.85), 0.4), ((0.4, 0.05), (-0.55, 0.2), 0.4), ((0.4, 0.5), (-0.8, 0.7), 0.4)),
    (((0, -0.1), (0.3, 0.8), 0.4), ((0.4, -0.2), (-0.6, 0.1), 0.3), ((0.25, -0.3), (-0.5, 0.8), 0.4)),
    (((0.4, 0), (-0.5, 0.3), 0.6), ((0.4, 0.2), (-0.5, 0.6), 0.6), ((0.4, 0), (-0.35, 0.3), 0.6)),
)
