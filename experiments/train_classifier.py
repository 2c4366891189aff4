"""Trains the classifier f_s: the first of the paper's two training stages.

    python -m experiments.train_classifier --preset=compact --data_dir=../shared/data
    python -m experiments.train_classifier --train_data=my/pictures --qualities=40,60

Cross-entropy (Eq. 12) on the image gradients of clean patches (0) and of the same
patches compressed at quality 10, 20 and 30 (1), from BSD500 train + test; for `photo`
from more photographs and drawings, compressed by several encoders; or from your own
pictures, folders or TFDS (experiments/data/sources.py). Numbers that no flag sets are
those of the preset's recipe (experiments/training/recipes.py); for `paper` they are the
paper's. A run that was killed resumes from its last checkpoint when it is started again
with the same flags.

Writes into --run_dir: best.weights.h5 (give it to train_network), config.json, log.csv,
tensorboard/ and checkpoints/.
"""

import dataclasses

import keras
import numpy as np
from absl import flags

from dual_prior.network.presets import PRESETS, find_preset
from experiments import binaries
from experiments.data import training_pictures
from experiments.data.sources import described
from experiments.measuring.throughput import faster_dtype
from experiments.training import devices, fit, recipes
from experiments.training.classifier_model import classifier_model
from experiments.training.flags import define_data_flags, define_step_flags
from experiments.training.run_dir import open_run_dir

_PRESET = flags.DEFINE_string(
    "preset",
    "compact",
    f"Whose classifier and recipe: one of {', '.join(PRESETS)}, or a preset's folder.",
)
_DATA = define_data_flags()
_RECIPE = flags.DEFINE_string(
    "recipe",
    None,
    "Train as this preset's is trained. Default: --preset itself; for a folder of your "
    "own compact or photo, by its number of channels.",
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Folder of the run. Default: runs/classifier-PRESET."
)
_STEPS = flags.DEFINE_integer("steps", None, "Training steps.", lower_bound=1)
_STEP_FLAGS = define_step_flags(steps_per_epoch=250)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides the result of a run.

    Attributes:
        train_pictures, held_out_pictures: See `experiments.data.sources.described`.
    """

    preset: str
    recipe: recipes.ClassifierRecipe
    steps_per_epoch: int
    seed: int
    train_pictures: dict
    held_out_pictures: dict


def labelled(
    compressed: np.ndarray, clean: np.ndarray, blends: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What the classifier learns from.

    Args:
        compressed, clean: Patches `[B, H, W, C]`.
        blends: `[B]` in [0, 1], or None: how far each further patch lies on the way
            from clear to compressed.

    Returns:
        Images `[2B or 3B, H, W, C]` and labels `[2B or 3B, 1]`: 1 for compressed, 0 for
        clear, and what `blends` says for the patches in between.
    """
    groups = [(compressed, np.ones(len(clean))), (clean, np.zeros(len(clean)))]
    if blends is not None:
        amount = blends.astype(np.float32)[:, None, None, None]
        groups.append((clean + amount * (compressed - clean), blends))
    images, labels = zip(*groups, strict=True)
    return np.concatenate(images), np.concatenate(labels).astype(np.float32)[:, None]


def train(
    config: Config,
    *,
    split: training_pictures.Split,
    run_dir: str,
    steps_per_execution: int = 1,
) -> float:
    """Trains the classifier of `config`; returns its best validation loss."""
    recipe = config.recipe
    schedule = _schedule(config, steps_per_execution)
    folder = open_run_dir(run_dir, config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(recipe.dtype)
    pictures = training_pictures.PICTURES[recipe.pictures](
        split, qualities=recipe.qualities
    )
    pairs = pictures.batches(
        patch_size=recipe.patch_size,
        batch_size=recipe.batch_size,
        alignment=recipe.alignment,
        seed=config.seed,
    )
    model = classifier_model(find_preset(config.preset))
    model.compile(
        fit.optimizer(schedule),
        "binary_crossentropy",
        metrics=["mean_absolute_error"],
        steps_per_execution=steps_per_execution,
    )

    def batch_of(step: int):
        compressed, clean = pairs(step)
        # A stream of its own: the patches come from that of (seed, step).
        rng = np.random.default_rng((config.seed, step, 1))
        blends = rng.uniform(size=recipe.batch_size) if recipe.blend else None
        return labelled(compressed, clean, blends)

    compressed, clean = pictures.validation()
    blends = np.linspace(0, 1, len(clean)) if recipe.blend else None
    return -fit.fit(
        model,
        batch_of=batch_of,
        validation=labelled(compressed, clean, blends),
        schedule=schedule,
        folder=folder,
        score=lambda metrics: -metrics["loss"],
        title="classifier",
    )


def _schedule(config: Config, steps_per_execution: int) -> fit.Schedule:
    return fit.Schedule(
        steps=config.recipe.steps,
        steps_per_epoch=config.steps_per_epoch,
        learning_rate=config.recipe.learning_rate,
        cosine=config.recipe.cosine,
        steps_per_execution=steps_per_execution,
    )


def main(argv):
    """Reads the flags, trains, and says where the weights are."""
    del argv
    preset = find_preset(_PRESET.value)
    recipe = recipes.override(
        _DATA.recipe(recipes.recipe_for(preset, _RECIPE.value).classifier),
        steps=_STEPS.value,
        learning_rate=_STEP_FLAGS.learning_rate.value,
        batch_size=_STEP_FLAGS.batch_size.value,
        patch_size=_STEP_FLAGS.patch_size.value,
    )
    split = training_pictures.find(
        recipe.train_data, _DATA.data_dir.value, _DATA.held_out.value
    )
    config = Config(
        preset=_PRESET.value,
        recipe=recipe,
        steps_per_epoch=_STEP_FLAGS.steps_per_epoch.value,
        seed=_STEP_FLAGS.seed.value,
        train_pictures=described(split.kept),
        held_out_pictures=described(split.held_out),
    )
    # All that may be wrong with the flags comes to light before what takes long.
    _schedule(config, _STEP_FLAGS.steps_per_execution.value)
    found = devices.find(_STEP_FLAGS.devices.value, [recipe.batch_size])
    dtype = _STEP_FLAGS.dtype.value or faster_dtype(recipe.dtype)
    run_dir = _RUN_DIR.value or f"runs/classifier-{preset.name}"
    recipe = dataclasses.replace(recipe, dtype=dtype)
    with devices.scope(found):
        loss = train(
            dataclasses.replace(config, recipe=recipe),
            split=split,
            run_dir=run_dir,
            steps_per_execution=_STEP_FLAGS.steps_per_execution.value,
        )
    weights = f"{run_dir}/{fit.BEST_WEIGHTS}"
    print(f"Cross-entropy on the held-out pictures {loss:.4f}. Weights: {weights}")


if __name__ == "__main__":
    binaries.run(main)
