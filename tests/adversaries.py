"""Players whose games can be worked out, and a game between them."""

import torch
from torch import nn

from course_utils.models.gan import GAN
from course_utils.universe import state_index


class Table(nn.Module):
    """A discriminator that is free to say anything of each state."""

    def __init__(self, states: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(states).double())

    def forward(self, x, y=None):
        return self.logits[state_index(x)]


class Fixed(nn.Module):
    """A generator whose samples have exact frequencies, whatever the noise."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x)

    def forward(self, z, y=None):
        assert len(z) == len(self.x)
        return self.x


class Slope(nn.Module):
    """A linear critic, f(x) = w · x + b."""

    def __init__(self, w: torch.Tensor, b: float = 0.0) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(w), b

    def forward(self, x, y=None):
        return x.flatten(1) @ self.w + self.b


class Bent(nn.Module):
    """A critic of the line that is linear between neighbouring knots, with free slopes."""

    def __init__(self, knots: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("knots", knots)
        self.slopes = nn.Parameter(torch.zeros(len(knots) - 1).double())

    def forward(self, x, y=None):
        width = self.knots.diff()
        return ((x - self.knots[:-1]).clamp_min(0).minimum(width) * self.slopes).sum(1)


def play(x, fake, discriminator, loss="non-saturating", penalty=0.0, **settings):
    """A game between given players on samples of exact frequencies; without a penalty: that of 2014."""
    game = GAN(tuple(x.shape[1:]), loss=loss, latent=1, hidden=2, penalty=penalty, **settings).double()
    game.generator, game.discriminator = Fixed(fake), discriminator
    return game
