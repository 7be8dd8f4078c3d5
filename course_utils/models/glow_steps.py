"""The two steps that Glow adds: activation normalisation, and the invertible 1×1 convolution."""

import torch
from torch import Tensor, nn

from course_utils.models.flow_steps import Step


class ActNorm(Step):
    """z = (x − μ)·exp(−s) for every channel, log |det| = −h·w·Σ s.

    μ and s are parameters, 0 until ``start`` takes them from a batch, whose channels then have mean 0 and
    variance 1 (Kingma & Dhariwal 2018, after Salimans & Kingma 2016): ``Glow.initialise`` does so, and no
    verb. Whether it has happened is kept with the weights.

    Args:
        channels: C of ``(B, C, H, W)``.
    """

    started: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_std = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Take mean and standard deviation from a batch; a channel that is constant keeps its scale."""
        mean = x.mean((0, 2, 3), keepdim=True)
        std = x.std((0, 2, 3), keepdim=True, correction=0)
        rounding = 100 * torch.finfo(x.dtype).eps * x.abs().amax((0, 2, 3), keepdim=True)
        self.mean.copy_(mean)
        self.log_std.copy_(torch.where(std > rounding, std, 1.0).log())
        self.started.fill_(True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and −h·w·Σ s for every example."""
        log_det = -x.shape[2] * x.shape[3] * self.log_std.sum()
        return (x - self.mean) * (-self.log_std).exp(), log_det.expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """x = z·exp(s) + μ."""
        return z * self.log_std.exp() + self.mean


class InvertibleConv(Step):
    """A 1×1 convolution: every pixel's channels are multiplied by one matrix, a learned permutation.

    The matrix is kept as W = P L (U + diag s), with P a fixed permutation, L lower triangular with ones
    on its diagonal and U strictly upper triangular, so that log |det| = h·w·Σ log |s| costs O(C) and not
    O(C³). It starts as a random rotation (Kingma & Dhariwal 2018, section 3.2).

    Args:
        channels: C of ``(B, C, H, W)``.
    """

    P: Tensor
    sign: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels, dtype=torch.double))[0]
        P, L, U = torch.linalg.lu(rotation)
        s = U.diagonal()
        self.register_buffer("P", P.float())
        self.register_buffer("sign", s.sign().float())
        self.log_s = nn.Parameter(s.abs().log().float())
        self.lower = nn.Parameter(L.tril(-1).float())
        self.upper = nn.Parameter(U.triu(1).float())

    def factors(self) -> tuple[Tensor, Tensor]:
        """L and U + diag s."""
        L = self.lower.tril(-1) + torch.eye(len(self.lower), dtype=self.lower.dtype, device=self.lower.device)
        return L, self.upper.triu(1) + torch.diag(self.sign * self.log_s.exp())

    @property
    def weight(self) -> Tensor:
        """W = P L (U + diag s), ``(C, C)``."""
        L, U = self.factors()
        return self.P @ L @ U

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """W x at every pixel, and h·w·Σ log |s|."""
        z = torch.einsum("ij,bjhw->bihw", self.weight, x)
        return z, (x.shape[2] * x.shape[3] * self.log_s.sum()).expand(len(x))

    def inverse(self, z: Tensor) -> Tensor:
        """W⁻¹ z: the permutation undone, then two triangular systems."""
        L, U = self.factors()
        y = self.P.T @ z.movedim(1, 0).flatten(1)
        y = torch.linalg.solve_triangular(L, y, upper=False, unitriangular=True)
        x = torch.linalg.solve_triangular(U, y, upper=True)
        return x.unflatten(1, (len(z), *z.shape[2:])).movedim(0, 1)
