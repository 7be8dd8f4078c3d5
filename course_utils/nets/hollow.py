"""A velocity in which no pixel hears of itself through others: its exact trace costs no more than f."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from course_utils.nets.coders import zero
from course_utils.nets.ode import Time
from course_utils.nets.timed import Moment, gaussian_velocity


class HollowVelocity(nn.Module):
    r"""Every number moves by a function of itself whose parameters depend on the *other* pixels alone.

        f_i = m_i + r_i z_i + Σ_k a_ik tanh(b_ik z_i + c_ik),    (m, r, a, b, c)_i functions of t and z_{≠ i}.

    What a pixel's parameters see has a Jacobian whose diagonal is zero, *hollow*; so the trace needs no
    vector-Jacobian product, whatever network makes them:

        Tr ∂f/∂z = Σ_i (r_i + Σ_k a_ik b_ik (1 − tanh²(b_ik z_i + c_ik))).

    They see a window around the pixel with its centre closed, and every p×p block of pixels but the one it
    lies in. R. T. Q. Chen and D. Duvenaud, *Neural Networks with Cheap Differential Operators*, NeurIPS 2019.

    Departures: channels of one pixel do not see each other; the ``gaussian_velocity`` is added, so that the
    network learns how far from it the velocity is.

    Args:
        event_shape: (C, H, W); height and width are multiples of p = 4.
        width: channels of a pixel's hidden layers.
        scale: how large numbers of data are: the network reads z / scale.
        classes: how many classes one can ask for.

    >>> f, trace = HollowVelocity((1, 4, 8), width=8).with_trace(0.5, torch.randn(2, 32))
    >>> f.shape, trace.shape
    (torch.Size([2, 32]), torch.Size([2]))
    """

    block, window, units, told = 4, 9, 6, 64
    open_window: Tensor
    others: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int = 48,
        scale: float = 1.0,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        self.event_shape, self.width, self.scale = event_shape, width, scale
        C, H, W = event_shape
        told, p, n = self.told, self.block, H * W // self.block**2
        self.moment = Moment(told, classes)
        self.sizes = [told, told, 2 * told, 2 * told]
        self.turn = nn.Linear(told, sum(self.sizes))
        self.window_weight = nn.Conv2d(C, width, self.window, bias=False).weight
        self.first, self.second = nn.Linear(C * p * p, told), nn.Linear(told, told)
        self.among = nn.Parameter(torch.randn(told, n, n) / n**0.5)
        self.place = nn.Parameter(torch.zeros(n, told))
        self.third, self.spread = nn.Linear(told, 2 * told), nn.Linear(2 * told, p * p * width)
        self.inner, self.last = nn.Linear(width, width), nn.Linear(width, C * (2 + 3 * self.units))
        zero(self.last)
        with torch.no_grad():  # a = 0: at first only the Gaussian's velocity; but no two units are the same
            self.last.bias.view(C, -1)[:, 2 + self.units :].normal_()
        open_window = torch.ones(self.window, self.window)
        open_window[self.window // 2, self.window // 2] = 0
        self.register_buffer("open_window", open_window, persistent=False)
        self.register_buffer("others", 1 - torch.eye(n), persistent=False)

    def forward(self, t: Time, z: Tensor, y: Tensor | None = None) -> Tensor:
        """f(t, z): ``(B, C·H·W)`` to the same."""
        return self.with_trace(t, z, y)[0]

    def with_trace(self, t: Time, z: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """f(t, z) and Tr ∂f/∂z, exact: ``(B, C·H·W)`` and ``(B,)``."""
        x = z.view(-1, *self.event_shape) / self.scale
        u, C = self.units, x.shape[1]
        context = silu(self._near(x) + self._far(x, self.moment(t, z, y)))
        parts = self.last(silu(self.inner(context))).unflatten(3, (C, -1))
        m, r, a, b, c = parts.split([1, 1, u, u, u], 4)
        own = x.permute(0, 2, 3, 1).unsqueeze(4)
        bent = torch.tanh(torch.addcmul(c, b, own))
        f = (m + r * own + (a * bent).sum(4, keepdim=True)).squeeze(4).permute(0, 3, 1, 2).flatten(1)
        slope = (r.squeeze(4) + (a * b * (1 - bent * bent)).sum(4)).flatten(1).sum(1)
        drift, power = gaussian_velocity(t, z)
        rate = drift / power
        return self.scale * f + rate * z, slope + z.shape[1] * rate[:, 0]

    def _near(self, x: Tensor) -> Tensor:
        """What the window around each pixel holds but for its centre: ``(B, H, W, width)``."""
        x = x.contiguous(memory_format=torch.channels_last)
        weight = self.window_weight * self.open_window
        return nn.functional.conv2d(x, weight, padding=self.window // 2).permute(0, 2, 3, 1)

    def _far(self, x: Tensor, moment: Tensor) -> Tensor:
        """What each pixel is told of all blocks but its own: ``(B, H, W, width)``."""
        (C, H, W), p = self.event_shape, self.block
        s1, b1, s2, b2 = self.turn(moment)[:, None].split(self.sizes, 2)
        blocks = x.view(-1, C, H // p, p, W // p, p).permute(0, 2, 4, 1, 3, 5).reshape(len(x), -1, C * p * p)
        h = silu(self.second(silu((1 + s1) * self.first(blocks) + b1)))
        h = torch.einsum("bnk,knm->bmk", h, self.among * self.others) + self.place
        h = self.spread(silu((1 + s2) * self.third(silu(h)) + b2))
        return h.view(-1, H // p, W // p, p, p, self.width).transpose(2, 3).reshape(-1, H, W, self.width)
