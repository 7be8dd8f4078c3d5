"""Networks that read a time as well as a point: what flow matching and diffusion learn with.

All take a time, one number for all or one for each example ``(B,)``, a point ``(B, D)`` and, if they are
built with classes, one of them for each example, ``(B,)``: the number after the last, or None, means "any".
"""

from math import pi

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, dropout, interpolate, pixel_shuffle, pixel_unshuffle, silu

from course_utils.nets.coders import layers, zero
from course_utils.nets.ode import Time

WAVES = 8
GROUPS = 4


class Moment(nn.Module):
    """When it is and which class is asked for, as a vector that every layer of a network reads.

    Times are told apart by sin kπt and cos kπt, k = 1 … 8.
    """

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        self.time = layers([2 * WAVES, width, width])
        self.kind = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, t: Time, z: Tensor, y: Tensor | None) -> Tensor:
        """``(B, width)``; of one time for all and no classes one row, ``(1, width)``."""
        time = torch.as_tensor(t, dtype=z.dtype, device=z.device).view(-1)
        angles = pi * time[:, None] * torch.arange(1, WAVES + 1, dtype=z.dtype, device=z.device)
        moment = self.time(torch.cat([angles.sin(), angles.cos()], 1))
        if self.kind is not None:
            moment = moment + (self.kind.weight[-1] if y is None else self.kind(y))
        return silu(moment)


def gaussian_velocity(t: Time, z: Tensor) -> tuple[Tensor, Tensor]:
    """The velocity of data N(0, I) is v = (2t − 1) z / p, p = t² + (1 − t)²: 2t − 1 and p, ``(…, 1)``."""
    time = torch.as_tensor(t, dtype=z.dtype, device=z.device).view(-1, 1)
    return 2 * time - 1, time.square() + (1 - time).square()


def slope(a: Tensor) -> Tensor:
    """The derivative of SiLU, a·σ(a)."""
    s = torch.sigmoid(a)
    return s * (1 + a * (1 - s))


