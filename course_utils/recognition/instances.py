"""From maps to objects: pixels grouped by the centre they point to, or merely by touching each other."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from course_utils.checks import check_count, check_number
from course_utils.recognition.detections import Detections

WINDOW = 5
SMALLEST = 12


def centre_of_mass(masks: Tensor) -> Tensor:
    """The mean position of each mask's pixels, (x, y) in pixels, ``(…, H, W)`` to ``(…, 2)``.

    Pixel (row, column) lies at (column + ½, row + ½); an empty mask has its centre at (0, 0).

    >>> masks = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> masks[0, 1, 2:4] = True
    >>> centre_of_mass(masks).tolist()
    [[3.0, 1.5]]
    """
    masks = masks.float()
    rows, columns = (torch.arange(n, device=masks.device) + 0.5 for n in masks.shape[-2:])
    moments = torch.stack([masks.sum(-2) @ columns, masks.sum(-1) @ rows], -1)
    return moments / masks.sum((-2, -1)).clamp(min=1)[..., None]


def positions(height: int, width: int, step: int = 1, like: Tensor | None = None) -> Tensor:
    """Where the middle of each cell of step×step pixels lies, (x, y) in pixels: ``(2, H/step, W/step)``.

    >>> positions(2, 4, 2).tolist()
    [[[1.0, 3.0]], [[1.0, 1.0]]]
    """
    device = None if like is None else like.device
    rows, columns = ((torch.arange(n // step, device=device) + 0.5) * step for n in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])


def peaks(heat: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """The highest local maxima of each map: their heights ``(B, limit)``, −1 where there is none, and places.

    A local maximum is the largest of the 5×5 around it. Places are (x, y) in cells, ``(B, limit, 2)``,
    the middle of the first cell at (½, ½).

    Shapes: heat ``(B, h, w)``, positive.

    >>> heat = torch.zeros(1, 8, 8)
    >>> heat[0, 1, 6], heat[0, 2, 6], heat[0, 6, 1] = 0.5, 0.9, 0.3
    >>> heights, places = peaks(heat, 3)
    >>> [round(h, 1) for h in heights[0].tolist()], places[0, :2].tolist()
    ([0.9, 0.3, -1.0], [[6.5, 2.5], [1.5, 6.5]])
    """
    limit = min(limit, heat[0].numel())
    highest = max_pool2d(heat[:, None], WINDOW, stride=1, padding=WINDOW // 2)[:, 0]
    standing = torch.where((heat == highest) & (heat > 0), heat, -1.0).flatten(1)
    heights, where = standing.topk(limit, dim=1)
    width = heat.shape[2]
    return heights, torch.stack([where % width, where // width], -1) + 0.5


def group(
    probabilities: Tensor, heat: Tensor, offsets: Tensor, *, threshold: float = 0.1, limit: int = 10
) -> Detections:
    """Instances: every pixel that is no background joins the centre that it points nearest to.

    The score of an object is the height of its centre times the mean probability of its class over its
    pixels; its class is the one with the largest mean (Cheng et al., *Panoptic-DeepLab*, CVPR 2020).

    Args:
        probabilities: of background (channel 0) and of the classes, ``(B, 1 + classes, H, W)``.
        heat: how much a place looks like the centre of an object, ``(B, h, w)`` in [0, 1], where H/h is a
            whole number.
        offsets: from each pixel to the centre of its object, (x, y) in pixels, ``(B, 2, H, W)``.
        threshold: the lowest centre that counts.
        limit: the largest number of objects on one image.

    Returns:
        Objects with masks, disjoint on each image; the boxes are the masks'.

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
    return Detections(scene, scores, labels[scene, slot], mask_boxes(kept), kept)


def mask_boxes(masks: Tensor) -> Tensor:
    """The smallest box round each mask, ``(M, H, W)`` to ``(M, 4)``; 0 for an empty mask.

    >>> masks = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> masks[0, 1, 2:4] = True
    >>> mask_boxes(masks).tolist()
    [[2.0, 1.0, 4.0, 2.0]]
    """
    sides = []
    for seen in (masks.any(1), masks.any(2)):  # columns, then rows
        length = seen.shape[1]
        i = torch.arange(length, device=masks.device)
        first, last = torch.where(seen, i, length).amin(1), torch.where(seen, i + 1, 0).amax(1)
        sides.append((first.clamp(max=length).minimum(last), last))
    (left, right), (top, bottom) = sides
    return torch.stack([left, top, right, bottom], 1).float()


def connected_components(semantic: Tensor, confidence: Tensor | None = None) -> Detections:
    """The floor of instance segmentation: pixels of one class that touch are one object.

    Two objects of one class that touch become one: which pixel belongs to whom is not in the classes of
    the pixels. Diagonal neighbours touch.

    Args:
        semantic: the class of each pixel, −1 for background, ``(B, H, W)`` int64.
        confidence: how sure each pixel's class is, ``(B, H, W)`` in [0, 1]; the score of an object is the
            mean over its pixels. None: every score is 1.

    Raises:
        ValueError: semantic or confidence is not what it should be.

    >>> semantic = torch.full((1, 8, 12), -1)
    >>> semantic[0, 1:5, 1:5], semantic[0, 4:8, 5:9] = 2, 2
    >>> semantic[0, 1:5, 9:] = 0
    >>> connected_components(semantic).boxes.tolist()
    [[9.0, 1.0, 12.0, 5.0], [1.0, 1.0, 9.0, 8.0]]
    """
    from scipy.ndimage import label

    if not isinstance(semantic, Tensor) or semantic.dim() != 3 or semantic.is_floating_point():
        came = tuple(semantic.shape) if isinstance(semantic, Tensor) else type(semantic).__name__
        raise ValueError(f"connected_components: expected classes as integers (B, H, W), got {came}")
    if confidence is not None and confidence.shape != semantic.shape:
        want, came = tuple(semantic.shape), tuple(confidence.shape)
        raise ValueError(f"connected_components: expected confidence of shape {want}, got {came}")
    neighbours = np.zeros((3, 3, 3), bool)
    neighbours[1] = True  # across one image, never to the next
    number, labels = torch.zeros_like(semantic), []  # of each pixel's component, from 1; 0: background
    for c in semantic.unique().tolist():
        if c >= 0:
            parts, count = label((semantic == c).cpu().numpy(), neighbours)
            parts = torch.from_numpy(parts).to(semantic)
            number = torch.where(parts > 0, parts + len(labels), number)
            labels += [c] * count
    row, y, x = (number > 0).nonzero(as_tuple=True)
    which = number[row, y, x].long() - 1
    masks = torch.zeros(len(labels), *semantic.shape[1:], dtype=torch.bool, device=semantic.device)
    masks[which, y, x] = True
    sure = torch.ones_like(semantic, dtype=torch.float32) if confidence is None else confidence
    area = masks.sum((1, 2))
    scene = torch.zeros_like(area).index_copy(0, which, row)
    scores = sure.new_zeros(len(labels)).index_add(0, which, sure[row, y, x])
    found = Detections(
        scene,
        (scores / area).clamp(0, 1),
        torch.tensor(labels, dtype=torch.int64, device=semantic.device),
        mask_boxes(masks),
        masks,
    )
    return found[area >= SMALLEST]
