"""Models over pixels, looked at from outside: what comes before a pixel, what it sees, slow samples."""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from course_utils.models.pixel_model import choose
from course_utils.taxonomy import Autoregressive


def random_model(build: Callable, shape: tuple[int, ...] = (1, 3, 3), by: float = 0.3, **settings) -> Any:
    """A model with weights far from their start, in float64."""
    torch.manual_seed(0)
    return pushed(build(shape, **settings), by, seed=None)


def pushed(module: nn.Module, by: float = 0.2, seed: int | None = 0) -> Any:
    """The same module in float64 and eval mode, with weights far from their start."""
    if seed is not None:
        torch.manual_seed(seed)
    for parameter in module.double().parameters():
        parameter.data.add_(by * torch.randn_like(parameter))
    return module.eval()


def numbers(*shape: int, scale: float = 1.0) -> torch.Tensor:
    """Normal numbers in float64, always the same."""
    return scale * torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(3))


def states(shape: tuple[int, ...], levels: int) -> torch.Tensor:
    """Every image of this shape: ``(L^D, *shape)``."""
    dims = torch.Size(shape).numel()
    every = list(itertools.product(range(levels), repeat=dims))
    return torch.tensor(every, dtype=torch.double).view(-1, *shape) / (levels - 1)


def draw_naively(model: Autoregressive, u, temperature=1.0, given=None, start=0, y=None) -> torch.Tensor:
    """A full forward pass for every pixel."""
    x = u.new_zeros(len(u), *model.event_shape) if given is None else given.clone()
    for i, place in list(enumerate(model.order.tolist()))[start:]:
        logits = (model.logits(x) if y is None else model.logits(x, y)).flatten(1, 3)[:, place]
        x.view(len(u), -1)[:, place] = choose(logits, u[:, i], temperature)
    return x


def multiplications(call: Callable[[], object]) -> int:
    """How many a call takes: counted, not timed."""
    from torch.utils.flop_counter import FlopCounterMode  # slow to import

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def seen(model: Autoregressive, row: int, column: int, colour: int = 0) -> torch.Tensor:
    """Which inputs the logits of one pixel depend on, by the gradient at random images: ``(C, H, W)``."""
    x = torch.rand(64, *model.event_shape, dtype=torch.double, requires_grad=True)
    model.logits(x)[:, colour, row, column].sum().backward()
    return (x.grad != 0).any(0)


def past(model: Autoregressive, row: int, column: int, colour: int = 0) -> torch.Tensor:
    """Which inputs come before one pixel: ``(C, H, W)``."""
    C, H, W = model.event_shape
    place = (colour * H + row) * W + column
    before = torch.zeros(model.dims, dtype=torch.bool)
    before[model.order[: model.order.tolist().index(place)]] = True
    return before.view(C, H, W)
