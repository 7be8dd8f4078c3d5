"""A generator steered by a style in every layer, and strided convolutions that read its pictures."""

from collections.abc import Sequence
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, linear, pixel_unshuffle

from course_utils.nets.coders import layers

GAIN, SLOPE = 2**0.5, 0.2  # of LeakyReLU: with this gain the variance of features stays
# channels before and after each layer, whether it doubles the side, and the level of its style; from 4×4 on
LAYERS = {
    32: (
        (64, 64, False, 0),
        (64, 64, True, 0),
        (64, 48, True, 0),
        (48, 48, False, 1),
        (48, 24, True, 1),
        (24, 24, False, 2),
    ),
    64: (
        (80, 80, False, 0),
        (80, 80, True, 0),
        (80, 64, True, 0),
        (64, 64, False, 1),
        (64, 32, True, 1),
        (32, 32, False, 2),
        (32, 16, True, 2),
        (16, 16, False, 2),
    ),
}
FIRST = 4


class Scaled(nn.Module):
    """A linear map or convolution: weights start as N(0, 1) and are divided by √fan-in in use.

    Adam then moves all layers at one relative speed (Karras et al. 2018, *Progressive Growing of GANs*).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 0, *, stride: int = 1, bias: float = 0.0
    ) -> None:
        super().__init__()
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight, self.bias = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.full((outputs,), bias))
        self.scale = GAIN * (inputs * max(kernel, 1) ** 2) ** -0.5
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs, …)`` to ``(B, outputs, …)``."""
        if not self.kernel:
            return linear(x, self.weight * self.scale, self.bias)
        return conv2d(x, self.weight * self.scale, self.bias, self.stride, self.kernel // 2)


def planes(values: Tensor, like: Tensor) -> Tensor:
    """Numbers ``(B, C)`` or ``(C,)`` as constant feature maps."""
    return values[..., None, None].to(like.dtype)


class Styled(nn.Module):
    """A 3×3 convolution of features whose channels a style has scaled; then noise, bias and LeakyReLU.

    Outputs are divided by the norm of the kernels that the style has made, so that a style sets what a layer
    makes of its input and not how large it is (T. Karras et al., *Analyzing and Improving the Image Quality
    of StyleGAN*, CVPR 2020). Departure: noise is added before the side is doubled.
    """

    def __init__(self, inputs: int, outputs: int, *, style: int, double: bool) -> None:
        super().__init__()
        self.style = Scaled(style, inputs, bias=1.0)
        self.conv = Scaled(inputs, outputs, 3)
        self.strength, self.doubles = nn.Parameter(torch.zeros(outputs)), double

    def forward(
        self, h: Tensor, w: Tensor, *, noise: bool, generator: torch.Generator | None = None
    ) -> Tensor:
        """Features ``(B, inputs, S, S)`` and styles ``(B, style)`` to ``(B, outputs, S or 2S, …)``."""
        s, weight = self.style(w), self.conv.weight * self.conv.scale
        norm = GAIN * (s.square() @ weight.square().sum((2, 3)).T + 1e-8).rsqrt()
        h, bias = conv2d(h * planes(s, h), weight, padding=1), planes(self.conv.bias, h)
        if noise:
            at = torch.randn(len(h), 1, *h.shape[2:], generator=generator, device=h.device)
            bias = bias + at.to(h.dtype) * planes(self.strength, h)
        h = leaky_relu(torch.addcmul(bias.to(h.dtype), h, planes(norm, h)), SLOPE)
        return doubled(h) if self.doubles else h


def doubled(x: Tensor) -> Tensor:
    """Twice the side, between pixels linear."""
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class StyledGenerator(nn.Module):
    """From z a style w, by the *mapping* network; from a constant and styles a picture, by *synthesis*.

    T. Karras, S. Laine and T. Aila, *A Style-Based Generator Architecture for Generative Adversarial
    Networks*, CVPR 2019. Departure: z is not brought to one length.

    Layers are of three levels: coarse ones work at 4×4 and 8×8, middle ones at 16×16, fine ones above. The
    colours are laid on by the fine ones.
    """

    def __init__(self, side: int, *, latent: int, style: int) -> None:
        super().__init__()
        rows = LAYERS[side]
        act = nn.LeakyReLU(SLOPE)
        self.mapping = nn.Sequential(Scaled(latent, style), act, Scaled(style, style), act)
        self.constant = nn.Parameter(torch.randn(rows[0][0], FIRST, FIRST))
        self.layers = nn.ModuleList(
            Styled(before, after, style=style, double=double) for before, after, double, _ in rows
        )
        self.levels = [level for *_, level in rows]
        # a picture after each fine layer at whose side the next one does not work
        self.painted = [k for k, (_, _, double, level) in enumerate(rows) if level == 2 and not double]
        channels = [rows[k][1] for k in self.painted]
        self.styles = nn.ModuleList(Scaled(style, n, bias=1.0) for n in channels)
        self.paint = nn.ModuleList(Scaled(n, 3, 1) for n in channels)

    def forward(self, w: Tensor, *, noise: bool, generator: torch.Generator | None = None) -> Tensor:
        """Styles ``(B, 3, style)``, coarse, middle and fine, to pictures ``(B, 3, side, side)`` around ½."""
        h = self.constant.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        parts = []
        for k, (layer, level) in enumerate(zip(self.layers, self.levels, strict=True)):
            h = layer(h, w[:, level], noise=noise, generator=generator)
            if k in self.painted:
                j = len(parts)
                parts.append(self.paint[j](h * planes(self.styles[j](w[:, level]), h)).float())
        x = parts[0]
        for part in parts[1:]:
            x = doubled(x) + part
        return x + 0.5


class DenseStyledGenerator(nn.Module):
    """The least that takes a style on each level: linear layers from all three to all pixels.

    It learns in seconds what convolutions learn in minutes, since each pixel has weights of its own.
    """

    def __init__(self, side: int, *, latent: int, style: int, hidden: int = 256) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(latent, style), nn.SiLU())
        self.constant = nn.Parameter(torch.zeros(3, side, side))
        self.synthesis = layers([3 * style, hidden, hidden, 3 * side**2])

    def forward(self, w: Tensor, *, noise: bool, generator: torch.Generator | None = None) -> Tensor:
        """Styles ``(B, 3, style)`` to pictures ``(B, 3, side, side)`` around ½; there is no noise here."""
        return self.constant + self.synthesis(w.flatten(1)).unflatten(1, self.constant.shape) + 0.5


