"""`fit` as both training binaries use it: fed by step, validated, logged, resumable."""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from absl import logging

from experiments.data.feed import batch_stream
from experiments.training.checkpoint import Checkpoints, Standing
from experiments.training.clock import Clock
from experiments.training.muon import Muon
from experiments.training.progress import Progress
from experiments.training.run_dir import save_atomically

BEST_WEIGHTS = "best.weights.h5"

_NEVER_REACHED = 10**9  # steps


class TrainingDiverged(ArithmeticError):
    """The loss is not a finite number any more."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long a `fit` is, and how it steps.

    Attributes:
        steps: Training steps in all; None for as many as `minutes` allow.
        steps_per_epoch: Steps between two validations and checkpoints, if there are so
            many; `steps` is a multiple of it.
        learning_rate: Of Adam.
        muon_ratio: Learning rate of the hidden kernels, stepped by Muon, as a multiple
            of Adam's; 0 for Adam everywhere.
        cosine: Warm up over the first 1/50 of the steps, or of the minutes, then lower
            to 0 along a cosine; otherwise fixed.
        ema_momentum: Of the moving average of the weights; 0 for none.
        steps_per_execution: Steps that the backend does in one go; an epoch is a
            multiple of it.
        minutes: Of training, by the clock; None where `steps` are given.

    Raises:
        ValueError: It is not, there is no step, or not just one of `steps` and
            `minutes` is given.
    """

    steps: int | None
    steps_per_epoch: int
    learning_rate: float
    cosine: bool
    muon_ratio: float = 0.0
    ema_momentum: float = 0.0
    steps_per_execution: int = 1
    minutes: float | None = None

    def __post_init__(self):
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(
                f"Expected either steps or minutes, got {self.steps} and "
                f"{self.minutes}."
            )
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"Expected at least one step, got {self.steps}.")
        if self.steps is not None and self.steps % self.epoch_steps:
            raise ValueError(
                f"Expected steps in whole epochs of {self.steps_per_epoch}, got "
                f"{self.steps}."
            )
        if self.epoch_steps % self.steps_per_execution:
            raise ValueError(
                f"Expected epochs of {self.epoch_steps} steps in whole executions, got "
                f"{self.steps_per_execution} steps an execution."
            )

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch."""
        return min(self.steps or self.steps_per_epoch, self.steps_per_epoch)

    @property
    def epochs(self) -> int:
        """Number of epochs; more than there will ever be, where the clock ends them."""
        return (self.steps or _NEVER_REACHED) // self.epoch_steps


def optimizer(schedule: Schedule) -> keras.optimizers.Optimizer:
    """Adam, or Muon, as `schedule` wants it."""
    learning_rate = schedule.learning_rate
    if schedule.cosine and schedule.steps is not None:  # otherwise the clock's to set
        warmup = max(1, schedule.steps // 50)
        learning_rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, schedule.steps - warmup),
            warmup_target=learning_rate,
            warmup_steps=warmup,
        )
    average = {
        "use_ema": schedule.ema_momentum > 0,
        "ema_momentum": schedule.ema_momentum or 0.99,
    }
    if schedule.muon_ratio:
        return Muon(learning_rate, schedule.muon_ratio, **average)
    return keras.optimizers.Adam(learning_rate, **average)


def feed(
    batch_of: Callable[[int], tuple[np.ndarray, ...]], first_step: int, num_steps: int
):
    """The batches of `num_steps` steps from `first_step` on, for this backend's fit."""
    if keras.backend.backend() != "tensorflow":
        return batch_stream(batch_of, first_step, num_steps)
    from experiments.data.feed import batch_dataset

    shapes = [array.shape for array in batch_of(first_step)]
    return batch_dataset(batch_of, shapes, first_step, num_steps)


