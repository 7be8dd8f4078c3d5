"""Games beyond a generator and a discriminator: pairs, unpaired sets, four networks, a second stage."""

import pytest
import torch
from torch import Tensor, nn
from training_games import moved_by
from training_models import same, weights

from course_utils.models.gan import GAN
from course_utils.taxonomy import Game, Player
from course_utils.training import fit, optimiser
from course_utils.training.data import epoch
from course_utils.training.settings import Settings

QUIET = dict(progress=False, device="cpu")


def real_or_not(on_real: Tensor, on_fake: Tensor) -> Tensor:
    """What a discriminator minimises (least squares; Mao et al. 2017)."""
    return (on_real - 1).square().mean() + on_fake.square().mean()


class Colouring(nn.Module, Game):
    """pix2pix in small (Isola et al. 2017): G makes y of x, D sees (x, y), G also pays for |y − G(x)|."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(1, 1)
        self.critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def players(self):
        yield Player("discriminator", (self.critic,), self.discriminator_loss)
        yield Player("generator", (self.net,), self.generator_loss, averaged=True)

    def discriminator_loss(self, x, y):
        pairs, made = torch.cat([x, y], 1), torch.cat([x, self.net(x).detach()], 1)
        return real_or_not(self.critic(pairs), self.critic(made))

    def generator_loss(self, x, y):
        made = self.net(x)
        return (self.critic(torch.cat([x, made], 1)) - 1).square().mean() + 10 * (made - y).abs().mean()

    def observe(self, x, y):
        return {"error": (self.net(x) - y).abs().mean()}


class Cycle(nn.Module, Game):
    """CycleGAN in small (Zhu et al. 2017): two generators are one player, each discriminator is another."""

    paired = False

    def __init__(self) -> None:
        super().__init__()
        self.to_y, self.to_x = nn.Linear(2, 3), nn.Linear(3, 2)
        self.of_x, self.of_y = nn.Linear(2, 1), nn.Linear(3, 1)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def players(self):
        yield Player("generators", (self.to_y, self.to_x), self.generators_loss, averaged=True)
        yield Player("D of x", (self.of_x,), lambda x, y: real_or_not(self.of_x(x), self.of_x(self.to_x(y))))
        yield Player("D of y", (self.of_y,), lambda x, y: real_or_not(self.of_y(y), self.of_y(self.to_y(x))))

    def generators_loss(self, x, y):
        if self.training:
            self.seen.append((x, y))
        made_y, made_x = self.to_y(x), self.to_x(y)
        fooled = (self.of_y(made_y) - 1).square().mean() + (self.of_x(made_x) - 1).square().mean()
        return fooled + self.cycle(x, y)

    def cycle(self, x, y):
        there, back = self.to_x(self.to_y(x)), self.to_y(self.to_x(y))
        return (there - x).abs().mean() + (back - y).abs().mean()

    def observe(self, x, y):
        return {"cycle": self.cycle(x, y)}


def seeded(game: type, *parts: object):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return game(*parts)


X, Y = torch.randn(60, 2, generator=torch.Generator().manual_seed(1)), torch.ones(40, 3).cumsum(0) / 40


def resumed_equals_whole(make, data, path, **settings):
    whole, rest = make(), make()
    history = fit(whole, data, **QUIET, **settings)

    def stop(number: int, model: nn.Module) -> None:
        if number == 2:
            raise KeyboardInterrupt

    fit(make(), data, checkpoint=path, checkpoint_every=0.0, on_epoch=stop, **QUIET, **settings)
    again = fit(rest, data, checkpoint=path, **QUIET, **settings)
    assert same(weights(whole), weights(rest))
    assert (again.losses, again.answers) == (history.losses, history.answers)
    return history


@pytest.mark.slow
def test_a_conditional_game_sees_both_parts_of_a_pair(tmp_path):
    x = torch.linspace(-1, 1, 100)[:, None]
    settings = dict(lr=0.02, epochs=30, batch_size=20, average=0.9)
    history = resumed_equals_whole(lambda: seeded(Colouring), (x, 1 - 2 * x), tmp_path / "run.pt", **settings)
    assert set(history.losses) == {"discriminator", "generator"} and history.answers["error"][-1] < 0.1


def test_four_networks_on_unpaired_data_of_two_lengths(tmp_path):
    settings = dict(lr=0.01, epochs=5, batch_size=16, average=0.9)
    history = resumed_equals_whole(lambda: seeded(Cycle), (X, Y), tmp_path / "run.pt", **settings)
    assert set(history.losses) == {"generators", "D of x", "D of y"}
    assert history.answers["cycle"][-1] < history.answers["cycle"][0]


def test_unpaired_examples_are_drawn_apart():
    """Each x once an epoch, each y at least once: the shorter set begins anew, in another order."""
    game = seeded(Cycle)
    fit(game, (X, Y), valid=(X, Y), epochs=2, batch_size=16, **QUIET)
    first, second = (game.seen[:4], game.seen[4:])
    for batches in (first, second):
        x, y = (torch.cat(part) for part in zip(*batches, strict=True))
        assert same([x.sort(0)[0]], [X.sort(0)[0]]) and len(y) == 60
        assert {value.item() for value in y[:40, 0]} == {value.item() for value in Y[:, 0]}
    assert not same([first[0][1]], [second[0][1]])
    one, other = (torch.cat(part) for part in zip(*epoch((X, X), Settings(), 1, paired=False), strict=True))
    assert not torch.equal(one, other), "two sets of one length go in orders of their own"


def test_each_player_moves_its_own_networks_only():
    """D's losses reach into the generators: with a learning rate of one player alone, only it moves."""
    assert moved_by(seeded(Cycle), "D of x", (X, Y)) == {"of_x"}


def test_a_second_stage_starts_from_the_first(tmp_path):
    """SRGAN in small (Ledig et al. 2017): first |y − G(x)| alone, then the game, with the same G."""

    class First(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def loss(self, x, y):
            return (self.net(x) - y).abs().mean()

    x, game = torch.linspace(-1, 1, 100)[:, None], seeded(Colouring)
    data = (x, 1 - 2 * x)
    fit(First(game.net), data, lr=0.05, epochs=40, **QUIET)
    start = weights(game.net)
    assert game.observe(*data)["error"] < 0.1
    seen = {}
    fit(game, data, lr=1e-3, epochs=3, on_epoch=lambda n, m: seen.update({n: weights(m.net)}), **QUIET)
    assert same(seen[0], start) and not same(seen[3], start)
    assert game.observe(*data)["error"] < 0.2


def test_betas_of_a_game_are_those_of_a_game_and_of_a_loss_those_of_adam(monkeypatch):
    """Radford et al. (2016): β₁ = 0.5 where the other player moves too."""
    made, adam = [], optimiser.AdamW
    monkeypatch.setattr(optimiser, "AdamW", lambda p, **kw: made.append(kw["betas"]) or adam(p, **kw))
    fit(GAN((2,), hidden=4), X, epochs=1, **QUIET)
    model = nn.Linear(2, 1)
    model.loss = lambda x: model(x).square().mean()  # type: ignore[assignment]
    fit(model, X, epochs=1, **QUIET)
    assert [betas[0] for betas in made] == [0.5, 0.5, 0.9]
