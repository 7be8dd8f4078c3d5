"""A game as a training run: two players step in turn, each down a loss of its own."""

import time
from collections import defaultdict
from dataclasses import replace
from math import isfinite

import torch
from torch import Tensor

from course_utils.runtime import as_double
from course_utils.taxonomy import Direct
from course_utils.training import streams
from course_utils.training.batches import Batch, Transform, prepare
from course_utils.training.descent import Descent, scalar_loss
from course_utils.training.game_history import GameHistory
from course_utils.training.run import EVALUATION_BATCH, STEPS_TO_LOOK, EpochsDone, Run
from course_utils.training.settings import Settings

# the other player moves too: a long memory of gradients misleads (Radford et al. 2016)
BETAS = (0.5, 0.9)

Loss = tuple[str, Tensor, int, int]  # whose, its value, in which batch, of how many examples


class Player(Descent):
    """The descent of one player: its own weights down its own loss, the other player's held still.

    Args:
        game: the model, on the device.
        name: "generator" or "discriminator".
        settings: as for ``Descent``.
        device: where the game is.

    Raises:
        ValueError: the player has no parameters to train.
    """

    def __init__(self, game: Direct, name: str, settings: Settings, device: torch.device) -> None:
        super().__init__(getattr(game, name), settings, device)
        self.game, self.name = game, name
        for group in self.optimiser.param_groups:
            group["betas"] = BETAS

    def loss(self, batch: tuple) -> Tensor:
        """The player's loss, with no gradients left over from before."""
        self.optimiser.zero_grad()
        with self.autocast():
            return scalar_loss(self.game, batch, f"{self.name}_loss")


class GameRun(Run):
    """A game in progress. What is kept is the last epoch: D's weights, and the running average of G's.

    A running average forgets the turns that the players take around each other (Yazıcı et al., ICLR 2019).
    Nothing is stopped early, and no epoch is "best": neither loss measures how close p_g is to p_D.

    Args:
        model: on the device.
        settings: how to train both players; ``average`` is that of the generator's weights.
        train: the training data, on the device.
        valid: held-out data, of which D's answer to at most 500 is recorded.
        transform: what every batch passes through before the losses; None: nothing.

    Raises:
        ValueError: a player has no parameters to train.
    """

    def __init__(
        self,
        model: Direct,
        settings: Settings,
        train: Batch,
        valid: Batch,
        transform: Transform | None = None,
    ) -> None:
        super().__init__(model, settings, train, valid, transform)
        self.descent = Player(model, "generator", settings, self.device)
        self.opponent = Player(model, "discriminator", replace(settings, average=0.0), self.device)
        self.history = GameHistory(type(model).__name__, settings.as_dict(), model.probability)

    def train_epoch(
        self, number: int, deadline: float, after_step: EpochsDone
    ) -> tuple[tuple[float, float], int, bool]:
        """Turns over all batches, or until the deadline: mean losses, number of batches, whether all."""
        batches = self.start_epoch(number)
        totals, pending = defaultdict(lambda: [0.0, 0]), []
        for i, indices in enumerate(batches, start=1):
            for player in (self.opponent, self.descent):
                player.set_lr(number - 1 + (i - 1) / len(batches))
            batch = prepare(tuple(part.index_select(0, indices) for part in self.train), self.transform)
            pending += self._turn(batch, i)
            late = time.perf_counter() > deadline
            if i % STEPS_TO_LOOK[self.device.type] == 0 or late or i == len(batches):
                self._look_at(pending, totals, number)
                pending.clear()
            after_step(number - 1 + i / len(batches))
            if late:
                break
        if "generator" not in totals:  # it had no turn in a short epoch
            with torch.no_grad():
                self._look_at([("generator", self._loss_of_generator(batch), i, 1)], totals, number)
        means = tuple(totals[name][0] / totals[name][1] for name in ("discriminator", "generator"))
        return means, i, i == len(batches)

    def _turn(self, batch: Batch, i: int) -> list[Loss]:
        """One step of the discriminator, and one of the generator if it is its turn."""
        loss = self.opponent.loss(batch)
        self.opponent.step(loss)
        losses = [("discriminator", loss.detach(), i, len(batch[0]))]
        if self.opponent.steps % self.model.discriminator_steps == 0:
            loss = self._loss_of_generator(batch)
            self.descent.step(loss)
            losses.append(("generator", loss.detach(), i, len(batch[0])))
        return losses

    def _loss_of_generator(self, batch: Batch) -> Tensor:
        x, *classes = batch
        return self.descent.loss((len(x), *classes))

    def _look_at(self, losses: list[Loss], totals: dict[str, list], epoch: int) -> None:
        """Add up losses over examples, if all are finite."""
        values = torch.stack([as_double(loss) for _, loss, _, _ in losses]).tolist()
        for (name, _, batch, size), value in zip(losses, values, strict=True):
            if not isfinite(value):
                raise self.diverged(f"the {name}'s loss became {value}", epoch, batch)
            totals[name][0] += value * size
            totals[name][1] += size

    def finite(self) -> bool:
        """Whether the weights of both players are finite."""
        return self.descent.finite() and self.opponent.finite()

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """D's mean answers to held-out examples and to new samples, always with the same random numbers."""
        self.model.eval()
        streams.start(self.device, self.settings.seed, "held-out")
        x, *classes = prepare(tuple(part[:EVALUATION_BATCH] for part in self.valid), self.transform)
        told = dict(zip(("y",), classes, strict=False))
        answers = [self.model.discriminate(part, **told) for part in (x, self.model.sample(len(x), **told))]
        real, fake = (answer.mean().item() for answer in answers)
        if not isfinite(real + fake):
            raise self.diverged(f"D's answer became {real + fake}", self.history.epochs + 1)
        return real, fake

    def reason_to_stop(self) -> str:
        """Why training is over ("epochs"), or an empty string."""
        return "epochs" if self.history.epochs >= self.settings.epochs else ""

    def kept(self) -> str:
        """Which weights the model has in the end, in words."""
        epoch = self.history.epochs
        return f"the weights of epoch {epoch}" if epoch else "the weights from before training"

    def state(self) -> dict:
        """All that the next epochs depend on: both players, with both optimisers."""
        return super().state() | {"opponent": self.opponent.state()}

    def load_state(self, state: dict) -> None:
        """Go back to a state."""
        super().load_state(state)
        self.opponent.load_state(state["opponent"])
