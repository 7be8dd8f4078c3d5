"""Fully connected networks."""

from itertools import pairwise

from torch import Tensor, nn

from course_utils.checks import check_count


class MLP(nn.Module):
    """A fully connected network: linear layers with SiLU between them.

    Args:
        inputs: the number of features that come in.
        outputs: the number that go out.
        hidden: the width of the hidden layers.
        depth: the number of hidden layers.
        zero_last: start with the last layer at 0, so that the network starts as the constant 0.

    Shapes: ``(B, inputs)`` to ``(B, outputs)``.

    Raises:
        ValueError: a size is not a positive integer.

    >>> import torch
    >>> MLP(3, 2, hidden=8, zero_last=True)(torch.ones(1, 3)).tolist()
    [[0.0, 0.0]]
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden: int = 128, depth: int = 2, zero_last: bool = False
    ) -> None:
        super().__init__()
        widths = [
            check_count(n, "MLP: sizes") for n in (inputs, *[hidden] * check_count(depth, "MLP: depth"))
        ]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], check_count(outputs, "MLP: sizes")))
        if zero_last:
            zero(self.layers[-1])

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs)`` to ``(B, outputs)``."""
        return self.layers(x)


def zero(layer: nn.Linear | nn.Conv2d) -> None:
    """Set the weights and biases of a layer to 0."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
