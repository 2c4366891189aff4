"""Trains one contender, for the same time as all others."""

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
from experiments.contenders.registry import CONTENDERS
from experiments.data.protocol import QUALITIES
from experiments.data.training_pictures import PaperPictures, Split
from experiments.measuring import cost
from experiments.measuring.throughput import seconds_per_step
from experiments.training import devices, fit
from experiments.training.losses import psnr
from experiments.training.run_dir import open_run_dir

RESULT = "result.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """All that decides the result of a trial, but the speed of the machine.

    Attributes:
        contender: Its name in `experiments.contenders.registry`.
        seed: Of the weights and the patches.
        minutes: Of training, on this machine.
        classifier: The classifier f_s: the version of the weights that it is part of,
            or the SHA-256 of its own.
        qualities: Of JPEG.
        train_pictures, held_out_pictures: Pictures to train and validate on; see
            `experiments.data.sources.described`. None: not stored.

    The other numbers are ours and the same for all: short runs of `compact`'s recipe,
    whose moving average must forget the first weights.
    """

    contender: str
    seed: int
    minutes: float
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
    """The result of a trial; PSNR in dB on the held-out pictures, by quality."""

    contender: str
    seed: int
    steps: int
    seconds_per_step: float
    parameters: int
    macs: float
    jpeg: tuple[float, ...]
    restored: tuple[float, ...]

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
    classifier: str,
    seconds: float,
    folder: Path,
    found: Sequence[str] = (),
) -> TrialResult:
    """Trains and scores, or resumes, or reads the result of an earlier run.

    Args:
        config: The configuration.
        split: The pictures.
        classifier: Weights that `train_classifier` wrote for `compact`.
        seconds: Of a training step; see `measured_step`.
        folder: Of the trial.
        found: The devices to train on; see `devices.find`.
    """
    open_run_dir(folder, config)
    if (folder / RESULT).exists():
        return read_result(folder)
    pictures = PaperPictures(split, qualities=config.qualities)
    steps = max(1, round(60 * config.minutes / seconds))
    schedule = fit.Schedule(
        steps=steps,
        steps_per_epoch=steps,  # one validation: it takes as long as 50 steps
        learning_rate=config.learning_rate,
        cosine=True,
        muon_ratio=config.muon_ratio,
        ema_momentum=config.ema_momentum,
    )
    validation = pictures.validation()
    compressed, clean = validation
    with devices.scope(found):
        model, batch_of = _set_up(config, pictures, classifier)
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
        keras.config.set_dtype_policy("float32")
        (images,) = devices.repeated((compressed,))
        restored = model.predict(images, batch_size=max(2, devices.count()), verbose=0)
    restored = restored[: len(compressed)]
    result = TrialResult(
        contender=config.contender,
        seed=config.seed,
        steps=schedule.steps,
        seconds_per_step=seconds,
        parameters=model.count_params(),
        macs=cost.macs(model),
        jpeg=_by_quality(clean, compressed, config.qualities),
        restored=_by_quality(clean, restored, config.qualities),
    )
    with atomic_file(folder / RESULT) as file:
        file.write((json.dumps(dataclasses.asdict(result), indent=2) + "\n").encode())
    return result


def measured_step(
    config: TrialConfig,
    *,
    split: Split,
    classifier: str,
    file: Path,
    found: Sequence[str] = (),
) -> float:
    """Seconds of a training step, on a machine that does nothing else.

    Args:
        config: The configuration.
        split: The pictures.
        classifier: Weights that `train_classifier` wrote for `compact`.
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
        model, batch_of = _set_up(config, pictures, classifier)
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


def _set_up(config, pictures, classifier):
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.dtype)
    model = CONTENDERS[config.contender](classifier)
    batch_of = pictures.batches(
        patch_size=config.patch_size,
        batch_size=config.batch_size,
        alignment=config.alignment,
        seed=config.seed,
    )
    return model, batch_of


def _by_quality(
    clean: np.ndarray, images: np.ndarray, qualities: tuple[int, ...]
) -> tuple[float, ...]:
    # The held-out images are ordered by picture, then by quality.
    each = keras.ops.convert_to_numpy(psnr(clean, images.astype(np.float32)))
    return tuple(each.reshape(-1, len(qualities)).mean(axis=0).round(4).tolist())
