"""Drawn faces for the recipes: what is learned from, and what trained systems are measured by."""

from functools import cache

import torch
from torch import Tensor

from course_utils.applications.face_reader import COLUMNS, FaceReader, readable
from course_utils.applications.style_gan import StyleGAN, face_codes
from course_utils.datasets.faces import FACTORS, NAMES, Faces, faces
from course_utils.divergences import Estimate, mean
from course_utils.evaluation import frechet_distance
from course_utils.evaluation.two_samples import whitening
from course_utils.models.flow_matching import FlowMatching

TRAIN, HELD_OUT = 6_000, 200
JUDGED, ASKED = 1_000, 100
KINDS = ("frowning", "smiling", "frowning,\nin glasses", "smiling,\nin glasses")
AS_ASKED = "as asked, %"
FRECHET = "squared Fréchet distance on the reader's features"
SEEDS = {"train": 100, "valid": 101, "test": 102, "other": 103}


def with_factors() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Pictures of 32×32 with their factors, to learn from and held out."""
    sets = faces(8_000, 32, seed=SEEDS["train"]), faces(500, 32, seed=SEEDS["valid"])
    return (sets[0].x, sets[0].factors), (sets[1].x, sets[1].factors)


@cache
def drawn(of: str, n: int) -> Faces:
    """The faces of 64×64 to learn from, held out, or to judge by: drawn once, which takes a while."""
    return faces(n, seed=SEEDS[of])


def with_codes() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Pictures of 64×64 with their codes, to learn from and held out."""
    sets = drawn("train", TRAIN), drawn("valid", HELD_OUT)
    return (sets[0].x, face_codes(sets[0].factors)), (sets[1].x, face_codes(sets[1].factors))


def kinds(read: Tensor) -> Tensor:
    """Which of ``KINDS`` faces are, from their readable numbers ``(N, 16)``: ``(N,)``."""
    glasses, smile = (read[:, COLUMNS == NAMES.index(name)][:, 0] >= 0 for name in ("glasses", "smile"))
    return 2 * glasses.long() + smile.long()


def with_kinds() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Pictures of 64×64 with their kinds, to learn from and held out."""
    sets = drawn("train", TRAIN), drawn("valid", HELD_OUT)
    train, valid = ((part.x, kinds(readable(part.factors))) for part in sets)
    return train, valid


def read(reader: FaceReader) -> dict[str, Estimate]:
    """How much of the variance of each factor is read off held-out faces, R² in %."""
    test = drawn("test", JUDGED)
    with torch.no_grad():
        errors = (reader(test.x) - readable(test.factors)).square()
    spread = readable(test.factors).var(0)
    share = torch.stack([(errors / spread)[:, COLUMNS == k].mean(1) for k in range(len(FACTORS))], 1)
    found = {"R², %, mean": mean(100 * (1 - share.mean(1)))}
    return found | {f"R², %, {f.name}": mean(100 * (1 - share[:, k])) for k, f in enumerate(FACTORS)}


def copied(model: StyleGAN) -> dict[str, Estimate]:
    """How far copies of held-out faces are from them, and new faces from real ones."""
    test = drawn("test", JUDGED)
    device = next(model.parameters()).device
    copies = model.draw(model.styles(face_codes(test.factors).to(device))).cpu()
    return {"error of copies": mean((copies - test.x).abs().flatten(1).mean(1))} | distances(model, test.x)


@torch.no_grad()
def asked_for(model: FlowMatching) -> dict[str, Estimate]:
    """How many new faces are of the kind that was asked for, says the reader, and of drawn ones how many."""
    from course_utils.pretrained import load

    reader, y = load("face_reader"), torch.arange(ASKED) % len(KINDS)
    device = model.reference.device
    fake = model.sample(ASKED, y=y.to(device), generator=torch.Generator(device).manual_seed(0)).cpu()
    real = drawn("test", JUDGED)
    right = {AS_ASKED: kinds(reader(fake)) == y}
    right[f"{AS_ASKED}, drawn faces"] = kinds(reader(real.x)) == kinds(readable(real.factors))
    return {name: mean(100.0 * found.double()) for name, found in right.items()}


def generated(model: StyleGAN) -> dict[str, Estimate]:
    """How far new faces are from real ones, beside other real ones; and copies from what they copy."""
    found = copied(model)
    return {FRECHET: found.pop(FRECHET), **found}


def distances(model: StyleGAN, x: Tensor) -> dict[str, Estimate]:
    """Squared Fréchet distances on the reader's features: of new faces, and of other drawn ones, from x."""
    from course_utils.pretrained import load

    reader = load("face_reader").eval()
    device = next(model.parameters()).device
    fake = model.sample(len(x), generator=torch.Generator(device).manual_seed(0)).cpu()
    other = drawn("other", len(x)).x
    with torch.no_grad():
        real, made, floor = (reader.features(part).double() for part in (x, fake, other))
    centre, scale = whitening(real)
    real, made, floor = ((part - centre) @ scale for part in (real, made, floor))
    return {FRECHET: frechet_distance(real, made), f"{FRECHET}, real faces": frechet_distance(real, floor)}
