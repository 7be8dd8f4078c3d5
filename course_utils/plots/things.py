"""Objects on scenes, from the forms of tensors in which data and networks give them."""

from typing import NamedTuple

import numpy as np
from torch import Tensor


class Thing(NamedTuple):
    """An object to draw: its class, and its score, box and mask where there are any."""

    label: int
    score: float | None
    box: np.ndarray | None
    mask: np.ndarray | None

    def extent(self, size: tuple[int, int]) -> np.ndarray:
        """Its box or, without one, its mask's; without either, the whole scene of this height and width."""
        if self.box is not None:
            return self.box
        if self.mask is None:
            return np.array([0.0, 0.0, size[1], size[0]])
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


def by_scene(
    n: int,
    size: tuple[int, int],
    classes: int,
    labels: Tensor,
    boxes: Tensor | None,
    masks: Tensor | None,
    scores: Tensor | None,
    scene: Tensor | None,
) -> list[list[Thing]]:
    """The objects of each scene, by falling score, whatever the form in which they came (see ``scenes``).

    Args:
        n: how many scenes there are.
        size: height and width of a scene.
        classes: how many classes have a name.
        labels, boxes, masks, scores, scene: as ``scenes`` takes them.

    Raises:
        ValueError: the parts do not fit together, or a class has no name.
    """
    label = labels.cpu().numpy()
    forms = ["(M,)"] if scene is not None else [f"({n},)", f"({n}, K)"]
    fits = label.ndim == 1 if scene is not None else label.ndim in (1, 2) and len(label) == n
    if not fits:
        raise ValueError(f"scenes: expected labels {' or '.join(forms)}, got {label.shape}")
    ends = {"boxes": (4,), "masks": size, "scores": (), "scene": ()}
    parts = {}
    for (name, end), part in zip(ends.items(), (boxes, masks, scores, scene), strict=True):
        value = None if part is None else part.detach().cpu().numpy()
        if value is not None and value.shape != label.shape + end:
            raise ValueError(f"scenes: expected {name} of shape {label.shape + end}, got {value.shape}")
        parts[name] = value if value is None else value.reshape(-1, *end)
    if parts["scene"] is None:
        parts["scene"] = np.arange(n).repeat(label.size // n)
    label = label.reshape(-1)
    rows = parts["scene"]
    if label.size and (label.max() >= classes or rows.min() < 0 or rows.max() >= n):
        raise ValueError(
            f"scenes: expected classes below {classes} on scenes 0 to {n - 1}, "
            f"got {label.max()} and {rows.min()} to {rows.max()}"
        )
    order = range(label.size) if parts["scores"] is None else np.argsort(-parts["scores"], kind="stable")
    found: list[list[Thing]] = [[] for _ in range(n)]
    for i in order:
        if label[i] >= 0:
            mine = (
                None if part is None else part[i]
                for part in (parts["scores"], parts["boxes"], parts["masks"])
            )
            found[rows[i]].append(thing(int(label[i]), *mine))
    return found


def thing(label: int, score: float | None, box: np.ndarray | None, mask: np.ndarray | None) -> Thing:
    """An object without what says nothing: a score that is NaN, a box or a mask that is empty."""
    known = score is not None and not np.isnan(score)
    solid = box is not None and (box[2:] > box[:2]).all()
    return Thing(
        label,
        float(score) if known else None,
        box if solid else None,
        mask if mask is not None and mask.any() else None,
    )
