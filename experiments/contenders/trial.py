"""Trains one contender or ablation: for the time, or the steps, of all others."""

import csv
import dataclasses
import json
import operator
import re
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from dual_prior.network.presets import find_preset
from dual_prior.system.atomic_file import atomic_file
from experiments.contenders.ablations import ABLATIONS
from experiments.contenders.registry import CONTENDERS
from experiments.data.protocol import QUALITIES
from experiments.data.training_pictures import PaperPictures, Split
from experiments.measuring import cost
from experiments.measuring.throughput import seconds_per_step
from experiments.training import devices, fit
from experiments.training.losses import psnr
from experiments.training.run_dir import open_run_dir

RESULT = "result.json"
_VALIDATIONS = 5  # ours: of a trial of so many steps; one takes as long as 50 steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """All that decides the result of a trial, but the speed of the machine.

    Attributes:
        contender: Its name in `CONTENDERS` or `ABLATIONS`.
        seed: Of the weights and the patches.
        minutes: Of training, on this machine.
        steps: Of training; None: as many as fit into the minutes.
        classifier: The classifier f_s: the version of the weights that it is part of,
            or the SHA-256 of its own. For ablations that begin with
            trained weights, the SHA-256 of these.
        qualities: Of JPEG.
        train_pictures, held_out_pictures: Pictures to train and validate on; see
            `experiments.data.sources.described`. None: not stored.

    The other numbers are ours and the same for all: short runs of `compact`'s recipe,
    whose moving average must forget the first weights.
    """

    contender: str
    seed: int
    minutes: float = 0.0
    steps: int | None = None
    classifier: str | None = find_preset("compact").version
    qualities: tuple[int, ...] = QUALITIES
    train_pictures: dict | None = None
    held_out_pictures: dict | None = None
    learning_rate: float = 1e-3
    muon_ratio: float = 3.0
    ema_momentum: float = 0.99
    batch_size: int = 10
    patch_size: int = 64
    alignment: int = 8
    dtype: str = "mixed_bfloat16"
    backend: str = "tensorflow"

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{slug(self.contender)}-{self.seed}"


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """The result of a trial; PSNR in dB on the held-out pictures, by quality.

    Attributes:
        validations: Mean PSNR at each validation.
        pictures: PSNR of each restored picture, by quality.
    """

    contender: str
    seed: int
    steps: int
    seconds_per_step: float
    parameters: int
    macs: float
    jpeg: tuple[float, ...]
    restored: tuple[float, ...]
    validations: tuple[float, ...] = ()
    pictures: tuple[tuple[float, ...], ...] = ()

    @property
    def gain(self) -> float:
        """Mean over the qualities, dB over the JPEG."""
        return float(np.mean(self.restored) - np.mean(self.jpeg))


def slug(contender: str) -> str:
    """Its name as a part of file names."""
    return re.sub(r"\W+", "-", contender).lower()


def run_trial(
    config: TrialConfig,
    *,
    split: Split,
    source: str,
    folder: Path,
    seconds: float | None = None,
    found: Sequence[str] = (),
) -> TrialResult:
    """Trains and scores, or resumes, or reads the result of an earlier run.

    Args:
        config: The configuration.
        split: The pictures.
        source: Weights that `train_classifier` wrote for `compact`; for ablations, the
            preset they start from.
        seconds: Of a training step; see `measured_step`. None: timed afterwards.
        folder: Of the trial.
        found: The devices to train on; see `devices.find`.
    """
    open_run_dir(folder, config)
    if (folder / RESULT).exists():
        return read_result(folder)
    pictures = PaperPictures(split, qualities=config.qualities)
    if config.steps is None:
        if seconds is None:
            raise ValueError("A trial of so many minutes needs the time of a step.")
        steps = max(1, round(60 * config.minutes / seconds))
        steps_per_epoch = steps
    else:
        steps, steps_per_epoch = config.steps, max(1, config.steps // _VALIDATIONS)
    schedule = fit.Schedule(
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        learning_rate=config.learning_rate,
        cosine=True,
        muon_ratio=config.muon_ratio,
        ema_momentum=config.ema_momentum,
    )
    validation = pictures.validation()
    compressed, clean = validation
    with devices.scope(found):
        model, batch_of = _set_up(config, pictures, source)
        _compile(model, schedule)
        fit.fit(
            model,
            batch_of=batch_of,
            validation=validation,
            schedule=schedule,
            folder=folder,
            score=operator.itemgetter("psnr"),
            title=f"{config.contender}, seed {config.seed}",
        )
        if seconds is None:
            seconds = seconds_per_step(model, batch_of(0))
            model.load_weights(folder / fit.BEST_WEIGHTS)
        keras.config.set_dtype_policy("float32")
        (images,) = devices.repeated((compressed,))
        restored = model.predict(images, batch_size=max(2, devices.count()), verbose=0)
    before = _by_quality(clean, compressed, config.qualities)
    after = _by_quality(clean, restored[: len(compressed)], config.qualities)
    result = TrialResult(
        contender=config.contender,
        seed=config.seed,
        steps=schedule.steps,
        seconds_per_step=seconds,
        parameters=model.count_params(),
        macs=cost.macs(model),
        jpeg=_mean(before),
        restored=_mean(after),
        validations=_validations(folder / "log.csv"),
        pictures=after.round(4).tolist(),
    )
    with atomic_file(folder / RESULT) as file:
        file.write((json.dumps(dataclasses.asdict(result), indent=2) + "\n").encode())
    return result


def measured_step(
    config: TrialConfig,
    *,
    split: Split,
    source: str,
    file: Path,
    found: Sequence[str] = (),
) -> float:
    """Seconds of a training step, on a machine that does nothing else.

    Args:
        config: The configuration.
        split: The pictures.
        source: As for `run_trial`.
        file: Stores the result, which is measured once.
        found: The devices to train on; see `devices.find`.
    """
    if file.exists():
        return json.loads(file.read_text())
    pictures = PaperPictures(split, qualities=config.qualities)
    schedule = fit.Schedule(
        steps=100, steps_per_epoch=100, learning_rate=0.0, cosine=False, muon_ratio=1.0
    )
    with devices.scope(found):
        model, batch_of = _set_up(config, pictures, source)
        _compile(model, schedule)
        seconds = seconds_per_step(model, batch_of(0))
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as stream:
        stream.write(json.dumps(seconds).encode())
    return seconds


def read_result(folder: Path) -> TrialResult:
    """The result of a finished trial.

    Raises:
        OSError: It has not finished.
    """
    return TrialResult(**json.loads((folder / RESULT).read_text()))


def _compile(model: keras.Model, schedule: fit.Schedule) -> None:
    model.compile(fit.optimizer(schedule), "mean_absolute_error", metrics=[psnr])


def _set_up(config, pictures, source):
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.dtype)
    model = (CONTENDERS | ABLATIONS)[config.contender](source)
    batch_of = pictures.batches(
        patch_size=config.patch_size,
        batch_size=config.batch_size,
        alignment=config.alignment,
        seed=config.seed,
    )
    return model, batch_of


def _by_quality(
    clean: np.ndarray, images: np.ndarray, qualities: tuple[int, ...]
) -> np.ndarray:
    """PSNR `[pictures, qualities]`, dB: held-out images are in this order."""
    each = keras.ops.convert_to_numpy(psnr(clean, images.astype(np.float32)))
    return each.reshape(-1, len(qualities))


def _mean(by_quality: np.ndarray) -> tuple[float, ...]:
    return tuple(by_quality.mean(axis=0).round(4).tolist())


def _validations(log: Path) -> tuple[float, ...]:
    with open(log, newline="") as file:
        return tuple(round(float(row["val_psnr"]), 4) for row in csv.DictReader(file))
