"""The poses in which cats, dogs and ducks are drawn, and the joints about which they move."""

from course_utils.datasets.drawings import (
    Layer,
    cat_head,
    chain,
    dog_front,
    dog_side,
    duck_body,
    duck_feet,
    duck_head,
    leg,
)


def _shadow(x: float, wide: float) -> Layer:
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
