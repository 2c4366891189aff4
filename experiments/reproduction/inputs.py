"""The inputs of tables and figures: pictures, networks, finished trials."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from dual_prior.network.presets import PRESETS
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array
from experiments.contenders.ablations import ABLATIONS
from experiments.contenders.registry import CONTENDERS
from experiments.contenders.trial import (
    RESULT,
    TrialConfig,
    TrialResult,
    read_result,
    slug,
)
from experiments.data.sources import Picture, evaluation_pictures
from experiments.measuring.scores import read_pairs
from experiments.training.fit import BEST_WEIGHTS


@dataclasses.dataclass(frozen=True)
class Sources:
    """The places of the inputs.

    Attributes:
        data_dir: The folder of the data sets.
        contenders, ablations: The --run_dir of `train_contenders`, and of
            `train_ablations`.
        scores: Folder of measured scores, which are slow to measure.
        limit: Of pictures of each set; None for all.
    """

    data_dir: str
    contenders: Path
    ablations: Path
    scores: Path
    limit: int | None = None

    def pictures(self, dataset: str) -> list[Picture]:
        """The pictures of an evaluation set, up to `limit`."""
        return evaluation_pictures(dataset, self.data_dir)[: self.limit]

    def pairs(
        self, dataset: str, quality: int, name: str
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """As `scores.read_pairs`, of an evaluation set, with a bar called `name`."""
        pictures = self.pictures(dataset)
        return tqdm(
            read_pairs(pictures, quality),
            f"{name}, {dataset} at {quality}",
            len(pictures),
            unit="picture",
            leave=False,
            disable=None,
        )

    def trials(self, name: str) -> list[TrialResult]:
        """The finished trials of a contender or an ablation, a seed each."""
        folder = self._folder_of(name)
        return [
            read_result(file.parent)
            for file in sorted(folder.glob(f"{slug(name)}-*/{RESULT}"))
            if re.fullmatch(rf"{slug(name)}-\d+", file.parent.name)
        ]

    def _folder_of(self, name: str) -> Path:
        return self.ablations if name in ABLATIONS else self.contenders

    def settings(self) -> dict:
        """What decides the results: the shipped weights and the settings of trials.

        Raises:
            ValueError: Trials were run in different ways.
        """
        trials: dict[str, tuple[Path, dict]] = {}
        for file in sorted(self.contenders.glob("*/config.json")):
            config = json.loads(file.read_text())["config"]
            shared = {k: v for k, v in config.items() if k not in ("contender", "seed")}
            key = json.dumps(shared, sort_keys=True)
            trials.setdefault(key, (file.parent, shared))
        if len(trials) > 1:
            (one, _), (other, _) = list(trials.values())[:2]
            raise ValueError(
                f"{one} and {other} were trained with different settings "
                "(config.json); they cannot be compared."
            )
        return {
            "limit": self.limit,
            "weights": {name: PRESETS[name].version for name in PRESETS},
            "trials": next((shared for _, shared in trials.values()), {}),
        }

    def weights(self, name: str, seed: int = 0) -> Path | None:
        """Those of a trial, or None if it is not finished."""
        folder = self._folder_of(name) / TrialConfig(contender=name, seed=seed).folder
        return folder / BEST_WEIGHTS if (folder / RESULT).exists() else None

    def trained(self, name: str, seed: int = 0) -> keras.Model | None:
        """A trained contender or ablation, or None if its trial is not finished."""
        weights = self.weights(name, seed)
        if weights is None:
            return None
        # A contender is built without the classifier that it then reads.
        start = str(self.ablations / "start") if name in ABLATIONS else None
        model = (CONTENDERS | ABLATIONS)[name](start)
        model.load_weights(weights)
        return model


@functools.cache
def compact() -> DualPriorNetwork:
    """The shipped network of the paper's protocol."""
    return DualPriorNetwork.from_preset("compact")


def restored(network, plane: np.ndarray) -> np.ndarray:
    """A plane `[H, W]`, uint8, restored."""
    return restore_array(plane, network)
