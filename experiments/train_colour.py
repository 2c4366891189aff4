"""Trains a network for colour files: luma, chroma guided by it, or both.

    python -m experiments.train_colour --network=photo --part=luma --run_dir=runs/luma
    python -m experiments.train_colour --network=photo --part=chroma --initial=runs/luma/preset --run_dir=runs/chroma
    python -m experiments.train_colour --network=fast --run_dir=runs/fast

Trains on photographs and drawings, compressed by several encoders, once or twice
(experiments/data/jpeg_patches.py). mozjpeg and jpegli come with `pip install
dual-prior[encoders]`; without them libjpeg-turbo compresses everything. Numbers that no
flag sets are those of the recipe (experiments/training/recipes.py). A run that was
killed resumes from its last checkpoint when it is started again with the same flags.

Writes into --run_dir: preset, a folder for `dual-prior restore --preset` and --initial,
config.json, best.weights.h5, log.csv, tensorboard/ and checkpoints/.
"""  # noqa: E501

import dataclasses
from pathlib import Path

import cv2
import keras
import numpy as np
from absl import flags, logging

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.presets import RestorationProfile, find_preset, sha256
from experiments import binaries
from experiments.data import encoders, training_pictures
from experiments.data.drawings import HELD_OUT_SEED, drawing
from experiments.data.jpeg_patches import JpegPatches, JpegRecipe
from experiments.data.patterns import pattern_sheet
from experiments.data.sources import described
from experiments.measuring.throughput import faster_dtype
from experiments.training import devices, fit, recipes
from experiments.training.classifier_model import load_classifier
from experiments.training.colour_training import (
    IMAGE_CHANNELS,
    NETWORKS,
    PARTS,
    ColourTraining,
    colour_network,
    set_trainable,
)
from experiments.training.flags import define_data_flags, define_step_flags
from experiments.training.run_dir import open_run_dir

