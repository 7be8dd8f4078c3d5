"""What every drawn set is: tensors that belong together, example by example."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Examples:
    """N examples, each a row of every tensor; unpacks as those."""

    def __len__(self) -> int:
        return len(next(iter(self)))

    def __iter__(self) -> Iterator[Tensor]:
        return (getattr(self, part.name) for part in fields(self))

    def __getitem__(self, rows: int | slice | Tensor | list[int]) -> Self:
        return type(self)(*(part[[rows] if isinstance(rows, int) else rows] for part in self))

    def to(self, device: str | torch.device) -> Self:
        """The same examples on another device."""
        return type(self)(*(part.to(device) for part in self))