def fit(
    model: keras.Model,
    batch_of: Callable[[int], tuple[np.ndarray, ...]],
    validation: tuple[np.ndarray, np.ndarray],
    schedule: Schedule,
    folder: Path,
    score: Callable[[dict], float],
    title: str,
) -> float:
    """Trains `model`, going on from the newest checkpoint in `folder`.

    Afterwards `folder` holds `best.weights.h5`, and `model` has these weights.

    Args:
        model: Built and compiled with `optimizer(schedule)`.
        batch_of: Maps a step to its batch.
        validation: Inputs and targets.
        schedule: How long, and how.
        folder: Where weights, checkpoints and logs go.
        score: What chooses the best weights, the higher the better, from the metrics of
            the validation.
        title: What the progress bar says.

    Returns:
        The best validation score.

    Raises:
        TrainingDiverged: The loss is NaN or infinite; the last good state is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(folder / "checkpoints")
    standing = checkpoints.restore(model)
    first_epoch, num_epochs = standing.epoch, schedule.epochs - standing.epoch
    first_step = first_epoch * schedule.epoch_steps
    keeper = _BestWeightsKeeper(folder / BEST_WEIGHTS, score, standing.best)
    clock = _clock(schedule, standing.seconds)
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        keeper,  # Before the swap: it must see the averaged weights.
        *([keras.callbacks.SwapEMAWeights()] if schedule.ema_momentum else []),
        *([clock] if clock else []),  # Before those that ask it.
        _Checkpointer(checkpoints, keeper, clock),
        Progress(title, first_step, schedule.steps, schedule.epoch_steps, clock),
        keras.callbacks.CSVLogger(folder / "log.csv", append=True),
        *_tensorboard(folder),
    ]
    if num_epochs and not (clock and clock.is_over):
        losses = model.fit(
            feed(batch_of, first_step, num_epochs * schedule.epoch_steps),
            initial_epoch=first_epoch,
            epochs=schedule.epochs,
            steps_per_epoch=schedule.epoch_steps,
            validation_data=validation,
            validation_batch_size=2,
            shuffle=False,  # the feed has drawn at random already
            callbacks=callbacks,
            verbose=0,
        ).history["loss"]
        if not np.isfinite(losses[-1]):
            raise TrainingDiverged(
                f"{folder}: the loss became {losses[-1]} in epoch "
                f"{first_epoch + len(losses)}. The last good checkpoint and the best "
                "weights, if there were any, are kept there. Lower --learning_rate, in "
                "another --run_dir."
            )
    model.load_weights(folder / BEST_WEIGHTS)
    return keeper.best


class _BestWeightsKeeper(keras.callbacks.Callback):
    """Saves the weights, as validated, whenever their score is the best so far."""

    def __init__(self, path: Path, score: Callable[[dict], float], best: float):
        super().__init__()
        self.best = best
        self._path = path
        self._score = score

    def on_test_end(self, logs=None):
        score = float(self._score(logs))
        if score > self.best:
            save_atomically(self.model.save_weights, self._path)
            self.best = score


class _Checkpointer(keras.callbacks.Callback):
    """Saves the state of training after each epoch whose losses are finite numbers.

    Of the two the loss comes from before the last step, the validation from after it.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        keeper: _BestWeightsKeeper,
        clock: Clock | None = None,
    ):
        super().__init__()
        self._checkpoints = checkpoints
        self._keeper = keeper
        self._clock = clock

    def on_epoch_end(self, epoch, logs=None):
        if np.isfinite(logs["loss"]) and np.isfinite(logs["val_loss"]):
            seconds = self._clock.spent if self._clock else 0.0
            standing = Standing(epoch + 1, self._keeper.best, seconds)
            self._checkpoints.save(self.model, standing)


def _clock(schedule: Schedule, spent: float) -> Clock | None:
    if schedule.minutes is None:
        return None
    return Clock(schedule.minutes, schedule.learning_rate, schedule.cosine, spent)


def _tensorboard(folder: Path) -> list[keras.callbacks.Callback]:
    if not all(importlib.util.find_spec(m) for m in ("tensorflow", "tensorboard")):
        logging.info("No TensorBoard logs without TensorFlow: see %s/log.csv.", folder)
        return []
    return [keras.callbacks.TensorBoard(folder / "tensorboard")]
