"""Colourisation: p(colour | grey) and p(picture | outlines) by a conditional PixelCNN."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, pixel_shuffle, pixel_unshuffle, unfold

from course_utils.applications.luma_chroma import chroma, luma, rgb, sketch
from course_utils.checks import check_choice, check_count, check_events
from course_utils.models import PixelCNN
from course_utils.models.pixel_model import log_prob
from course_utils.nets import residual_net

PATCH = 4  # side of the block of pixels that shares a coarse colour
WIDEST = 0.4  # chroma is cut to [−WIDEST, WIDEST]
BLUR = 0.05  # σ of the Gaussian around a refined picture
Given = Literal["grey", "sketch"]


def blocks(x: Tensor) -> Tensor:
    """The pixels of each 4×4 block as channels, about 0: ``(N, C, H, W)`` to ``(N, 16·C, H/4, W/4)``."""
    return pixel_unshuffle(x - 0.5, PATCH)


def coarse(x: Tensor) -> Tensor:
    """The mean of each block: ``(N, C, H, W)`` to ``(N, C, H/4, W/4)``."""
    return avg_pool2d(x, PATCH)


def to_unit(c: Tensor) -> Tensor:
    """Chroma as numbers in [0, 1], with grey in the middle."""
    return (c / (2 * WIDEST) + 0.5).clamp(0, 1)


def from_unit(v: Tensor) -> Tensor:
    """The way back."""
    return (v - 0.5) * 2 * WIDEST


class Refiner(nn.Module):
    r"""From coarse colours to fine ones, along the edges of the picture that is given.

    Every fine pixel mixes the nine coarse ones around it and a colour of its own,

        x_i = Σ_j w_ij(given) x̃_j + b_i(given),

    where a network reads w and b from the given picture. This is *affine* in the coarse colours: so the
    refined mean of samples is the mean of refined samples, and a drab answer stays drab. Compare He et al.,
    *Guided Image Filtering* (2010), and Teed & Deng, *RAFT* (2020), from where mixing nine neighbours is.

    >>> refine = Refiner(2)
    >>> refine(torch.zeros(1, 16, 5, 3), torch.zeros(1, 2, 5, 3)).shape
    torch.Size([1, 2, 20, 12])
    """

    def __init__(self, channels: int, *, hidden: int = 32, blocks: int = 1) -> None:
        super().__init__()
        self.channels = channels
        read = residual_net(PATCH**2, hidden, hidden=hidden, blocks=blocks)
        self.net = nn.Sequential(read, nn.SiLU(), nn.Conv2d(hidden, PATCH**2 * (9 + channels), 1))

    def forward(self, given: Tensor, colours: Tensor) -> Tensor:
        """Blocks ``(B, 16, h, w)`` and colours ``(B, C, h, w)`` to ``(B, C, 4h, 4w)``."""
        height, width = colours.shape[2:]
        near = unfold(pad(colours, (1, 1, 1, 1), "replicate"), 3)  # (B, C·9, h·w)
        near = near.unflatten(1, (self.channels, 9)).unflatten(-1, (height, width))
        both = self.net(given).unflatten(1, (9 + self.channels, PATCH**2))
        weights, own = both.split([9, self.channels], 1)  # (B, 9, 16, h, w), (B, C, 16, h, w)
        mixed = (weights[:, None] * near[:, :, :, None]).sum(2) + own  # (B, C, 16, h, w)
        return pixel_shuffle((mixed + colours[:, :, None]).flatten(1, 2), PATCH)


class Colouriser(nn.Module):
    r"""p(colour | grey picture): coarse colours by a conditional PixelCNN, fine ones by regression.

        p(x̃ | given) = Π_i p(x̃_i | x̃_{<i}, given),   x = refine(x̃, given)

    with the mean colour x̃ of each 4×4 block in L levels of blue and L of red chroma. Which colour a thing has
    is decided once, in x̃, and kept, since every pixel sees those before it; where it ends is seen in the
    picture. From a sketch (``given="sketch"``) the luma is drawn with the chroma.

    S. Guadarrama et al., *PixColor: Pixel Recursive Colorization*, BMVC 2017, who first have chroma of 28×28
    by a PixelCNN and then a refining network. Departures: small networks, and a refiner that is affine.

    Args:
        side: S, the side of the pictures, a multiple of 4.
        given: "grey" for luma, "sketch" for outlines.
        levels: L. hidden, blocks: of the PixelCNN. reading: residual blocks of a network that reads the given
        picture for it; 0: none but the PixelCNN's own two layers.
        refining: channels of the refiner.

    Shapes: colour pictures x ``(B, 3, S, S)`` in [0, 1]; given ``(B, 1, S, S)`` in [0, 1].

    Raises:
        ValueError: side is no multiple of 4, given is neither, or pictures are not what they should be.

    >>> model = Colouriser(8, hidden=8, blocks=1)
    >>> x = model.sample(torch.rand(2, 1, 8, 8))
    >>> x.shape, model.loss(x).shape
    (torch.Size([2, 3, 8, 8]), torch.Size([]))
    """

    fit_defaults = {"lr": 1.5e-2, "epochs": 3, "batch_size": 32, "clip": 1.0, "average": 0.99}
    fit_defaults |= {"schedule": "cosine"}

    def __init__(
        self,
        side: int = 32,
        *,
        given: Given = "grey",
        levels: int = 16,
        hidden: int = 24,
        blocks: int = 2,
        reading: int = 0,
        refining: int = 24,
    ) -> None:
        super().__init__()
        if check_count(side, "Colouriser: side") % PATCH:
            raise ValueError(f"Colouriser: expected side as a multiple of {PATCH}, got {side}")
        check_choice(given, "Colouriser: given", ("grey", "sketch"))
        self.side, self.given = side, given
        self.channels = 2 if given == "grey" else 3
        small = side // PATCH
        deep = residual_net(PATCH**2, hidden, hidden=hidden, blocks=reading) if reading else None
        self.reader = deep or nn.Identity()
        sizes: dict[str, Any] = {"hidden": hidden, "blocks": blocks, "levels": levels, "dropout": 0.0}
        maps = hidden if reading else PATCH**2
        self.density = PixelCNN((self.channels, small, small), given=maps, first_kernel=5, **sizes)
        self.refiner = Refiner(self.channels, hidden=refining)

    def shown(self, x: Tensor) -> Tensor:
        """What the model is given of colour pictures: luma or outlines, ``(B, 1, S, S)``."""
        return luma(x) if self.given == "grey" else sketch(x)

    def wanted(self, x: Tensor) -> Tensor:
        """What it has to add: chroma, for sketches luma and chroma: ``(B, C, S, S)``."""
        return chroma(x) if self.given == "grey" else torch.cat([luma(x), chroma(x)], 1)

    def loss(self, x: Tensor) -> Tensor:
        """−log p(x̃ | given) − log N(x; refine(x̃, given), σ²), without a constant, in nats: a scalar."""
        self._check(x, 3, "loss")
        given, fine = blocks(self.shown(x)), self.wanted(x)
        levels = self.quantised(coarse(fine))
        errors = (self.refiner(given, self.values(levels)) - fine).square().flatten(1).sum(1)
        return (self._nats(levels, given) + errors / (2 * BLUR**2)).mean()

    def nats(self, x: Tensor) -> Tensor:
        """−log p(x̃ | given) of each picture's coarse colours, ``(B,)``."""
        self._check(x, 3, "nats")
        return self._nats(self.quantised(coarse(self.wanted(x))), blocks(self.shown(x)))

    def _nats(self, levels: Tensor, given: Tensor) -> Tensor:
        return -log_prob(self.density.logits(levels, given=self.reader(given)), levels)

    def quantised(self, c: Tensor) -> Tensor:
        """Coarse colours as levels k/(L−1), as the PixelCNN has them."""
        v = torch.cat([c[:, :-2].clamp(0, 1), to_unit(c[:, -2:])], 1)
        return (v * (self.density.levels - 1)).round() / (self.density.levels - 1)

    def values(self, levels: Tensor) -> Tensor:
        """Colours from levels."""
        return torch.cat([levels[:, :-2], from_unit(levels[:, -2:])], 1)

    @torch.no_grad()
    def painted(self, picture: Tensor, colours: Tensor) -> Tensor:
        """The RGB picture of coarse colours ``(B, C, S/4, S/4)``, refined: ``(B, 3, S, S)``."""
        fine = self.refiner(blocks(picture), colours)
        y = picture if self.given == "grey" else fine[:, :1].clamp(0, 1)
        return rgb(y, fine[:, -2:])

    @torch.no_grad()
    def sample(self, picture: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """A colour picture for each grey one or sketch: ``(B, 1, S, S)`` to ``(B, 3, S, S)``."""
        return self.painted(picture, self.coarse_sample(picture, generator=generator))

    @torch.no_grad()
    def coarse_sample(self, picture: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Coarse colours alone: chroma, for sketches behind luma, ``(B, C, S/4, S/4)``."""
        self._check(picture, 1, "sample")
        given = self.reader(blocks(picture))
        return self.values(self.density.sample(len(picture), given=given, generator=generator))

    @torch.no_grad()
    def through(self, x: Tensor) -> Tensor:
        """The true picture, its coarse colours rounded and refined: the best that a sample can be."""
        self._check(x, 3, "through")
        return self.painted(self.shown(x), self.values(self.quantised(coarse(self.wanted(x)))))

    def _check(self, x: Tensor, channels: int, verb: str) -> None:
        like, shape = next(self.parameters()), (channels, self.side, self.side)
        check_events(x, shape, None if self.training else "unit", like=like, who=f"Colouriser.{verb}")
