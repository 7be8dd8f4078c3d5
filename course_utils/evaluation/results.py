"""A row of the table: one model on one set of data, and every number under a name that says what it is."""

import json
from dataclasses import asdict, dataclass, field
from math import isfinite, isqrt
from pathlib import Path

import torch
from torch import Tensor

from course_utils.divergences import Estimate

SHIPPED = Path(__file__).parents[2] / "data" / "shipped" / "scoreboard.json"
COMMAND = "python -m uv run python -m course_utils scoreboard"
UNIVERSES = {"universe 3×3": 3, "universe 4×4": 4}
BINARY, GREY = "digits, binary", "digits, 17 levels"
SETS = (*UNIVERSES, BINARY, GREY)
LEVELS, LETTERS = 17, "0123456789abcdefg"
IWAE_CODES = 500

# The name of a measure says its kind. "exact": no sampling. "bound": the truth is no larger, a bound on p(x)
# itself. "estimate": sampled, and off in either direction.
KL_EXACT, KL_BOUND = "KL, exact", "KL, bound"
KL_HISTOGRAM, REVERSE_KL, UNSEEN = "KL, histogram", "reverse KL, histogram", "p_D never seen"
TV_EXACT, TV_HISTOGRAM = "TV, exact", "TV, histogram"
NATS, NATS_AIS, NATS_IWAE, NATS_ELBO = "nats, exact", "nats, AIS", f"nats, IWAE-{IWAE_CODES}", "nats, ELBO"
BITS, BITS_DEQUANTISED = "bits/dim, exact", "bits/dim, dequantised"
BITS_IWAE, BITS_ELBO = f"bits/dim, IWAE-{IWAE_CODES}", "bits/dim, ELBO"
BITS_ODE = "bits/dim, ODE"
C2ST, FRECHET = "C2ST", "Fréchet"
BINARISED = ", binarised"


@dataclass(frozen=True)
class Measure:
    """What a name of a score stands for."""

    unit: str  # "nats", "bits/dim", or "" where it has none
    kind: str  # "exact", "bound" (the true divergence or cost is no larger) or "estimate"
    about: str


# in the order of preference: the first that a row has is what it is ranked by
MEASURES: dict[str, Measure] = {
    KL_EXACT: Measure("nats", "exact", "KL(p_D‖p_M), summed over all states"),
    KL_BOUND: Measure("nats", "bound", "KL(p_D‖p_M) with a lower bound in place of log p_M"),
    NATS: Measure("nats", "exact", "mean −log p_M of test images"),
    NATS_AIS: Measure("nats", "estimate", "mean −log p_M of test images with log Z by AIS: tends to be low"),
    NATS_IWAE: Measure("nats", "bound", f"mean −L_k of test images, k = {IWAE_CODES} codes"),
    NATS_ELBO: Measure("nats", "bound", "mean −ELBO of test images"),
    BITS: Measure("bits/dim", "exact", "mean −log p_M of grey test images"),
    BITS_DEQUANTISED: Measure("bits/dim", "bound", "mean −log density of dequantised test images"),
    BITS_IWAE: Measure("bits/dim", "bound", f"mean −L_k of grey test images, k = {IWAE_CODES} codes"),
    BITS_ELBO: Measure("bits/dim", "bound", "mean −ELBO of grey test images"),
    BITS_ODE: Measure("bits/dim", "bound", "the same as dequantised, of a diffusion's ODE"),
    KL_HISTOGRAM: Measure("nats", "estimate", "KL(p_D‖histogram of samples), smoothed"),
    REVERSE_KL: Measure("nats", "estimate", "KL(histogram of samples‖p_D)"),
    TV_EXACT: Measure("", "exact", "½ Σ |p_M − p_D| over all states"),
    TV_HISTOGRAM: Measure("", "estimate", "½ Σ |histogram of samples − p_D|"),
    UNSEEN: Measure("", "estimate", "the mass that p_D gives to states never sampled"),
    C2ST: Measure("", "estimate", "classifier two-sample test: share told apart from test images, ½ is best"),
    FRECHET: Measure("", "estimate", "squared Fréchet distance on the features of the digit classifier"),
    C2ST + BINARISED: Measure("", "estimate", "the same after black and white"),
    FRECHET + BINARISED: Measure("", "estimate", "the same after black and white"),
}
DIVERGENCES = (KL_EXACT, KL_BOUND, KL_HISTOGRAM)
LIKELIHOODS = tuple(name for name in MEASURES if name.startswith(("nats", "bits/dim")))


