"""Exact Wasserstein-1 distances on finite spaces: the least cost of moving the mass of p to q."""

import numpy as np
import torch
from torch import Tensor

from course_utils.divergences.estimate import check_vector
from course_utils.divergences.finite import laws

MAX_PIXELS = 10


def wasserstein1_line(log_p: Tensor, log_q: Tensor, positions: Tensor) -> Tensor:
    """W₁(p, q) = ∫ |F_p(t) − F_q(t)| dt for states that are points of the line, in units of the positions.

    Differentiable in both laws.

    Args:
        log_p, log_q: log-probabilities of the same S states, ``(S,)`` each.
        positions: where each state lies, ``(S,)``, in any order.

    Raises:
        ValueError: as ``kl``, or positions are not S finite numbers on the same device.

    >>> p, q = torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log()
    >>> wasserstein1_line(p, q, torch.tensor([0.0, 3.0]))
    tensor(3., dtype=torch.float64)
    """
    first, second = laws(log_p, log_q, "wasserstein1_line")
    at = check_vector(positions, "wasserstein1_line", "positions", like=log_p)
    if not bool(at.isfinite().all()):
        raise ValueError(f"wasserstein1_line: expected finite positions, got {at[~at.isfinite()][0]:g}")
    at, order = at.sort()
    excess = (first.exp() - second.exp())[order].cumsum(0)
    return (excess[:-1].abs() * at.diff()).sum()


def wasserstein1_hamming(log_p: Tensor, log_q: Tensor) -> Tensor:
    """W₁(p, q) on the 2^D binary images, where moving mass costs the number of pixels that change.

    Hamming distance is path length on the hypercube, so the least-cost transport is a least-cost *flow*
    along its D·2^D directed edges: a linear programme far smaller than the one over all 4^D pairs.
    Solved exactly (scipy's HiGHS); not differentiable.

    Args:
        log_p, log_q: log-probabilities ``(2^D,)`` in the order of the binary numbers that the pixels
            spell (``universe``'s order), D ≤ 10.

    Returns:
        A scalar, in pixels: from 0 to D.

    Raises:
        ValueError: as ``kl``, or the number of states is no power of two from 2 to 2^10.

    >>> p, q = torch.tensor([1.0, 0, 0, 0]).log(), torch.tensor([0, 0, 0, 1.0]).log()
    >>> round(wasserstein1_hamming(p, q).item(), 6)  # from image 00 to image 11
    2.0
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    first, second = laws(log_p, log_q, "wasserstein1_hamming")
    states = len(first)
    pixels = states.bit_length() - 1
    if states != 2**pixels or not 1 <= pixels <= MAX_PIXELS:
        raise ValueError(f"wasserstein1_hamming: expected 2^D states with 1 ≤ D ≤ {MAX_PIXELS}, got {states}")
    p, q = (law.detach().softmax(0).cpu().numpy() for law in (first, second))
    tail = np.repeat(np.arange(states), pixels)
    head = tail ^ np.tile(1 << np.arange(pixels), states)
    edge = np.arange(len(tail))
    out_minus_in = coo_array(
        (np.repeat([1.0, -1.0], len(edge)), (np.concatenate([tail, head]), np.tile(edge, 2))),
        shape=(states, len(edge)),
    )
    exactly = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    flow = linprog(np.ones(len(edge)), A_eq=out_minus_in.tocsr(), b_eq=p - q, method="highs", options=exactly)
    if not flow.success:
        raise RuntimeError(f"wasserstein1_hamming: the linear programme was not solved: {flow.message}")
    return torch.tensor(flow.fun, dtype=torch.float64, device=first.device)
