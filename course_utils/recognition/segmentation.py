"""Instance segmentation: every object on an image, each with its class and its pixels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    avg_pool2d,
    binary_cross_entropy_with_logits,
    cross_entropy,
    interpolate,
    one_hot,
    pixel_shuffle,
)

from course_utils.recognition.backbone import GROUPS, Residual, SceneRecogniser, positions
from course_utils.recognition.detections import Detections
from course_utils.recognition.instances import centre_of_mass, group

STEP = 2
SPREAD = 3.0
WEIGHTS = (20.0, 0.1, 1.0)  # of class, heat and offset: the class is what takes longest to learn
UNIT = 8.0


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

    Args: as ``SceneRecogniser``.

    Shapes: x ``(B, C, H, W)``; labels ``(B, K)`` int64, −1 where there is no object; masks ``(B, K, H, W)``
    bool, the visible pixels of each object.

    Raises:
        ValueError: a size does not fit, or x, labels or masks are not what they should be.

    >>> model = InstanceSegmenter()
    >>> x = torch.rand(2, 3, 64, 64)
    >>> probabilities, heat, offsets = model.maps(x)
    >>> probabilities.shape, heat.shape, offsets.shape
    (torch.Size([2, 4, 64, 64]), torch.Size([2, 32, 32]), torch.Size([2, 2, 64, 64]))
    >>> model.semantic(x).shape
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
        said = pixel_shuffle(self.say(self.backbone(self.check(x))), STEP)
        logits, heat, offsets = said.split([1 + self.classes, 1, 2], 1)
        return logits, heat[:, 0], UNIT * offsets

    def loss(self, x: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
        """The losses of the class (nats a pixel), the offset and the heat, weighed and added."""
        logits, heat, offsets = self(x)
        self.check_objects(x, labels, "masks", masks)
        there = labels >= 0  # (B, K)
        share = avg_pool2d((masks & there[..., None, None]).to(x.dtype), STEP)  # (B, K, h, w)
        kinds = one_hot(labels.clamp(min=0), self.classes).to(x.dtype) * there[..., None]
        centres = centre_of_mass(masks)  # (B, K, 2)
        mixed = torch.einsum("bkhw,bkc->bchw", share, torch.cat([kinds, centres], 2))
        covered = share.sum(1)  # (B, h, w)
        target = torch.cat([1 - covered[:, None], mixed[:, : self.classes]], 1)
        class_loss = cross_entropy(logits, target)

        aim = mixed[:, self.classes :] / covered.clamp(min=1 / STEP**2)[:, None]
        error = (positions(*self.size, STEP, like=x) + offsets - aim).abs().sum(1) / UNIT
        offset_loss = (covered * error).sum() / covered.sum().clamp(min=1)

        heat_loss = binary_cross_entropy_with_logits(heat, self._bumps(centres, there), reduction="sum")
        heat_loss = heat_loss / there.sum().clamp(min=1)
        parts = (class_loss, heat_loss, offset_loss)
        return torch.stack([weight * part for weight, part in zip(WEIGHTS, parts, strict=True)]).sum()

    def _bumps(self, centres: Tensor, there: Tensor) -> Tensor:
        """exp(−d²/2σ²) at the distance d from the nearest centre, ``(B, h, w)``."""
        across, down = (
            (
                -((torch.arange(n // STEP, device=centres.device) + 0.5) * STEP - centre).square()
                / (2 * SPREAD**2)
            ).exp()
            for n, centre in zip(self.size[::-1], centres.split(1, 2), strict=True)
        )  # (B, K, w), (B, K, h): a Gaussian of d is one of dx times one of dy
        return (there[..., None, None] * down[..., None] * across[:, :, None]).amax(1)

    @torch.no_grad()
    def maps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities ``(B, 1 + classes, H, W)``, heat ``(B, h, w)`` in (0, 1), offsets ``(B, 2, H, W)``.

        Channel 0 of the probabilities is background; probabilities and offsets are drawn out to the image.
        """
        logits, heat, offsets = self(x)
        logits, offsets = (
            interpolate(part, size=self.size, mode="bilinear", align_corners=False)
            for part in (logits, offsets)
        )
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
