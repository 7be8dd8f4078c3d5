"""Drawn faces for the recipes: what is learned from, and what trained systems are measured by."""

import torch
from torch import Tensor

from course_utils.applications.face_reader import COLUMNS, FaceReader, readable
from course_utils.applications.style_gan import StyleGAN, face_codes
from course_utils.datasets.faces import FACTORS, faces
from course_utils.divergences import Estimate, mean
from course_utils.evaluation import frechet_distance
from course_utils.evaluation.two_samples import whitening

TRAIN, HELD_OUT = 6_000, 200
JUDGED = 1_000
FRECHET = "squared Fréchet distance on the reader's features"
SEEDS = {"train": 100, "valid": 101, "test": 102, "other": 103}


def with_factors() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Pictures of 32×32 with their factors, to learn from and held out."""
    sets = faces(8_000, 32, seed=SEEDS["train"]), faces(500, 32, seed=SEEDS["valid"])
    return (sets[0].x, sets[0].factors), (sets[1].x, sets[1].factors)


def with_codes() -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Pictures of 64×64 with their codes, to learn from and held out."""
    sets = faces(TRAIN, seed=SEEDS["train"]), faces(HELD_OUT, seed=SEEDS["valid"])
    return (sets[0].x, face_codes(sets[0].factors)), (sets[1].x, face_codes(sets[1].factors))


def read(reader: FaceReader) -> dict[str, Estimate]:
    """How much of the variance of each factor is read off held-out faces, R² in %."""
    test = faces(JUDGED, 64, seed=SEEDS["test"])
    with torch.no_grad():
        errors = (reader(test.x) - readable(test.factors)).square()
    spread = readable(test.factors).var(0)
    share = torch.stack([(errors / spread)[:, COLUMNS == k].mean(1) for k in range(len(FACTORS))], 1)
    found = {"R², %, mean": mean(100 * (1 - share.mean(1)))}
    return found | {f"R², %, {f.name}": mean(100 * (1 - share[:, k])) for k, f in enumerate(FACTORS)}


def copied(model: StyleGAN) -> dict[str, Estimate]:
    """How far copies of held-out faces are from them, and new faces from real ones."""
    test = faces(JUDGED, seed=SEEDS["test"])
    device = next(model.parameters()).device
    copies = model.draw(model.styles(face_codes(test.factors).to(device))).cpu()
    return {"error of copies": mean((copies - test.x).abs().flatten(1).mean(1))} | distances(model, test.x)


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
    other = faces(len(x), seed=SEEDS["other"]).x
    with torch.no_grad():
        real, made, floor = (reader.features(part).double() for part in (x, fake, other))
    centre, scale = whitening(real)
    real, made, floor = ((part - centre) @ scale for part in (real, made, floor))
    return {FRECHET: frechet_distance(real, made), f"{FRECHET}, real faces": frechet_distance(real, floor)}
