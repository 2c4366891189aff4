"""Checkpoints that survive a kill at any moment, on any backend.

One file holds the state that training resumes from: weights, the optimiser's state
(with its step, and the moving average of the weights), the epoch and the best score so
far. It is written under another name and renamed once it is complete on disk. The two
newest are kept; if the newest is damaged, training resumes from the one before. The
feed needs no state: a batch is a function of the step.

Keras's BackupAndRestore, with `double_checkpoint` too, writes weights and epoch in
place, as two files: killed in between, it resumes with the weights of one save and the
epoch of another. It lacks the best score and a checksum. TensorFlow's CheckpointManager
supports no other backend.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from absl import logging

from dual_prior.system.atomic_file import atomic_file, remove_leftovers

NUM_KEPT = 2


class Standing(NamedTuple):
    """The progress of training: epochs done, and the best score."""

    epoch: int = 0
    best: float = float("-inf")


class Checkpoints:
    """The checkpoints of one training phase.

    Args:
        folder: Where they lie; created when the first is written.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def save(self, model: keras.Model, standing: Standing) -> None:
        """Stores the state after an epoch, and removes the third newest.

        Args:
            model: Compiled and built, with its optimiser.
            standing: The progress of its training.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{index:05}": keras.ops.convert_to_numpy(variable)
            for index, variable in enumerate(_variables(model))
        }
        header = np.frombuffer(json.dumps(standing._asdict()).encode(), "u1")
        with atomic_file(self._folder / f"epoch-{standing.epoch:06}.npz") as file:
            np.savez(file, header=header, **arrays)
        for old in self._files()[:-NUM_KEPT]:
            old.unlink()

    def restore(self, model: keras.Model) -> Standing:
        """Sets `model` to the newest readable state.

        Returns:
            The progress of its training; the start if there is no checkpoint.

        Raises:
            OSError: There are checkpoints, and none can be read.
        """
        remove_leftovers(self._folder)
        files, variables = self._files(), _variables(model)
        for file in reversed(files):
            try:
                standing, values = _read(file)
                if len(values) != len(variables):
                    raise ValueError(f"{len(values)} arrays, not {len(variables)}")
            # NumPy raises many kinds of errors on damaged files.
            except Exception as error:
                logging.warning(
                    "%s is damaged (%s): trying the one before.", file, error
                )
                continue
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return standing
        if files:
            raise OSError(f"{self._folder}: none of its checkpoints can be read.")
        return Standing()

    def _files(self) -> list[Path]:
        return sorted(
            file
            for file in self._folder.glob("epoch-*.npz")
            if re.fullmatch(r"epoch-\d{6}\.npz", file.name)
        )


def _read(file: Path) -> tuple[Standing, list[np.ndarray]]:
    # Reading every array checks every array: each has its own CRC in the file.
    with np.load(file) as archive:
        header = json.loads(archive["header"].tobytes())
        standing = Standing(epoch=header["epoch"], best=header["best"])
        return standing, [archive[name] for name in sorted(archive.files)[:-1]]


def _variables(model: keras.Model) -> list:
    # Not model.variables: those hold the metrics too, which come and go.
    return [*model.weights, *model.optimizer.variables]