class StridedReader(nn.Module):
    """Convolutions from 2×2 blocks of pixels down to 4×4, then linear maps: a discriminator.

    ``spread``: how much the pictures of a batch differ is one feature more, so that a collapse shows
    (Karras et al. 2018).
    """

    def __init__(
        self, side: int, widths: Sequence[int], outputs: int, *, hidden: int, spread: bool = False
    ) -> None:
        super().__init__()
        self.spread, channels = spread, (12, *widths[: round(log2(side / FIRST))])
        self.convs = nn.ModuleList(
            Scaled(before, after, 3, stride=1 if k == 0 else 2)
            for k, (before, after) in enumerate(zip(channels, channels[1:], strict=False))
        )
        self.hidden = Scaled(FIRST**2 * (channels[-1] + spread), hidden)
        self.last = Scaled(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures ``(B, 3, side, side)`` to ``(B, outputs)``."""
        h = pixel_unshuffle(2 * x - 1, 2).contiguous(memory_format=torch.channels_last)
        for conv in self.convs:
            h = leaky_relu(conv(h), SLOPE)
        if self.spread:
            much = h.float().std(0).mean().expand(len(h), 1, *h.shape[2:])
            h = torch.cat([h, much.to(h.dtype)], 1)
        return self.last(leaky_relu(self.hidden(h.flatten(1)), SLOPE)).float()
