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
example, in nats; only ``loss`` is a scalar. Random numbers come from a ``generator`` on the model's device;
None: torch's own.

Raises: public verbs check what they are given, and raise a ValueError that names the model, what it expected
and what came. Each hands its input on to a method of the same name with an underscore, which a leaf defines.
"""

# ruff: noqa: I001  (a class takes its place on the tree when it is defined: in the order of the slide)

from course_utils.taxonomy.model import ClassConditional, Density, GenerativeModel, MarkovChain, Support
from course_utils.taxonomy.tractable import Autoregressive, ExplicitDensity, Flow, TractableDensity
from course_utils.taxonomy.approximate import (
    ApproximateDensity,
    Distribution,
    ExplicitMarkovChain,
    Variational,
    log_mean_weight,
)
from course_utils.taxonomy.implicit import (
    Direct,
    Duel,
    Game,
    ImplicitDensity,
    ImplicitMarkovChain,
    Player,
)
from course_utils.taxonomy.drawing import children, leaves, tree, verbs
