"""`fit` for all training binaries: with feed, validation, logs and checkpoints."""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from absl import logging

from experiments.data.feed import Batch
from experiments.training import devices
from experiments.training.checkpoint import Checkpoints, Standing
from experiments.training.muon import IMAGE_CHANNELS, Muon
from experiments.training.progress import Progress
from experiments.training.run_dir import save_atomically
from experiments.training.stage_log import StageLog

BEST_WEIGHTS = "best.weights.h5"
_VALIDATION_BATCH = 2  # ours: held-out images are large


class TrainingDiverged(ArithmeticError):
    """The loss is no longer finite."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a `fit` is, and how it steps.

    Attributes:
        steps: Training steps in all.
        steps_per_epoch: Steps between two validations and checkpoints, or all steps if
            there are fewer; `steps` is a multiple of it.
        learning_rate: Of Adam.
        cosine: Warm up over the first 1/50 of the steps, then lower to 0 along a
            cosine; otherwise fixed.
        muon_ratio: Learning rate of the hidden kernels, stepped by Muon, as a multiple
            of Adam's; 0 for Adam everywhere.
        image_channels: Adam steps the kernels that read or write at most this many
            channels.
        ema_momentum: Of the moving average of the weights; 0 for none.
        steps_per_execution: Steps that the backend does in one call; an epoch is a
            multiple of it.

    Raises:
        ValueError: A number is not such a multiple, or there is no step.
    """

    steps: int
    steps_per_epoch: int
    learning_rate: float
    cosine: bool
    muon_ratio: float = 0.0
    image_channels: int = IMAGE_CHANNELS
    ema_momentum: float = 0.0
    steps_per_execution: int = 1

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"Expected at least one step, got {self.steps}.")
        if self.steps % self.epoch_steps:
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
        return min(self.steps, self.steps_per_epoch)

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return self.steps // self.epoch_steps


def optimizer(schedule: Schedule) -> keras.optimizers.Optimizer:
    """Adam or Muon, according to `schedule`."""
    learning_rate = schedule.learning_rate
    if schedule.cosine:
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
        return Muon(
            learning_rate, schedule.muon_ratio, schedule.image_channels, **average
        )
    return keras.optimizers.Adam(learning_rate, **average)


def fit(
    model: keras.Model,
    *,
    batch_of: Callable[[int], Batch],
    validation: Batch,
    schedule: Schedule,
    folder: Path,
    score: Callable[[dict], float],
    title: str,
    later_steps: float = 0.0,
    watched: np.ndarray | None = None,
) -> float:
    """Trains `model`, resuming from the newest checkpoint in `folder`.

    Afterwards `folder` holds `best.weights.h5`, and `model` has these weights.

    Args:
        model: Built and compiled with `optimizer(schedule)`.
        batch_of: Maps a step to its batch.
        validation: Inputs, targets and, if patches are weighted, weights.
        schedule: Its length and its learning rates.
        folder: Where weights, checkpoints and logs go.
        score: Maps the metrics of a validation to the score that chooses the best
            weights, the higher the better.
        title: Label of the progress bar.
        later_steps: The work after this `fit`, in steps of this one.
        watched: Compressed images `[B, S, S, C]`; TensorBoard shows what each stage of
            a `DualPriorNetwork` does to them.

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
    progress = Progress(
        title,
        first_step=first_step,
        num_steps=schedule.steps,
        steps_per_epoch=schedule.epoch_steps,
        later_steps=later_steps,
    )
    logs = _tensorboard_folder(folder)
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        # Before the swap, so that they get the averaged weights.
        keeper,
        *([StageLog(logs / "stages", watched)] if logs and watched is not None else []),
        *([keras.callbacks.SwapEMAWeights()] if schedule.ema_momentum else []),
        _Checkpointer(checkpoints, keeper),
        progress,
        keras.callbacks.CSVLogger(folder / "log.csv", append=True),
        *([keras.callbacks.TensorBoard(logs)] if logs else []),
    ]
    if num_epochs:
        history = model.fit(
            devices.batches(batch_of, first_step, num_epochs * schedule.epoch_steps),
            initial_epoch=first_epoch,
            epochs=schedule.epochs,
            steps_per_epoch=schedule.epoch_steps,
            validation_data=devices.repeated(validation),
            validation_batch_size=max(_VALIDATION_BATCH, devices.count())
            // devices.num_hosts(),
            shuffle=False,  # the feed draws at random
            callbacks=callbacks,
            verbose=0,
        ).history
        losses = [history[name][-1] for name in ("loss", "val_loss")]
        if not np.all(np.isfinite(losses)):
            epoch = first_epoch + len(history["loss"])
            raise TrainingDiverged(
                f"{folder}: the loss became {np.sum(losses)} in epoch {epoch}. "
                "The last good checkpoint and the best weights, if there were any, are "
                "kept there. Lower --learning_rate, in another --run_dir."
            )
    model.load_weights(folder / BEST_WEIGHTS)
    return keeper.best


class _BestWeightsKeeper(keras.callbacks.Callback):
    """Saves the weights, as validated, whenever their score is the best so far.

    Keras's ModelCheckpoint writes in place. It gets averaged weights only if they stay
    swapped in until the next epoch, and then a checkpoint would store them, too.
    """

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
    """Saves the state of training after each epoch whose losses are finite.

    The training loss is from before the last step, the validation loss from after it.
    """

    def __init__(self, checkpoints: Checkpoints, keeper: _BestWeightsKeeper):
        super().__init__()
        self._checkpoints = checkpoints
        self._keeper = keeper

    def on_epoch_end(self, epoch, logs=None):
        if np.isfinite(logs["loss"]) and np.isfinite(logs["val_loss"]):
            standing = Standing(epoch + 1, self._keeper.best)
            self._checkpoints.save(self.model, standing)


def _tensorboard_folder(folder: Path) -> Path | None:
    if not all(importlib.util.find_spec(m) for m in ("tensorflow", "tensorboard")):
        logging.info("No TensorBoard logs without TensorFlow: see %s/log.csv.", folder)
        return None
    return folder / "tensorboard"