_NETWORK = flags.DEFINE_enum(
    "network", "photo", list(NETWORKS), "Which network to train."
)
_PART = flags.DEFINE_enum(
    "part", None, list(PARTS), "Train this part alone. Default: both."
)
_INITIAL = flags.DEFINE_string(
    "initial",
    None,
    "What to start from: the preset of an earlier run, its folder or a .keras file.",
)
_DRAWINGS = flags.DEFINE_bool(
    "drawings", True, "Train on drawings and patterns, too, not on photographs alone."
)
_CLASSIFIER = flags.DEFINE_string(
    "classifier", None, "Weights that train_classifier wrote. Default: as it starts."
)
_STAGES = flags.DEFINE_integer(
    "num_stages", None, "K of luma. Default: as it starts.", lower_bound=1
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Folder of the run. Default: runs/NETWORK-PART."
)
_NUM_STEPS = flags.DEFINE_integer("steps", None, "Training steps.", lower_bound=1)
_DATA = define_data_flags()
_STEPS = define_step_flags(steps_per_epoch=500)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides the result of a run.

    Attributes:
        initial: Checksum of the weights of the preset that it starts from.
        classifier: That of the weights of its classifier, where they were given.
        train_pictures, held_out_pictures: See `experiments.data.sources.described`.
    """

    network: str
    parts: tuple[str, ...]
    recipe: recipes.ColourRecipe
    num_stages: int | None
    encoders: tuple[str, ...]
    steps_per_epoch: int
    seed: int
    initial: str | None
    classifier: str | None
    train_pictures: dict
    held_out_pictures: dict


def train(
    config: Config,
    *,
    split: training_pictures.Split,
    run_dir: str,
    initial: str | None = None,
    classifier: str | None = None,
    steps_per_execution: int = 1,
) -> tuple[Path, float]:
    """Trains the network of `config`.

    Returns:
        The folder of the preset, and the loss on the held-out pictures.
    """
    recipe = config.recipe
    folder = open_run_dir(run_dir, config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(recipe.dtype)
    network = _network(config, initial)
    if classifier is not None:
        load_classifier(network.luma, classifier)
    model = ColourTraining(network, config.parts)
    model.build((None, None, None, 6))
    schedule = _schedule(config, steps_per_execution)
    model.compile(
        fit.optimizer(schedule), loss=None, steps_per_execution=steps_per_execution
    )
    kept, held_out = (
        [_scaled(picture.rgb(), scale) for picture in part for scale in recipe.scales]
        for part in (split.kept, split.held_out)
    )
    first = recipe.num_drawings * config.seed % HELD_OUT_SEED
    drawings = [drawing(first + n) for n in range(recipe.num_drawings)]
    drawings += [pattern_sheet(n) for n in range(recipe.num_patterns)]
    patches = JpegRecipe(
        patch_size=recipe.patch_size,
        batch_size=recipe.batch_size,
        seed=config.seed,
        qualities=(min(recipe.qualities), max(recipe.qualities)),
        encoders=config.encoders,
        grey=0.0 if config.parts == ("chroma",) else JpegRecipe.grey,
    )
    batches = JpegPatches(kept, drawings, patches)
    # An unchanged clean patch would have no error to compare with.
    validation = JpegPatches(
        held_out,
        [drawing(HELD_OUT_SEED + n) for n in range(recipe.num_held_out_drawings)],
        dataclasses.replace(
            patches, batch_size=recipe.num_validation, seed=HELD_OUT_SEED, clear=0.0
        ),
    )
    loss = -fit.fit(
        model,
        batch_of=lambda step: _example(*batches.batch(step)),
        validation=_example(*validation.batch(0)),
        schedule=schedule,
        folder=folder,
        score=lambda metrics: -metrics["loss"],
        title=" and ".join(config.parts),
    )
    set_trainable(network, tuple(PARTS))
    # That of photo-6, whose luma network is as wide; measured where a preset ships.
    profile = RestorationProfile(bytes_per_tile_pixel=900)
    network.save_to_preset(folder / "preset", profile, overwrite=True)
    return folder / "preset", loss


def _network(config: Config, initial: str | None) -> ColourNetwork:
    if initial is None:
        network = colour_network(config.network)
    else:
        network = ColourNetwork.from_preset(initial)
    if config.num_stages in (None, len(network.luma.stages)):
        return network
    luma = network.luma.with_changes(
        num_stages=config.num_stages,
        num_descent_steps=min(1, config.num_stages - 1),
    )
    return ColourNetwork(luma, network.chroma, name=network.name)


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _example(compressed, clean, tables, weights):
    return np.concatenate([compressed, tables], axis=-1), clean, weights


def _schedule(config: Config, steps_per_execution: int) -> fit.Schedule:
    recipe = config.recipe
    return fit.Schedule(
        steps=recipe.steps,
        steps_per_epoch=config.steps_per_epoch,
        learning_rate=recipe.learning_rate,
        cosine=True,
        muon_ratio=recipe.muon_ratio,
        image_channels=IMAGE_CHANNELS,
        ema_momentum=recipe.ema_momentum,
        steps_per_execution=steps_per_execution,
    )


def main(argv):
    """Reads the flags, trains, and says where the preset is."""
    del argv
    parts = (_PART.value,) if _PART.value else tuple(PARTS)
    recipe = recipes.override(
        _DATA.recipe(recipes.COLOUR[_NETWORK.value, parts]),
        steps=_NUM_STEPS.value,
        learning_rate=_STEPS.learning_rate.value,
        batch_size=_STEPS.batch_size.value,
        patch_size=_STEPS.patch_size.value,
    )
    if not _DRAWINGS.value:
        none = {"num_drawings": 0, "num_held_out_drawings": 0, "num_patterns": 0}
        recipe = dataclasses.replace(recipe, **none)
    if len(recipe.qualities) != 2:
        raise ValueError("--qualities: expected the lowest and the highest one.")
    found = devices.find(_STEPS.devices.value, [recipe.batch_size])
    installed = encoders.installed()
    if missing := {encoders.MOZJPEG, encoders.JPEGLI} - {*installed}:
        logging.warning(
            "Not installed: %s. libjpeg-turbo compresses all pictures; with `pip "
            "install dual-prior[encoders]` the others take their share.",
            ", ".join(sorted(missing)),
        )
    split = training_pictures.find(
        recipe.train_data, _DATA.data_dir.value, _DATA.held_out.value
    )
    initial, classifier = _INITIAL.value, _CLASSIFIER.value
    config = Config(
        network=_NETWORK.value,
        parts=parts,
        recipe=dataclasses.replace(
            recipe, dtype=_STEPS.dtype.value or faster_dtype(recipe.dtype)
        ),
        num_stages=_STAGES.value,
        encoders=installed,
        steps_per_epoch=_STEPS.steps_per_epoch.value,
        seed=_STEPS.seed.value,
        initial=initial and find_preset(initial).sha256(),
        classifier=classifier and sha256(Path(classifier)),
        train_pictures=described(split.kept),
        held_out_pictures=described(split.held_out),
    )
    steps_per_execution = _STEPS.steps_per_execution.value
    _schedule(config, steps_per_execution)  # refuses what does not fit together
    run_dir = _RUN_DIR.value or f"runs/{_NETWORK.value}-{_PART.value or 'both'}"
    with devices.scope(found):
        preset, loss = train(
            config,
            split=split,
            run_dir=run_dir,
            initial=initial,
            classifier=classifier,
            steps_per_execution=steps_per_execution,
        )
    print(f"Loss on the held-out pictures {loss:.4f}. Preset: {preset}")


if __name__ == "__main__":
    binaries.run(main)
