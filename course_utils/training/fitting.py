"""``fit``: the training loop of the course, for whatever has a loss and for games of several players.

Read from top to bottom: what may be asked, the loop, an epoch, its steps, held-out data, the weights kept.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from math import inf, isfinite
from typing import Any

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import runtime
from course_utils.taxonomy import Game, Player
from course_utils.training import ranks, streams
from course_utils.training.checkpoint import Checkpoint, copied_weights, identity
from course_utils.training.data import Batch, Data, Transform, epoch, move, prepare, split, tensors
from course_utils.training.history import GameHistory, History
from course_utils.training.optimiser import Optimiser, TrainingDiverged, scalar
from course_utils.training.settings import Settings, check_options, choose

OnEpoch = Callable[[int, nn.Module], object]

EVALUATION_BATCH = 500
STEPS_TO_LOOK = {"cpu": 1}  # on a GPU a look at the losses waits for all work under way: one in 50 steps
FORM = "{l_bar}{bar}| {n:.1f}/{total_fmt} epochs [{elapsed}<{remaining}{postfix}]"
BAR: dict[str, Any] = {"bar_format": FORM, "leave": False, "delay": 0.5}  # seconds without one


def fit(
    model: nn.Module,
    x: Data,
    *,
    valid: Data | float | None = None,
    transform: Transform | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    clip: float | None = None,
    average: float | None = None,
    patience: float | None = None,
    seconds: float | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    amp: bool = False,
    progress: bool = True,
    on_epoch: OnEpoch | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: float = 1.0,
) -> History | GameHistory:
    """Train a model: find the θ with the smallest mean loss on data, and keep the best on held-out data.

    Adam (Kingma & Ba 2015) steps along the gradient of ``model.loss(*batch)``. Training stops early when
    the held-out loss no longer falls. In the end the model is on the device, in eval mode, with the
    weights of its best epoch: also after an interrupt (Jupyter's stop button), an error or divergence.

    A game (a GAN) has no such loss: its ``players`` step in turn, each down its own (see ``Game``). Nothing
    is stopped early, held-out data are only observed, and the model keeps the weights of its last epoch.

    Args:
        model: a game, or anything with ``loss(*batch)`` → scalar in nats. Where it has ``held_out(*batch)``
            too, that is what early stopping watches, as in contrastive divergence, whose loss is no measure;
            where it has ``initialise(*batch)``, that is called once, with the first batch.
        x: data (N, *event_shape), or a tuple of tensors with the same N such as (x, y), or ``Images``. A game
            with ``paired = False`` draws the examples of each tensor on their own: their N may differ.
        valid: held-out data in the form of x, or the fraction of x to set apart (None: 0.1).
        transform: what makes ``loss``'s arguments of a batch, anew in every step, and of held-out data with
            the same random numbers every time. None: the ``training_transform`` of x, if any (``Images``).
        epochs, batch_size, lr, weight_decay, schedule, clip, average, patience: see ``Settings``. None:
            what the model's ``fit_defaults`` say, else the defaults there.
        seconds: stop after this wall-clock time, in the middle of an epoch if need be.
        seed: decides split, order and all of torch's random numbers in the loss; the caller's own go on
            undisturbed. Same seed, device and threads: same weights.
        device: None: ``runtime.device()``. Several processes share the batches: see ``ranks``.
        amp: mixed precision by autocast, bfloat16 or else float16. On CUDA only, ignored elsewhere.
        progress: show a bar.
        on_epoch: called with (epoch, model in eval mode) before training (epoch 0) and after every epoch.
        checkpoint: a file to keep the state in. If it is there already, that run goes on and ends in the
            same weights, bit for bit; ``on_epoch`` gets the epochs to come.
        checkpoint_every: seconds between two writings, at least.

    Raises:
        ValueError: an argument, the data or a file is not what it should be; the message says which.
        TrainingDiverged: a loss or gradient is not finite.

    >>> class Coin(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.logit = nn.Parameter(torch.zeros(()))
    ...     def loss(self, x):
    ...         return nn.functional.binary_cross_entropy_with_logits(self.logit.expand(x.shape), x)
    >>> coin, heads = Coin(), torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(50)
    >>> history = fit(coin, heads, valid=heads, lr=0.1, epochs=50, progress=False, device="cpu")
    >>> round(coin.logit.sigmoid().item(), 2)
    0.75
    """
    check_options(model, transform, on_epoch, patience, seconds, progress, checkpoint, checkpoint_every)
    deadline = time.perf_counter() + (inf if seconds is None else seconds)
    given: dict[str, Any] = dict(epochs=epochs, batch_size=batch_size, lr=lr, seed=seed, amp=amp)
    given |= dict(weight_decay=weight_decay, schedule=schedule, clip=clip, average=average, patience=patience)
    settings = choose(model, given)
    place = runtime.device(device)
    transform = transform or getattr(x, "training_transform", None)
    paired = getattr(model, "paired", True)
    data = split(tensors(x, model), tensors(valid, model), settings.seed, paired=paired)
    model.to(place).eval()
    train, held_out = (move(part, place, model, transform) for part in data)
    training = Training(model, settings, train, held_out, transform)
    file, others = None, ranks.rank() > 0
    if checkpoint is not None and not others:
        file = Checkpoint(checkpoint, identity(model, settings, transform, train, held_out), checkpoint_every)
        file.resume(training)
    if ranks.count() > 1:
        training.load_state(ranks.of_the_first(training.state()))
    how = dict(BAR, total=settings.epochs, initial=training.history.epochs, desc=training.history.model)
    with streams.borrowed(place), ranks.interrupts_wait(), tqdm(**how, disable=others or not progress) as bar:
        training.run(deadline, bar, on_epoch, file)
    return training.history


class Training:
    """A model on its way down: its players with their optimisers, the history, the weights to keep.

    A model with a loss is a game of one player, but that its loss of held-out data is a measure: so there is
    a best epoch, and training can stop early. Model and data are on the device.
    """

    def __init__(
        self, model: Any, settings: Settings, train: Batch, valid: Batch, transform: Transform | None
    ) -> None:
        self.model, self.settings, self.train, self.valid = model, settings, train, valid
        self.transform, self.device, self.is_game = transform, train[0].device, isinstance(model, Game)
        self.paired, name = getattr(model, "paired", True), type(model).__name__
        if isinstance(model, Game):
            self.players = list(model.players())
            self.history: Any = GameHistory(name, asdict(settings), probability=model.probability)
        else:
            self.players = [Player("loss", (model,), model.loss, averaged=True)]
            self.history = History(name, asdict(settings))
        self.optimisers = [Optimiser(p, settings, self.device, name, game=self.is_game) for p in self.players]
        self.best = copied_weights(self.model)

    def run(
        self, deadline: float, bar: tqdm, on_epoch: OnEpoch | None = None, file: Checkpoint | None = None
    ) -> None:
        """Train epoch after epoch until there is a reason to stop; leave the best weights in the model."""
        try:
            if self.history.epochs == 0:
                self.initialise()
                self.show(on_epoch)
            while not self.history.stopped:
                completed = self.epoch(deadline, lambda done: bar.update(done - bar.n))
                bar.set_postfix_str(self.history.latest(), refresh=False)
                self.show(on_epoch)
                late = ranks.any_late(time.perf_counter() > deadline)
                self.history.stopped = self.reason_to_stop() if completed else ""
                if file is not None and completed:
                    file.save(self, now=late or bool(self.history.stopped))
                self.history.stopped = self.history.stopped or ("seconds" if late else "")
            self.put_back()
        except KeyboardInterrupt:
            self.interrupted()
            self.put_back()
        except BaseException:
            self.put_back()
            raise

    def epoch(self, deadline: float = inf, after_step: Callable[[float], object] = lambda done: None) -> bool:
        """Train for one epoch, look at held-out data, record; whether it was completed in time."""
        begin, number = time.perf_counter(), self.history.epochs + 1
        losses, steps, completed = self.steps(number, deadline, after_step)
        train = losses if self.is_game else losses["loss"]
        if not self._finite():
            raise self._diverged("a gradient became infinite or nan", number, steps)
        ranks.same_buffers(self.model)
        with self.averaged():
            valid = self.observe() if self.is_game else self.evaluate()
            seconds, lr = time.perf_counter() - begin, self.optimisers[-1].lr
            history = self.history.after(train=train, valid=valid, seconds=seconds, lr=lr)
            best = copied_weights(self.model) if history.best_epoch == number else self.best
        self.history, self.best = history, best  # at once: no interrupt may part the two
        return completed

    def steps(
        self, number: int, deadline: float, after_step: Callable[[float], object]
    ) -> tuple[dict[str, float], int, bool]:
        """Steps over all batches, or until the deadline: mean losses, how many batches, whether all."""
        batches = epoch(self.train, self.settings, number, paired=self.paired)
        stream = (number, ranks.rank()) if ranks.rank() else (number,)  # each process has noise of its own
        streams.start(self.device, self.settings.seed, "training", *stream)
        self.model.train()
        self.totals, self.pending = defaultdict(lambda: (0.0, 0)), []
        for i, (indices, share) in enumerate(ranks.shares(batches), start=1):
            batch = self.batch(indices)
            late = ranks.any_late(time.perf_counter() > deadline)
            look = late or i == len(batches) or i % STEPS_TO_LOOK.get(self.device.type, 50) == 0
            turn = self.optimisers[0].steps + 1
            for player, optimiser in zip(self.players, self.optimisers, strict=True):
                if turn % player.every == 0:
                    optimiser.set_lr(number - 1 + (i - 1) / len(batches))
                    loss = share * optimiser.loss(batch)
                    self.pending.append((player.name, loss.detach(), i, len(batch[0]) / share))
                    if look:
                        self.look(number, i)
                    optimiser.step(loss)
            after_step(number - 1 + i / len(batches))
            if late:
                break
        self.look_at_those_without_a_turn(batch, share, number, i)
        return {name: total / n for name, (total, n) in self.totals.items()}, i, i == len(batches)

    def batch(self, indices: Batch) -> Batch:
        """What a loss gets: the chosen examples, and what the transform makes of them."""
        chosen = (part.index_select(0, which) for part, which in zip(self.train, indices, strict=True))
        return prepare(tuple(chosen), self.transform)

    def look(self, number: int, last: int) -> None:
        """Add up the losses since the last look, if all are finite.

        A gradient that is not finite spoils the weights, and they the next loss: no norm need be computed.
        """
        losses = ranks.total(torch.stack([runtime.as_double(loss) for _, loss, _, _ in self.pending]))
        for (name, _, batch, n), loss in zip(self.pending, losses.tolist(), strict=True):
            if not isfinite(loss):
                if not self.is_game and last > 1 and batch == last and not self._finite():
                    raise self._diverged("a gradient became infinite or nan", number, batch - 1)
                whose = f"the {name}'s loss" if self.is_game else "the training loss"
                raise self._diverged(f"{whose} became {loss}", number, batch)
            total, examples = self.totals[name]
            self.totals[name] = total + loss * n, examples + n
        self.pending.clear()

    @torch.no_grad()
    def look_at_those_without_a_turn(self, batch: Batch, share: float, number: int, last: int) -> None:
        """The loss of a player that takes fewer steps than there were batches, for the history."""
        for player, optimiser in zip(self.players, self.optimisers, strict=True):
            if player.name not in self.totals:
                self.pending.append((player.name, share * optimiser.value(batch), last, 1))
                self.look(number, last)

    @torch.no_grad()
    def evaluate(self) -> float:
        """The held-out loss: the mean over examples, with the same random numbers every time."""
        self.model.eval()
        streams.start(self.device, self.settings.seed, "held-out")
        n = len(self.valid[0])
        verb = "held_out" if callable(getattr(self.model, "held_out", None)) else "loss"
        measure = partial(scalar, getattr(self.model, verb), f"{self.history.model}.{verb}")
        pieces = -(-n // max(EVALUATION_BATCH, self.settings.batch_size))
        batches = zip(*(part.tensor_split(pieces) for part in self.valid), strict=True)
        losses = [measure(prepare(batch, self.transform)) * len(batch[0]) for batch in batches]
        loss = ranks.of_the_first(torch.stack(losses).sum().item() / n)
        if not isfinite(loss):
            raise self._diverged(f"the held-out loss became {loss}", self.history.epochs + 1)
        return loss

    @torch.no_grad()
    def observe(self) -> dict[str, float]:
        """What a game shows of held-out examples and new samples, always with the same random numbers."""
        self.model.eval()
        streams.start(self.device, self.settings.seed, "held-out")
        batch = prepare(tuple(part[:EVALUATION_BATCH] for part in self.valid), self.transform)
        seen = ranks.of_the_first({key: value.item() for key, value in self.model.observe(*batch).items()})
        if not all(map(isfinite, seen.values())):
            raise self._diverged(f"the answers became {seen}", self.history.epochs + 1)
        return seen

    def reason_to_stop(self) -> str:
        """Why training is over ("epochs" or "patience"), or an empty string."""
        done, best = self.history.epochs, self.history.best_epoch
        patience = "patience" if done - best >= self.settings.patience else ""
        return "epochs" if done >= self.settings.epochs else patience

    def put_back(self) -> None:
        """Give the model the weights to keep: wholly, however impatiently somebody interrupts."""
        while True:
            try:
                self.model.load_state_dict(self.best)
                self.model.zero_grad()
                self.model.eval()
                return
            except KeyboardInterrupt:
                continue

    @torch.no_grad()
    def initialise(self) -> None:
        """Let the model start from the first batch, if it wants to (as ActNorm does)."""
        if callable(getattr(self.model, "initialise", None)):
            streams.start(self.device, self.settings.seed, "training", 1)
            self.model.initialise(*self.batch(epoch(self.train, self.settings, 1, paired=self.paired)[0]))
            self.best = copied_weights(self.model)

    def show(self, on_epoch: OnEpoch | None) -> None:
        """Let the caller look at the model with the weights it would keep now."""
        if on_epoch is not None and ranks.rank() == 0:
            self.model.eval()
            streams.start(self.device, self.settings.seed, "callback", self.history.epochs)
            with self.averaged():
                on_epoch(self.history.epochs, self.model)

    def averaged(self) -> ExitStack:
        """Lend the model the running averages of its weights, for those players that keep one."""
        stack = ExitStack()
        for optimiser in self.optimisers:
            stack.enter_context(optimiser.averaged())
        return stack

    def _finite(self) -> bool:
        return all(optimiser.finite() for optimiser in self.optimisers)

    def state(self) -> dict:
        """All that the next epochs depend on, but for random numbers (see ``streams``)."""
        optimisers, history = [one.state() for one in self.optimisers], asdict(self.history)
        weights = {"model": copied_weights(self.model), "best": self.best}
        return weights | {"optimisers": optimisers, "history": history}

    def load_state(self, content: dict) -> None:
        """Go back to a state."""
        self.model.load_state_dict(content["model"])
        for optimiser, one in zip(self.optimisers, content["optimisers"], strict=True):
            optimiser.load_state(one)
        self.best, self.history = content["best"], replace(self.history, **content["history"])

    def _kept(self) -> str:
        best, words = self.history.best_epoch, "" if self.is_game else ", its best,"
        return f"the weights of epoch {best}{words}" if best else "the weights from before training"

    def _diverged(self, what: str, epoch: int, batch: int | None = None) -> TrainingDiverged:
        lr = self.optimisers[-1].lr
        return TrainingDiverged(
            f"{self.history.model}: {what}", self._kept(), epoch=epoch, batch=batch, lr=lr
        )

    def interrupted(self) -> None:
        """Note an interrupt, and say what is kept. Without a finished epoch, weights stay if finite."""
        self.history.stopped = "interrupted"
        have = self._kept().removesuffix(",")
        if not self.history.best_epoch and self._finite():
            self.best, have = copied_weights(self.model), "the weights it has reached in its first epoch"
        if ranks.rank() == 0:
            print(f"{self.history.model}: interrupted; the model has {have}.")
