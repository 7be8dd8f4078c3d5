"""What restorers of photographs and digits learn from, and how well they restore what they have not seen."""

from math import log, log10

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from course_utils.applications.super_resolution import SRResNet, pixelated, scores, smaller
from course_utils.datasets import digits
from course_utils.datasets.photographs import TEST, VALID, luma, patches, photograph
from course_utils.divergences import Estimate
from course_utils.divergences.estimate import mean
from course_utils.models import PixelCNN

PATCHES, SIDE = 8_000, 48
HELD_OUT = 100
TILE = 64  # pixels: errors this far apart are taken for independent
SAMPLES = 32
Sets = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


def photo_patches() -> Sets:
    """Grey patches of photographs to learn from, and of another one."""
    return (patches(PATCHES, SIDE),), (patches(HELD_OUT, SIDE, names=(VALID,)),)


def restored(model: SRResNet) -> dict[str, Estimate]:
    """PSNR and SSIM of the luma of a photograph that was made smaller; the error is that of its tiles."""
    x = luma(photograph(TEST))
    made = model.restore(smaller(x))
    found, errors = scores(made, x), avg_pool2d((made - x).square(), TILE).flatten()
    spread = (errors.std() / len(errors) ** 0.5 / errors.mean()).item()
    ends = [x[:, :, : x.shape[2] // 2], x[:, :, x.shape[2] // 2 :]]
    halves = [made[:, :, : x.shape[2] // 2], made[:, :, x.shape[2] // 2 :]]
    ssim = [scores(one, other)["SSIM"] for one, other in zip(halves, ends, strict=True)]
    return {
        "PSNR, dB": Estimate(found["PSNR, dB"], 10 * spread / log(10)),
        "SSIM": Estimate(found["SSIM"], abs(ssim[0] - ssim[1]) / 2),
    }


def digit_pairs() -> Sets:
    """Digits to learn from and held-out ones, each with its 2×2 pixels beside it."""
    data = digits("levels")
    train, valid = ((part.x, pixelated(part.x)) for part in (data.train, data.valid))
    return train, valid


def filled_in(model: PixelCNN) -> dict[str, Estimate]:
    """What one sample and the mean of many cost on test digits, as PSNR, the gap between, and the nats."""
    x = digits("levels").test.x
    given = pixelated(x)
    drawn = torch.stack([model.sample(len(x), given=given) for _ in range(SAMPLES)])
    one = (drawn - x).square().mean((0, 2, 3, 4))
    average = (drawn.mean(0) - x).square().flatten(1).mean(1)
    average = average - drawn.var(0).flatten(1).mean(1) / SAMPLES  # of infinitely many
    ratio = one.mean() / average.mean()
    error = ((one - ratio * average).std() / len(x) ** 0.5 / one.mean()).item()
    with torch.no_grad():
        nats = mean(-model.log_prob(x, given=given))
    return {
        "gap, dB": Estimate(10 * log10(ratio.item()), 10 * error / log(10)),
        "PSNR of a sample, dB": psnr(one),
        "PSNR of the mean, dB": psnr(average),
        "nats, exact": nats,
    }


def psnr(errors: Tensor) -> Estimate:
    """10·log₁₀(1/MSE) from squared errors ``(N,)``, with its standard error."""
    value, error = mean(errors)
    return Estimate(-10 * log10(value), 10 * error / value / log(10))
