"""Virtual try-on: a flat shirt is first warped to a body, then composed with the person (slide 10)."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks import check_count
from course_utils.datasets.people import JOINTS, People
from course_utils.divergences import Estimate, mean
from course_utils.nets.coders import ResidualBlock, zero
from course_utils.nets.thin_plate import thin_plate

PATCH, CELLS = 4, 8  # pixels of a patch; features are compared on a grid of 8×8 cells
REGION = ((-0.85, 0.85), (-0.55, 0.95))  # across and down, where the control points lie: where shirts are
SHARPER = 6.0  # than cosines are the correlations
SCALES = 4  # pictures are compared as they are, and averaged over 2, 4 and 8 pixels


def inputs(some: People) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """What a system is given: shirt, its coverage, person without shirt, what is hidden there, pose."""
    return some.garment, some.cut, some.agnostic, some.hidden, some.pose


def pairs(some: People) -> tuple[Tensor, ...]:
    """What a system learns from: its inputs, the person in this shirt, its mask there, what is before it."""
    return *inputs(some), some.x, some.mask, some.front


def warped(picture: Tensor, warp: Tensor) -> Tensor:
    """Each pixel fetches its colour at the place that the warp names: out(p) = picture(warp(p)).

    Between pixels it is interpolated (bilinearly), outside the picture it is white or, of one channel, 0.

    Args:
        picture: ``(B, C, S, S)``, C = 3 or 1. warp: ``(B, S, S, 2)``, (x, y) from −1 to 1, right and down.

    >>> one = torch.rand(2, 3, 8, 8)
    >>> torch.allclose(warped(one, identity(8).expand(2, 8, 8, 2)), one, atol=1e-6)
    True
    """
    sample = partial(F.grid_sample, grid=warp, align_corners=False)
    return sample(picture) if picture.shape[1] == 1 else 1 - sample(1 - picture)


def identity(side: int, device: torch.device | None = None) -> Tensor:
    """The warp that leaves every pixel where it is: the pixels' own middles ``(side, side, 2)``."""
    middle = (torch.arange(side, device=device) + 0.5) * (2 / side) - 1
    return torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1)


