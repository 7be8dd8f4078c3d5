"""From maps to objects: pixels grouped by the centre they point to, or merely by touching each other."""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from course_utils.checks import check_count, check_number
from course_utils.recognition.backbone import positions
from course_utils.recognition.detections import Detections, described

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
    """The smallest box round each mask, ``(M, H, W)`` to ``(M, 4)``; no mask is empty.

    >>> masks = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> masks[0, 1, 2:4] = True
    >>> mask_boxes(masks).tolist()
    [[2.0, 1.0, 4.0, 2.0]]
    """
    from torchvision.ops import masks_to_boxes  # slow to import

    return masks_to_boxes(masks) + torch.tensor([0.0, 0.0, 1.0, 1.0], device=masks.device)


def connected_components(semantic: Tensor) -> Detections:
    """The baseline of instance segmentation: pixels of one class that touch are one object, of score 1.

    Two objects of one class that touch become one: which pixel belongs to whom is not in the classes of
    the pixels. Diagonal neighbours touch.

    Args:
        semantic: the class of each pixel, −1 for background, ``(B, H, W)`` int64.

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
        raise ValueError(
            f"connected_components: expected classes as int64 (B, H, W), got {described(semantic)}"
        )
    parts = [torch.from_numpy(label(one, background=-1, connectivity=2)) for one in semantic.cpu().numpy()]
    each = [part == torch.arange(1, int(part.max()) + 1)[:, None, None] for part in parts]
    scene = torch.arange(len(each)).repeat_interleave(torch.tensor([len(masks) for masks in each]))
    masks = torch.cat(each)
    large = masks.sum((1, 2)) >= SMALLEST
    scene, masks = (part[large].to(semantic.device) for part in (scene, masks))
    labels = torch.where(masks, semantic[scene], -1).amax((1, 2))
    return Detections(scene, torch.ones(len(scene), device=scene.device), labels, mask_boxes(masks), masks)