@dataclass(frozen=True)
class Row:
    """One model on one set.

    Raises:
        ValueError: a score has no known name, or is not finite.
    """

    model: str  # the class, or the name of a simple distribution
    data: str  # one of SETS
    density: str  # "exact", "lower bound", "unnormalised", "none"; "truth" for p_D itself or real images
    scores: dict[str, list[float]]  # by name (see MEASURES), each [value, standard error]; 0 where exact
    # by how much the first likelihood is below each simple distribution's, [difference, error], paired
    better_than: dict[str, list[float]] = field(default_factory=dict)
    # the same of each rival among the trained systems: one [difference, error] for each seed of both, from 0
    leads: dict[str, list[list[float]]] = field(default_factory=dict)
    # the divergence that stands first, exact or a bound, after each training, from seed 0 on
    seeds: list[float] = field(default_factory=list)
    samples: int = 0  # of which the histogram or the two-sample measures were made
    parameters: int = 0  # how many numbers were learned
    seconds: float = 0.0  # CPU seconds of training
    sampling: float = 0.0  # CPU seconds of drawing 1,000 samples
    settings: dict[str, object] = field(default_factory=dict)  # where they are not those of the class
    images: list[str] = field(default_factory=list)  # some samples, a letter for the grey level of each pixel

    def __post_init__(self) -> None:
        for name, (value, error) in self.scores.items():
            if name not in MEASURES or not isfinite(value) or not isfinite(error):
                names = ", ".join(MEASURES)
                raise ValueError(f"Row: expected finite scores out of {names}, got {name} {value}")

    def __getitem__(self, name: str) -> Estimate:
        """A score with its standard error."""
        return Estimate(*self.scores[name])

    @property
    def first(self) -> str | None:
        """The score by which the row is ranked: how well p_M fits, as exactly as the model can say."""
        return next((name for name in MEASURES if name in self.scores), None)

    @property
    def value(self) -> float:
        """The value of the first score."""
        return self[self.first or ""].value

    @property
    def standard_error(self) -> float:
        """The standard error of the first score."""
        return self[self.first or ""].standard_error

    @property
    def pictures(self) -> Tensor | None:
        """Samples of the very model of the row, ``(n, 1, H, W)`` with values in [0, 1]; None: none kept."""
        if not self.images:
            return None
        v = torch.tensor([[LETTERS.index(letter) for letter in image] for image in self.images])
        side = isqrt(v.shape[1])
        return v.view(-1, 1, side, side) / ((LEVELS if self.data == GREY else 2) - 1)

    def rank(self) -> tuple[int, int, float, str]:
        """A key for sorting: by set, then by how well p_M fits; what has but two-sample scores is last."""
        first = self.first
        kind = 0 if first in (*DIVERGENCES, *LIKELIHOODS) else 1
        return SETS.index(self.data), kind, self.value, self.model

    def as_dict(self) -> dict[str, object]:
        """The row as plain data, from which ``Row(**data)`` makes it again."""
        return asdict(self)


def spell(x: Tensor, data: str) -> list[str]:
    """Images on the grid of a set's levels as texts, a letter for each pixel: what ``Row.pictures`` reads."""
    v = (x * ((LEVELS if data == GREY else 2) - 1)).round().long().flatten(1)
    return ["".join(LETTERS[k] for k in image) for image in v.tolist()]


def load(path: Path | str = SHIPPED) -> list[Row]:
    """The rows of the scoreboard as it is stored.

    Raises:
        ValueError: the file is missing or is no scoreboard.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        return [Row(**row) for row in content["rows"]]
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"scoreboard: expected a file made by {COMMAND}, got {path}: {error}") from None