class Matching(nn.Module):
    r"""Geometric matching: from a flat shirt and a person to the warp that puts one onto the other.

    Two nets turn shirt and person into features on a grid of cells; the correlations of every cell of the
    one with every cell of the other say what belongs where; from them, and from the pose, a third net reads
    where K×K control points of the person's picture lie in the shirt's. Between them the warp is the
    *thin-plate spline*, the least bent map. Training knows no true warp: it compares pixels,

        L = Σ_scales |blur(m̂⊙ĉ − m⊙x)| + |blur(m̂ − m)|,

    ĉ and m̂ the warped shirt and its coverage, x the person wearing it, m the mask of the shirt there; what is
    before the shirt (hair, an arm) is left out. Blurred pictures show from afar which way to go.

    B. Wang et al., *Toward Characteristic-Preserving Image-Based Virtual Try-On Network* (CP-VTON), ECCV
    2018, after I. Rocco, R. Arandjelović and J. Sivic, *Convolutional Neural Network Architecture for
    Geometric Matching*, CVPR 2017. Departures: blurred scales and the mask in the loss; the pose as numbers;
    control points only where shirts are; far smaller nets.

    Args:
        side: S, a multiple of 32. points: K. features: channels of the nets.

    Shapes: shirt and person ``(B, 3, S, S)``, coverage and hidden ``(B, 1, S, S)``, pose ``(B, 9, 2)``.

    Raises:
        ValueError: side, points or features is not what it should be.
    """

    knots: Tensor
    weights: Tensor
    fit_defaults = {"lr": 2e-3, "batch_size": 8, "schedule": "cosine", "average": 0.98, "clip": 1.0}

    def __init__(self, side: int = 64, *, points: int = 6, features: int = 32) -> None:
        super().__init__()
        if check_count(side, "Matching: side") % (PATCH * CELLS):
            raise ValueError(f"Matching: expected side as a multiple of {PATCH * CELLS}, got {side}")
        k = check_count(points, "Matching: points", low=2)
        self.side = side
        across, down = (torch.linspace(*ends, k) for ends in REGION)
        knots = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).reshape(-1, 2)
        weights = thin_plate(knots, identity(side).reshape(-1, 2))
        self.register_buffer("knots", knots, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        check_count(features, "Matching: features")
        self.of_shirt, self.of_person = self._tower(features), self._tower(features)
        first = nn.Conv2d(CELLS**2 + features, features, 3, padding=1)
        second = nn.Conv2d(features, features // 2, 3, padding=1)
        for layer in (first, second):
            nn.init.kaiming_normal_(layer.weight)
        self.read = nn.Sequential(first, nn.SiLU(), second, nn.SiLU(), nn.Flatten())
        self.of_match = nn.Linear(features // 2 * CELLS**2, 128)
        self.of_pose = nn.Linear(2 * len(JOINTS), 128)
        self.move = nn.Sequential(nn.LayerNorm(128), nn.SiLU(), nn.Linear(128, 2 * k * k), nn.Tanh())
        zero(self.move[2])

    def _tower(self, features: int) -> nn.Sequential:
        stride = self.side // PATCH // CELLS
        return nn.Sequential(
            nn.Conv2d(4, features, PATCH, stride=PATCH),
            nn.SiLU(),
            nn.Conv2d(features, features, 3, stride=stride, padding=1),
            ResidualBlock(features),
        )

    def warp(self, shirt: Tensor, cut: Tensor, person: Tensor, hidden: Tensor, pose: Tensor) -> Tensor:
        """For each pixel of the person's picture the place in the shirt's ``(B, S, S, 2)``."""
        a = self.of_shirt(torch.cat([1 - shirt, cut], 1))
        b = self.of_person(torch.cat([person, hidden], 1))
        one, other = (F.normalize(f - f.mean((2, 3), keepdim=True), dim=1).flatten(2) for f in (a, b))
        correlation = SHARPER * (one.mT @ other).unflatten(2, b.shape[2:])  # (B, cells of the shirt, 8, 8)
        seen = self.of_match(self.read(torch.cat([correlation, b], 1)))
        moves = self.move(seen + self.of_pose(pose.flatten(1))).unflatten(1, (-1, 2))
        return (self.weights @ (self.knots + moves)).unflatten(1, (self.side, self.side))

    def fitted(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """The warped shirt ĉ ``(B, 3, S, S)`` and its coverage ``(B, 1, S, S)``, from the same arguments."""
        warp = self.warp(*given)
        return warped(given[0], warp), warped(given[1], warp)

    def loss(self, *batch: Tensor) -> Tensor:
        """How much the warped shirt differs from the one that is worn, over all scales: see ``pairs``."""
        x, mask, front = batch[5:]
        shirt, cut = self.fitted(*batch[:5])
        made, real = torch.cat([shirt * cut, cut], 1) * (1 - front), torch.cat([x * mask, mask], 1)
        errors = [made - real]
        while len(errors) < SCALES:
            errors.append(F.avg_pool2d(errors[-1], 2))
        return torch.stack([error.abs().mean() for error in errors]).sum()


class TryOn(Matching):
    r"""Both stages: the shirt is warped by a ``Matching`` that stays as it is, and composed with the person.

    A net sees the person without the shirt, the pose and the warped shirt ĉ. It paints what the shirt leaves
    bare, r, and a mask M of what the shirt covers:

        o = M⊙ĉ + (1 − M)⊙r.

    What M shows is the cloth itself, copied pixel by pixel. Outside what is hidden, M is 0 and r is what is
    given, so that face and hands stay as they are. The loss is |o − x| + |∇o − ∇x| + |M − m|.

    Wang et al. 2018 (see ``Matching``); there r is a whole picture, and in place of ∇ features of a VGG are
    compared.

    Args:
        side, points, features: of the matching. channels: of the second net. match: False leaves the shirt
        unwarped, to see what the first stage is for.

    >>> o, M, r, c = TryOn()(*(torch.rand(2, k, 64, 64) for k in (3, 1, 3, 1)), torch.zeros(2, 9, 2))
    >>> o.shape, M.shape
    (torch.Size([2, 3, 64, 64]), torch.Size([2, 1, 64, 64]))
    """

    fit_defaults = Matching.fit_defaults | {"average": 0.99}

    def __init__(
        self, side: int = 64, *, points: int = 6, features: int = 32, channels: int = 32, match: bool = True
    ) -> None:
        super().__init__(side, points=points, features=features)
        self.match, c = match, check_count(channels, "TryOn: channels")
        self.requires_grad_(False)
        if not match:  # nothing would read the first stage
            for stage, _ in list(self.named_children()):
                delattr(self, stage)
        wide = partial(nn.Conv2d, kernel_size=3, padding=1)
        self.fine = nn.Sequential(nn.PixelUnshuffle(2), wide(32, c), ResidualBlock(c))
        self.middle = nn.Sequential(nn.SiLU(), wide(c, 2 * c, stride=2))
        self.joints = wide(len(JOINTS), 2 * c)
        self.coarse = nn.Sequential(
            ResidualBlock(2 * c),
            nn.SiLU(),
            wide(2 * c, 2 * c, stride=2),
            ResidualBlock(2 * c),
            ResidualBlock(2 * c),
        )
        self.up, self.out = wide(2 * c, 2 * c), wide(2 * c, c)
        self.last = nn.Sequential(ResidualBlock(c), nn.SiLU(), wide(c, 16), nn.PixelShuffle(2))
        zero(self.last[2])

    def forward(
        self, shirt: Tensor, cut: Tensor, person: Tensor, hidden: Tensor, pose: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The picture o, the mask M, the painted person r and the warped shirt ĉ; channels 3, 1, 3, 3."""
        if self.match:
            with torch.no_grad():
                shirt, cut = self.fitted(shirt, cut, person, hidden, pose)
        fine = self.fine(torch.cat([1 - shirt, cut, person, hidden], 1))
        middle = self.middle(fine)
        middle = middle + self.joints(heat(pose, middle.shape[-1]))
        grow = partial(F.interpolate, scale_factor=2)
        back = F.silu(self.up(middle + grow(self.coarse(middle))))
        change, logit = self.last(fine + self.out(grow(back))).split([3, 1], 1)
        M = hidden * torch.sigmoid(8 * (cut - 0.5) + 4 * logit)
        r = person + hidden * change
        return M * shirt + (1 - M) * r, M, r, shirt

    def dress(self, *given: Tensor) -> Tensor:
        """The person in the shirt ``(B, 3, S, S)``, in [0, 1]."""
        with torch.no_grad():
            return self(*given)[0].clamp(0, 1)

    def loss(self, *batch: Tensor) -> Tensor:
        """What the second stage minimises: see ``pairs``."""
        o, M, _, _ = self(*batch[:5])
        error, mask = o - batch[5], batch[6]
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        return error.abs().mean() + edges + (M - mask).abs().mean()


def heat(pose: Tensor, side: int, spread: float = 0.12) -> Tensor:
    """For each joint a map, 1 at the joint and fading around it: ``(B, J, 2)`` to ``(B, J, side, side)``."""
    away = identity(side, pose.device) - pose[:, :, None, None]
    return (-away.square().sum(-1) / (2 * spread**2)).exp()


def end_point_errors(warp: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """How far a warp's places are from the true ones: a mean over the seen shirt, in pixels ``(B,)``."""
    far = (warp - true).square().sum(-1).sqrt() * (warp.shape[1] / 2)
    seen = (mask[:, 0] > 0.5).to(far)
    return (far * seen).sum((1, 2)) / seen.sum((1, 2))


def overlaps(cut: Tensor, mask: Tensor) -> Tensor:
    """Intersection over union of two masks, 1 where they agree: ``(B, 1, S, S)`` to ``(B,)``."""
    a, b = cut[:, 0] > 0.5, mask[:, 0] > 0.5
    return (a & b).sum((1, 2)) / (a | b).sum((1, 2))


def similarities(made: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Structural similarity of pictures ``(B, 3, S, S)``, a mean over the pixels of the mask ``(B,)``."""
    from skimage.metrics import structural_similarity

    how: dict[str, Any] = {"channel_axis": 0, "data_range": 1.0, "full": True}
    found = []
    for a, b, m in zip(made.cpu().numpy(), real.cpu().numpy(), mask[:, 0].cpu() > 0.5, strict=True):
        found.append(float(structural_similarity(a, b, **how)[1].mean(0)[m.numpy()].mean()))
    return torch.tensor(found)


EPE, IOU = "end-point error, px", "IoU of the warped shirt"
SSIM_WARPED, SSIM = "SSIM in the shirt, warped", "SSIM in the shirt"


@torch.no_grad()
def scores(model: Matching, some: People) -> dict[str, Estimate]:
    """How good a system is on people whose true pictures and warps are known."""
    device, each = next(model.parameters()).device, {EPE: [], IOU: [], SSIM_WARPED: [], SSIM: []}
    for rows in torch.arange(len(some)).split(50):
        part, worn = some[rows], inputs(some[rows].to(device))
        if isinstance(model, TryOn):
            each[SSIM].append(similarities(model.dress(*worn), part.x, part.mask))
        if getattr(model, "match", True):
            warp = model.warp(*worn).cpu()
            shirt, cut = warped(part.garment, warp), warped(part.cut, warp)
            each[EPE].append(end_point_errors(warp, part.warp, part.mask))
            each[IOU].append(overlaps(cut * (1 - part.front), part.mask))
            worn_alone = torch.lerp(torch.ones(1), part.x, part.mask)
            each[SSIM_WARPED].append(similarities(shirt, worn_alone, part.mask))
    return {name: mean(torch.cat(values).double()) for name, values in each.items() if values}
