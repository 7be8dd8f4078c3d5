"""The tree of slide 14 as abstract classes: a verb exists only where the mathematics grants it.

::

    GenerativeModel                    sample(n)
    ├─ ExplicitDensity
    │  ├─ TractableDensity             log_prob(x), exact
    │  │  ├─ Autoregressive            conditionals(x)
    │  │  └─ Flow                      encode(x), decode(z)
    │  └─ ApproximateDensity
    │     ├─ Variational               elbo(x) ≤ log p(x), encode(x), decode(z)
    │     └─ ExplicitMarkovChain       free_energy(x), step(x)
    └─ ImplicitDensity
       ├─ ImplicitMarkovChain          step(x)
       └─ Direct                       generator, discriminator

Shapes: x is ``(B, *event_shape)``, for images ``(B, C, H, W)``. Every verb returns one value per
example, in nats; only ``loss`` is a scalar. Public verbs check their input and hand it to a method of
the same name with an underscore, which a leaf defines.
"""

# ruff: noqa: I001  (a class takes its place on the tree when it is defined: in the order of the slide)

from course_utils.taxonomy.model import Density, GenerativeModel, MarkovChain, Support
from course_utils.taxonomy.branches import (
    ApproximateDensity,
    Autoregressive,
    ExplicitDensity,
    Flow,
    TractableDensity,
)
from course_utils.taxonomy.classes import ClassConditional
from course_utils.taxonomy.variational import Distribution, Variational, log_mean_weight
from course_utils.taxonomy.energy import ExplicitMarkovChain
from course_utils.taxonomy.game import Game, Player
from course_utils.taxonomy.implicit import Direct, ImplicitDensity, ImplicitMarkovChain
from course_utils.taxonomy.drawing import children, leaves, tree, verbs

__all__ = [
    "ApproximateDensity",
    "Autoregressive",
    "ClassConditional",
    "Density",
    "Direct",
    "ExplicitDensity",
    "ExplicitMarkovChain",
    "Flow",
    "Game",
    "GenerativeModel",
    "ImplicitDensity",
    "ImplicitMarkovChain",
    "Distribution",
    "MarkovChain",
    "Player",
    "Support",
    "TractableDensity",
    "Variational",
    "children",
    "leaves",
    "log_mean_weight",
    "tree",
    "verbs",
]
