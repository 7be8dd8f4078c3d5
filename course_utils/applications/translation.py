"""Translation between two kinds of pictures that nobody has paired: horses to zebras, and back."""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_unshuffle

from course_utils.checks import check_choice, check_count, check_events, check_number
from course_utils.datasets.photographs import luma
from course_utils.nets.coders import ResidualBlock, zero
from course_utils.taxonomy import Game, Player

FINE = 8  # channels of the last layers of a translator, at the pictures' own size


class CycleGAN(nn.Module, Game):
    r"""Two translators and two judges: x to y and back, learned from pictures that do not belong together.

    G makes a y of every x, F an x of every y. D_y tells pictures of the second kind from G(x), D_x those of
    the first from F(y); least squares ask the judges for 1 on real pictures and 0 on made ones, and the
    translators for 1 on theirs. That alone asks for *some* y, not for one that has anything to do with x. So
    the way there and back has to lead home:

        E[(D_y(G(x)) − 1)²] + E[(D_x(F(y)) − 1)²] + λ (E|F(G(x)) − x| + E|G(F(y)) − y|).

    J.-Y. Zhu, T. Park, P. Isola and A. A. Efros, *Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks*, ICCV 2017. Nothing here says *which* y belongs to x: a low cycle error is no proof
    of a right translation.

    Departures: small nets that say what changes, G(x) = x + net(x), and start by changing nothing; a running
    average of the translators' weights where the paper shows the judges older pictures; no identity loss.

    Args:
        event_shape: (C, H, W) of both kinds, values in [0, 1]; H and W are multiples of 4.
        hidden: channels at half the pictures' size. deep: at a quarter. blocks: residual blocks there.
        sight: 3×3 convolutions at the end of a judge, each of which sees 8 pixels further.
        own: whether a translator's last layers see the picture's own pixels again (the long connection of a
            U-Net, Ronneberger et al. 2015). What is painted at half the size is too coarse to take off
            stripes of one or two pixels.
        cycle: λ; 0: no cycle.

    Shapes: x and y ``(B, C, H, W)``, as many of each or not. Train it with ``fit(model, (x, y))``.

    Raises:
        ValueError: an argument is none of the above; pictures are not what they should be.

    >>> model = CycleGAN((3, 16, 24))
    >>> x = torch.rand(2, 3, 16, 24)
    >>> model.translate(x).shape, model.of_y(x).shape
    (torch.Size([2, 3, 16, 24]), torch.Size([2, 1, 4, 6]))
    >>> bool((model.translate(x) == x).all())  # before training
    True
    """

    fit_defaults: ClassVar[dict[str, object]] = {"lr": 2e-3, "epochs": 6, "batch_size": 4}
    fit_defaults |= {"schedule": "cosine", "average": 0.99}
    paired, probability = False, False

    def __init__(
        self,
        event_shape: tuple[int, int, int] = (3, 32, 32),
        *,
        hidden: int = 24,
        deep: int = 32,
        blocks: int = 2,
        sight: int = 1,
        own: bool = True,
        cycle: float = 10.0,
    ) -> None:
        super().__init__()
        channels, height, width = (check_count(d, "CycleGAN: event_shape") for d in event_shape)
        if height % 4 or width % 4:
            raise ValueError(f"CycleGAN: expected H and W as multiples of 4, got {tuple(event_shape)}")
        self.event_shape = (channels, height, width)
        hidden, deep = check_count(hidden, "CycleGAN: hidden"), check_count(deep, "CycleGAN: deep")
        blocks, sight = check_count(blocks, "CycleGAN: blocks"), check_count(sight, "CycleGAN: sight")
        if not isinstance(own, bool):
            raise ValueError(f"CycleGAN: expected own as True or False, got {own!r}")
        self.cycle = check_number(cycle, "CycleGAN: cycle", low=0)
        self.to_y, self.to_x = (Translator(channels, hidden, deep, blocks, own) for _ in "yx")
        self.of_x, self.of_y = (Judge(channels, hidden, sight) for _ in "xy")
        self.to(memory_format=torch.channels_last)  # small convolutions on a CPU: half the time

    def players(self) -> Iterator[Player]:
        """Both translators as one player, then both judges: the terms of each add up."""
        yield Player("translators", (self.to_y, self.to_x), self.translators_loss, averaged=True)
        yield Player("judges", (self.of_x, self.of_y), self.judges_loss)

    def translators_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What G and F minimise, a scalar: that they fool the judges, and the cycle."""
        as_y = self.to_y(x)
        on_the_way = torch.cat([y, as_y]) if self.cycle else y  # one pass of F for both: less to call
        as_x, home = self.to_x(on_the_way).tensor_split([len(y)])
        loss = (self.of_y(as_y) - 1).square().mean() + (self.of_x(as_x) - 1).square().mean()
        if not self.cycle:
            return loss
        return loss + self.cycle * ((home - x).abs().mean() + (self.to_y(as_x) - y).abs().mean())

    def judges_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What D_x and D_y minimise, a scalar: 1 on real pictures, 0 on those that are made."""
        with torch.no_grad():
            as_y, as_x = self.to_y(x), self.to_x(y)
        loss = x.new_zeros(())
        for of, real, made in ((self.of_x, x, as_x), (self.of_y, y, as_y)):
            on_real, on_made = of(torch.cat([real, made])).split([len(real), len(made)])
            loss = loss + (on_real - 1).square().mean() + on_made.square().mean()
        return loss

    def observe(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """How far from home both cycles end: the mean over pixels and channels."""
        there, back = self.translate(self.translate(x), "x"), self.translate(self.translate(y, "x"))
        return {"F(G(x))": (there - x).abs().mean(), "G(F(y))": (back - y).abs().mean()}

    @torch.no_grad()
    def translate(self, x: Tensor, to: str = "y") -> Tensor:
        """Pictures of the other kind, in [0, 1]: G(x), or with ``to="x"`` F(x)."""
        check_choice(to, "CycleGAN: to", ("x", "y"))
        like = self.to_y.fine.weight
        x = check_events(x, self.event_shape, "unit", like=like, who="CycleGAN")
        return (self.to_y if to == "y" else self.to_x)(x).clamp(0, 1)


class Translator(nn.Module):
    """x + what changes, seen at half the size and, further around, at a quarter; painted at full size."""

    def __init__(self, channels: int, hidden: int, deep: int, blocks: int, own: bool) -> None:
        super().__init__()
        self.fine = same_size(4 * channels, hidden)
        self.deep = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(hidden, deep, 4, stride=2, padding=1),
            *(ResidualBlock(deep) for _ in range(blocks)),
            nn.SiLU(),
            nn.Upsample(scale_factor=2),
            same_size(deep, hidden),
        )
        self.paint = nn.Sequential(
            nn.SiLU(),
            same_size(hidden, hidden),
            nn.SiLU(),
            nn.Upsample(scale_factor=2),
            same_size(hidden, FINE),
            nn.SiLU(),
            last := same_size(FINE, channels),
        )
        zero(last)
        self.own = same_size(channels, FINE) if own else None

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same, not held in [0, 1]: a slope is never 0 for having gone too far."""
        pixels = 2 * x - 1
        h = self.fine(pixel_unshuffle(pixels, 2))
        h = self.paint[:-2](h + self.deep(h))
        return x + self.paint[-2:](h if self.own is None else h + self.own(pixels))


def same_size(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3×3 convolution."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class Judge(nn.Sequential):
    """Real or made, patch by patch (Isola et al. 2017): ``(B, C, H, W)`` to ``(B, 1, H/4, W/4)``.

    It sees pixels in [−1, 1], as the translators do: of those in [0, 1] it learns more slowly, and more of a
    zebra's stripes stay on.
    """

    def __init__(self, channels: int, hidden: int, sight: int) -> None:
        wide = 2 * hidden
        more = (layer for _ in range(sight - 1) for layer in (same_size(wide, wide), nn.LeakyReLU(0.2)))
        super().__init__(
            nn.Conv2d(channels, hidden, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            *more,
            same_size(wide, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """How real each patch looks: 1 is asked for on real pictures, 0 on made ones."""
        return super().forward(2 * x - 1)


def difference(a: Tensor, b: Tensor, where: Tensor) -> Tensor:
    """The mean |a − b| of each pair of pictures over the pixels that ``where`` (N, 1, H, W) weighs, (N,)."""
    return ((a - b).abs().mean(1, keepdim=True) * where).sum((1, 2, 3)) / where.sum((1, 2, 3))


def contrast(x: Tensor, where: Tensor) -> Tensor:
    """The standard deviation of each picture's luma over the pixels that ``where`` weighs, (N,)."""
    light = luma(x)
    share = where / where.sum((1, 2, 3), keepdim=True)
    middle = (light * share).sum((1, 2, 3), keepdim=True)
    return ((light - middle).square() * share).sum((1, 2, 3)).sqrt()
