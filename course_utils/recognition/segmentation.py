"""Instance segmentation: every object on an image, each with its class and its pixels.

A network says for each pixel what it is and where the centre of its object lies; ``group`` makes objects of
that, ``connected_components``, the baseline, merely of the classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks import check_count, check_number, described
from course_utils.datasets.scenes import tight_boxes
from course_utils.recognition.backbone import GROUPS, Residual, SceneRecogniser, positions
from course_utils.recognition.detections import Detections

STEP = 2
SPREAD = 3.0
WEIGHTS = (20.0, 0.1, 1.0)  # of class, heat and offset: the class is what takes longest to learn
UNIT = 8.0
WINDOW = 5
SMALLEST = 12


class InstanceSegmenter(SceneRecogniser):
    r"""Which pixels belong to which object: x is a picture, y a class and a mask for each object.

    A class for each pixel (semantic segmentation) does not say where one duck ends and the next begins. So
    every pixel says one thing more: *where the centre of its object is*. Pixels that point to one place are
    one object. Three maps, at half the resolution of the image:

    - the class of each pixel, or background; loss −log p(class | x), the mean over pixels;
    - the offset (dx, dy) from each pixel of an object to the centre of mass of what is seen of it; loss
      |offset − truth|, the mean over the pixels of objects, in units of 8 pixels;
    - the heat: how much a place looks like such a centre, exp(−d²/2σ²) at the distance d from it, σ = 3
      pixels; loss: the cross-entropy of that, summed over the image, per object.

    B. Cheng et al., *Panoptic-DeepLab*, CVPR 2020; the offsets go back to A. Kendall, Y. Gal and R. Cipolla,
    *Multi-Task Learning Using Uncertainty to Weigh Losses*, CVPR 2018. Train it with ``fit(model, (x, labels,
    masks))``.

    Args and errors: as ``SceneRecogniser``. Shapes: x ``(B, C, H, W)``; labels ``(B, K)`` int64, −1 where
    there is no object; masks ``(B, K, H, W)`` bool, the visible pixels of each object.

    >>> InstanceSegmenter().semantic(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 64, 64])
    """

    fit_defaults = SceneRecogniser.fit_defaults | {"lr": 8e-3, "epochs": 3, "batch_size": 8}

    def __init__(
        self, event_shape: tuple[int, int, int] = (3, 64, 64), *, classes: int = 3, features: int = 32
    ) -> None:
        super().__init__(event_shape, classes=classes, features=features)
        self.size = self.event_shape[1:]
        self.say = nn.Sequential(
            Residual(features),
            nn.GroupNorm(GROUPS, features),
            nn.SiLU(),
            nn.Conv2d(features, (1 + self.classes + 1 + 2) * STEP**2, 1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the net says at half resolution, h = H/2 and w = W/2.

        Logits of background and classes ``(B, 1 + classes, h, w)``, logits of the heat ``(B, h, w)``, offsets
        ``(B, 2, h, w)`` in pixels.
        """
        said = F.pixel_shuffle(self.say(self.backbone(self.check(x))), STEP)
        logits, heat, offsets = said.split([1 + self.classes, 1, 2], 1)
        return logits, heat[:, 0], UNIT * offsets

    def loss(self, x: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
        """The losses of the class (nats a pixel), the offset and the heat, weighed and added."""
        logits, heat, offsets = self(x)
        self.check_objects(x, labels, "masks", masks)
        there = labels >= 0  # (B, K)
        share = F.avg_pool2d((masks & there[..., None, None]).to(x.dtype), STEP)  # (B, K, h, w)
        kinds = F.one_hot(labels.clamp(min=0), self.classes).to(x.dtype) * there[..., None]
        centres = centre_of_mass(masks)  # (B, K, 2)
        mixed = torch.einsum("bkhw,bkc->bchw", share, torch.cat([kinds, centres], 2))
        covered = share.sum(1)  # (B, h, w)
        target = torch.cat([1 - covered[:, None], mixed[:, : self.classes]], 1)
        class_loss = F.cross_entropy(logits, target)

        aim = mixed[:, self.classes :] / covered.clamp(min=1 / STEP**2)[:, None]
        error = (positions(*self.size, STEP, like=x) + offsets - aim).abs().sum(1) / UNIT
        offset_loss = (covered * error).sum() / covered.sum().clamp(min=1)

        heat_loss = F.binary_cross_entropy_with_logits(heat, self._bumps(centres, there), reduction="sum")
        parts = torch.stack([class_loss, heat_loss / there.sum().clamp(min=1), offset_loss])
        return parts @ parts.new_tensor(WEIGHTS)

    def _bumps(self, centres: Tensor, there: Tensor) -> Tensor:
        """exp(−d²/2σ²) at the distance d from the nearest centre, ``(B, h, w)``."""
        away = positions(*self.size, STEP, like=centres) - centres[..., None, None]  # (B, K, 2, h, w)
        bumps = (-away.square().sum(2) / (2 * SPREAD**2)).exp()
        return (there[..., None, None] * bumps).amax(1)

    @torch.no_grad()
    def maps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities ``(B, 1 + classes, H, W)``, heat ``(B, h, w)`` in (0, 1), offsets ``(B, 2, H, W)``.

        Channel 0 of the probabilities is background; probabilities and offsets are drawn out to the image.
        """
        logits, heat, offsets = self(x)
        logits, offsets = (F.interpolate(part, size=self.size, mode="bilinear") for part in (logits, offsets))
        return logits.softmax(1), heat.sigmoid(), offsets

    def semantic(self, x: Tensor) -> Tensor:
        """The likeliest class of each pixel, −1 for background, ``(B, H, W)``."""
        return self.maps(x)[0].argmax(1) - 1

    def offsets(self, x: Tensor) -> Tensor:
        """From each pixel to the centre of its object, (x, y) in pixels, ``(B, 2, H, W)``."""
        return self.maps(x)[2]

    def segment(self, x: Tensor, *, threshold: float = 0.1) -> Detections:
        """The objects, each with its pixels: see ``group``. ``threshold``: the lowest heat of a centre."""
        return group(*self.maps(x), threshold=threshold)


def centre_of_mass(masks: Tensor) -> Tensor:
    """The mean position of each mask's pixels, (x, y) in pixels, ``(…, H, W)`` to ``(…, 2)``.

    Pixel (row, column) lies at (column + ½, row + ½); an empty mask has its centre at (0, 0).
    """
    masks = masks.float()
    rows, columns = (torch.arange(n, device=masks.device) + 0.5 for n in masks.shape[-2:])
    moments = torch.stack([masks.sum(-2) @ columns, masks.sum(-1) @ rows], -1)
    return moments / masks.sum((-2, -1)).clamp(min=1)[..., None]


def peaks(heat: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """The highest maxima of 5×5 cells in positive maps ``(B, h, w)``: heights ``(B, limit)``, −1 for none.

    And where they are, ``(B, limit, 2)``: (x, y) in cells, the middle of the first cell at (½, ½).
    """
    limit = min(limit, heat[0].numel())
    highest = F.max_pool2d(heat[:, None], WINDOW, stride=1, padding=WINDOW // 2)[:, 0]
    standing = torch.where((heat == highest) & (heat > 0), heat, -1.0).flatten(1)
    heights, where = standing.topk(limit, dim=1)
    width = heat.shape[2]
    return heights, torch.stack([where % width, where // width], -1) + 0.5


def group(
    probabilities: Tensor, heat: Tensor, offsets: Tensor, *, threshold: float = 0.1, limit: int = 10
) -> Detections:
    """Instances: every pixel that is no background joins the centre that it points nearest to.

    The maps are those of ``InstanceSegmenter.maps``, H/h a whole number; ``threshold`` is the lowest centre
    that counts, ``limit`` the largest number of objects on one image, whose masks are disjoint. An object's
    class is the one with the largest mean probability over its pixels, its score that times the height of
    its centre (Cheng et al., *Panoptic-DeepLab*, CVPR 2020).

    Raises:
        ValueError: threshold or limit is out of range.
    """
    check_number(threshold, "group: threshold", low=0, high=1)
    height, width = probabilities.shape[2:]
    heights, centres = peaks(heat, check_count(limit, "group: limit"))
    centres = centres * (height / heat.shape[1])
    there = heights >= max(threshold, 1e-6)  # (B, L)
    votes = positions(height, width, like=heat) + offsets  # (B, 2, H, W)
    far = (votes[:, None] - centres[..., None, None]).square().sum(2)  # (B, L, H, W)
    far = far.masked_fill(~there[..., None, None], torch.inf)
    nearest = far.argmin(1, keepdim=True)
    foreground = probabilities.argmax(1, keepdim=True) > 0
    slots = torch.arange(heights.shape[1], device=heat.device)[:, None, None]
    masks = (nearest == slots) & foreground & there[..., None, None]
    area = masks.sum((2, 3))
    mean = torch.einsum("blhw,bchw->blc", masks.to(heat.dtype), probabilities[:, 1:])
    sure, labels = (mean / area.clamp(min=1)[..., None]).max(2)
    scene, slot = (area >= SMALLEST).nonzero(as_tuple=True)
    scores = (heights * sure)[scene, slot].clamp(0, 1)
    kept = masks[scene, slot]
    return Detections(scene, scores, labels[scene, slot], tight_boxes(kept), kept)


def connected_components(semantic: Tensor) -> Detections:
    """The baseline of instance segmentation: pixels of one class that touch are one object, of score 1.

    Two objects of one class that touch become one: which pixel belongs to whom is not in the classes of
    the pixels, ``(B, H, W)`` int64 with −1 for background. Diagonal neighbours touch.

    Raises:
        ValueError: semantic is not what it should be.

    >>> semantic = torch.full((1, 8, 12), -1)
    >>> semantic[0, 1:5, 1:5], semantic[0, 4:8, 5:9] = 2, 2
    >>> semantic[0, 1:5, 9:] = 0
    >>> connected_components(semantic).boxes.tolist()
    [[1.0, 1.0, 9.0, 8.0], [9.0, 1.0, 12.0, 5.0]]
    """
    from skimage.measure import label

    if not isinstance(semantic, Tensor) or semantic.dim() != 3 or semantic.dtype != torch.int64:
        came = described(semantic)
        raise ValueError(f"connected_components: expected classes as int64 (B, H, W), got {came}")
    parts = [torch.from_numpy(label(one, background=-1, connectivity=2)) for one in semantic.cpu().numpy()]
    each = [part == torch.arange(1, int(part.max()) + 1)[:, None, None] for part in parts]
    scene = torch.arange(len(each)).repeat_interleave(torch.tensor([len(masks) for masks in each]))
    masks = torch.cat(each)
    large = masks.sum((1, 2)) >= SMALLEST
    scene, masks = (part[large].to(semantic.device) for part in (scene, masks))
    labels = torch.where(masks, semantic[scene], -1).amax((1, 2))
    return Detections(scene, torch.ones(len(scene), device=scene.device), labels, tight_boxes(masks), masks)
