"""What a small Boltzmann machine can be asked by brute force: sums over all states of some of its units."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from course_utils.runtime import as_double

LARGEST = 22  # units: four million states are summed in seconds; each unit more doubles the time
SIDES = ("visible", "hidden")
BLOCK = 2**21  # numbers held at once


def binary_states(units: int, first: int = 0, last: int | None = None, *, like: Tensor) -> Tensor:
    """The states of binary units whose numbers are first … last − 1, in order: ``(last − first, units)``.

    The first unit is the most significant bit, as in ``universe.all_images``.

    >>> binary_states(3, 5, 7, like=torch.zeros(()))
    tensor([[1., 0., 1.],
            [1., 1., 0.]])
    """
    numbers = torch.arange(first, 2**units if last is None else last, device=like.device)
    bits = torch.arange(units - 1, -1, -1, device=like.device)
    return ((numbers[:, None] >> bits) & 1).to(like.dtype)


def log_sum(log_weight: Callable[[Tensor], Tensor], units: int, *, width: int, like: Tensor) -> Tensor:
    """log Σ_s exp(log_weight(s)) over all 2^units states, block by block: a scalar in float64.

    Args:
        log_weight: from states ``(B, units)`` to ``(B,)``.
        units: how many are summed over.
        width: how many numbers ``log_weight`` holds for one state.
        like: the device and dtype of the states.

    >>> round(log_sum(lambda s: s.sum(1), 3, width=3, like=torch.zeros(())).item(), 4)  # 3 log(1 + e)
    3.9398
    """
    total, rows = 2**units, max(1, BLOCK // width)
    blocks = [
        as_double(log_weight(binary_states(units, first, min(first + rows, total), like=like))).logsumexp(0)
        for first in range(0, total, rows)
    ]
    return torch.stack(blocks).logsumexp(0)


def summable(W: Tensor, connections: str, side: str | None = None) -> str:
    """The layer of a machine whose states are summed over: the one asked for (None: the smaller).

    Args:
        W: weights ``(D, H)``.
        connections: "restricted": the other layer has a closed form; "full": it is summed over too.
        side: "visible", "hidden" or None.

    Raises:
        ValueError: there is no such side, or it has too many states.

    >>> summable(torch.zeros(64, 20), "restricted")
    'hidden'
    """
    who, (D, H) = "BoltzmannMachine.log_partition", W.shape
    if side not in (None, *SIDES):
        raise ValueError(f"{who}: expected side to be one of {SIDES}, got {side!r}")
    side = "visible" if connections == "full" else side or ("visible" if D <= H else "hidden")
    units = D + H if connections == "full" else D if side == "visible" else H
    if units > LARGEST:
        raise ValueError(
            f"{who}: expected at most {LARGEST} units to sum over, got {units}: "
            "use evaluation.annealed_importance_sampling"
        )
    return side


def transition_matrix(b: Tensor, c: Tensor, W: Tensor) -> Tensor:
    r"""T(v, v′) = Σ_h p(h | v) p(v′ | h): one step of block Gibbs between all visible states.

    Args:
        b: biases of the D visible units ``(D,)``.
        c: biases of the H hidden units ``(H,)``.
        W: weights ``(D, H)``.

    Returns:
        ``(2^D, 2^D)``, every row a distribution.

    Raises:
        ValueError: there are more than 22 units, or more than 12 visible ones.

    >>> T = transition_matrix(torch.zeros(2), torch.zeros(1), torch.zeros(2, 1))
    >>> T.unique().tolist()  # no weights: from everywhere to everywhere
    [0.25]
    """
    D, H = W.shape
    if D > 12 or D + H > LARGEST:
        raise ValueError(
            f"transition_matrix: expected at most 12 visible units, {LARGEST} with the hidden, got {D} + {H}"
        )
    v, h = binary_states(D, like=W), binary_states(H, like=W)
    upward, downward = c + v @ W, b + h @ W.T  # log-odds (S, H) and (2^H, D)
    log_up = upward @ h.T + logsigmoid(-upward).sum(1, keepdim=True)  # log p(h | v)
    log_down = downward @ v.T + logsigmoid(-downward).sum(1, keepdim=True)  # log p(v' | h)
    return log_up.exp() @ log_down.exp()