class TimedVelocity(nn.Module):
    r"""Two wide layers, scaled and shifted by the moment, with a trace that costs no more than f.

        a_1 = s_1 ∘ W_1 z + b_1,  a_2 = s_2 ∘ W_2 φ(a_1) + b_2,  f = W_3 φ(a_2) + A z + r ∘ z + b_3,

    φ the SiLU, and s, b, r functions of the moment. As in `Velocity`, the trace is a bilinear form,

        Tr ∂f/∂z = (s_2 φ'(a_2))ᵀ (W_2 ∘ (W_1 W_3)ᵀ) (s_1 φ'(a_1)) + Tr A + Σ r.

    >>> f, trace = TimedVelocity(3, hidden=8).with_trace(0.5, torch.randn(2, 3))
    >>> f.shape, trace.shape
    (torch.Size([2, 3]), torch.Size([2]))
    """

    def __init__(
        self, dims: int, *, hidden: int = 512, dropout: float = 0.0, classes: int | None = None
    ) -> None:
        super().__init__()
        self.moment, self.dropout = Moment(64, classes), dropout
        self.first, self.second = nn.Linear(dims, hidden, bias=False), nn.Linear(hidden, hidden, bias=False)
        self.last, self.straight = nn.Linear(hidden, dims), nn.Linear(dims, dims, bias=False)
        self.turn = nn.Linear(64, 4 * hidden + dims)
        self.sizes = [hidden] * 4 + [dims]
        zero(self.last), zero(self.straight)  # at first nothing moves

    def _forward(self, t: Time, z: Tensor, y: Tensor | None) -> tuple[Tensor, ...]:
        s1, b1, s2, b2, r = self.turn(self.moment(t, z, y)).split(self.sizes, 1)
        a1 = (1 + s1) * self.first(z) + b1
        h = dropout(silu(a1), self.dropout, self.training)
        a2 = (1 + s2) * self.second(h) + b2
        h = dropout(silu(a2), self.dropout, self.training)
        f = self.last(h) + self.straight(z) + r * z
        return f, (1 + s1) * slope(a1), (1 + s2) * slope(a2), r

    def forward(self, t: Time, z: Tensor, y: Tensor | None = None) -> Tensor:
        """f(t, z): ``(B, D)`` to the same."""
        return self._forward(t, z, y)[0]

    def with_trace(self, t: Time, z: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """f(t, z) and Tr ∂f/∂z, exact: ``(B, D)`` and ``(B,)``."""
        f, d1, d2, r = self._forward(t, z, y)
        pairs = self.second.weight * (self.first.weight @ self.last.weight).T
        return f, ((d2 @ pairs) * d1).sum(1) + self.straight.weight.trace() + r.sum(1)


class TimedBlock(nn.Module):
    """Two 3×3 convolutions, shifted and scaled by the moment, and a way past them."""

    def __init__(self, before: int, after: int, moment: int) -> None:
        super().__init__()
        self.norm, self.second_norm = nn.GroupNorm(GROUPS, before), nn.GroupNorm(GROUPS, after)
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.past = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        self.turn = nn.Linear(moment, 2 * after)
        zero(self.second)

    def forward(self, h: Tensor, moment: Tensor) -> Tensor:
        """``(B, before, H, W)`` to ``(B, after, H, W)``."""
        scale, shift = self.turn(moment)[:, :, None, None].chunk(2, 1)
        inner = self.second_norm(self.first(silu(self.norm(h))))
        return self.past(h) + self.second(silu((1 + scale) * inner + shift))


class TimedUNet(nn.Module):
    """A U-Net: down by halves to see far, and up again beside what was seen at each size.

    O. Ronneberger, P. Fischer and T. Brox 2015; with the time in every block, J. Ho, A. Jain and P. Abbeel
    2020.

    Args:
        event_shape: (C, H, W) of the images.
        widths: channels at each size, multiples of 4; each size has half the sides of the one before.
        classes: how many classes one can ask for.
        patch: p×p pixels are read, and written, as the channels of one place: p² times fewer places, and
            nearly as many times less work. Height and width are multiples of p.
        preconditioned: the network learns how far v is from the ``gaussian_velocity``, v = (2t − 1) z / p +
            u(t, z / √p) / √p, so that what it reads, z / √p, and what it gives, u, have a variance near 1 at
            every time (T. Karras et al., *Elucidating the Design Space of Diffusion-Based Generative Models*,
            2022).

    >>> TimedUNet((1, 6, 7), widths=(4, 8))(torch.rand(3), torch.zeros(3, 42)).shape
    torch.Size([3, 42])
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        widths: tuple[int, ...] = (24, 40, 64),
        classes: int | None = None,
        patch: int = 1,
        preconditioned: bool = False,
    ) -> None:
        super().__init__()
        self.event_shape, self.patch, self.preconditioned = event_shape, patch, preconditioned
        moment, colours = 2 * widths[-1], event_shape[0] * patch**2
        self.moment = Moment(moment, classes)
        self.first = nn.Conv2d(colours, widths[0], 3, padding=1)
        sizes = list(zip((widths[0], *widths[:-1]), widths, strict=True))
        self.down = nn.ModuleList(TimedBlock(above, here, moment) for above, here in sizes)
        self.middle = TimedBlock(widths[-1], widths[-1], moment)
        self.up = nn.ModuleList(TimedBlock(2 * here, above, moment) for above, here in sizes)
        self.norm = nn.GroupNorm(GROUPS, widths[0])
        self.last = nn.Conv2d(widths[0], colours, 3, padding=1)
        zero(self.last)
        self.to(memory_format=torch.channels_last)  # which a CPU convolves a quarter faster

    def forward(self, t: Time, z: Tensor, y: Tensor | None = None) -> Tensor:
        """``(B, C·H·W)`` to the same."""
        if not self.preconditioned:
            return self._forward(t, z, y)
        drift, power = gaussian_velocity(t, z)
        return drift * z / power + self._forward(t, z / power.sqrt(), y) / power.sqrt()

    def _forward(self, t: Time, z: Tensor, y: Tensor | None) -> Tensor:
        moment, seen = self.moment(t, z, y), []
        h = self.first(pixel_unshuffle(z.view(-1, *self.event_shape), self.patch))
        for k, block in enumerate(self.down):
            h = block(avg_pool2d(h, 2, ceil_mode=True) if k else h, moment)
            seen.append(h)
        h = self.middle(h, moment)
        for block, beside in zip(reversed(self.up), reversed(seen), strict=True):
            h = block(torch.cat([interpolate(h, beside.shape[2:]), beside], 1), moment)
        return pixel_shuffle(self.last(silu(self.norm(h))), self.patch).flatten(1)
