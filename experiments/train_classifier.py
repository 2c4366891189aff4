"""Trains the classifier f_s: the first of the paper's two training stages.

    python -m experiments.train_classifier --preset=compact --data_dir=../shared/data

Cross-entropy (Eq. 12) on the image gradients of clear patches (0) and of the same
patches compressed at quality 10, 20 and 30 (1), from BSD500 train + test; for `photo`
of CID22 as well, in colour, and damaged as photographs are. The numbers left unset are
the preset's recipe (experiments/training/recipes.py); for `paper` it is the paper's.
Killed at any moment and started again with the same flags, it goes on from its last
checkpoint.

Writes into --run_dir: best.weights.h5 (give it to train_network), config.json, log.csv,
tensorboard/ and checkpoints/.
"""

import dataclasses

import keras
import numpy as np
from absl import flags

from dual_prior.network.presets import PRESETS, find_preset
from experiments import binaries
from experiments.data.training_pictures import PICTURES
from experiments.measuring.throughput import faster_dtype
from experiments.training import fit, recipes
from experiments.training.classifier_model import classifier_model
from experiments.training.run_dir import open_run_dir

_PRESET = flags.DEFINE_enum(
    "preset", "compact", list(PRESETS), "Whose classifier and recipe."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    "../shared/data",
    "Folder that holds bsds500/train and bsds500/test; for photo cid22, too.",
)
_RECIPE = flags.DEFINE_enum(
    "recipe",
    None,
    list(PRESETS),
    "Train as this preset's is trained. Default: --preset itself.",
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Folder of the run. Default: runs/classifier-PRESET."
)
_STEPS = flags.DEFINE_integer("steps", None, "Training steps.", lower_bound=1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", None, "Of Adam.")
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Clear patches a step, and as many compressed.", lower_bound=1
)
_PATCH_SIZE = flags.DEFINE_integer(
    "patch_size", None, "Side of a patch, pixels.", lower_bound=8
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    None,
    ["float32", "mixed_bfloat16"],
    "Keras dtype policy. Default: the recipe's, or float32 where that is faster.",
)
_STEPS_PER_EPOCH = flags.DEFINE_integer(
    "steps_per_epoch",
    250,
    "Steps between two validations and checkpoints.",
    lower_bound=1,
)
_STEPS_PER_EXECUTION = flags.DEFINE_integer(
    "steps_per_execution",
    1,
    "Steps the backend does in one go; more on accelerators.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of the weights and the patches.", lower_bound=0
)


@dataclasses.dataclass(frozen=True)
class Config:
    """All that decides the result of a run."""

    preset: str
    recipe: recipes.ClassifierRecipe
    steps_per_epoch: int
    seed: int


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


def train(config: Config, data_dir: str, run_dir: str, steps_per_execution: int = 1):
    """Trains the classifier of `config`; returns its best validation loss."""
    recipe = config.recipe
    schedule = fit.Schedule(  # first: it refuses what would come to light late
        recipe.steps,
        config.steps_per_epoch,
        recipe.learning_rate,
        recipe.cosine,
        steps_per_execution=steps_per_execution,
    )
    folder = open_run_dir(run_dir, config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(recipe.dtype)
    pictures = PICTURES[recipe.pictures](data_dir)
    pairs = pictures.batches(
        recipe.patch_size, recipe.batch_size, recipe.alignment, config.seed
    )
    model = classifier_model(find_preset(config.preset))
    model.compile(
        fit.optimizer(schedule),
        "binary_crossentropy",
        metrics=["mean_absolute_error"],
        steps_per_execution=steps_per_execution,
    )

    def batch_of(step: int):
        # A stream of its own: the patches come from that of (seed, step).
        rng = np.random.default_rng((config.seed, step, 1))
        blends = rng.uniform(size=recipe.batch_size)
        return labelled(*pairs(step), blends if recipe.blend else None)

    compressed, clean = pictures.validation
    blends = np.linspace(0, 1, len(clean)) if recipe.blend else None
    return -fit.fit(
        model,
        batch_of,
        labelled(compressed, clean, blends),
        schedule,
        folder,
        score=lambda metrics: -metrics["loss"],
        title="classifier",
    )


def main(argv):
    """Reads the flags, trains, and says where the weights are."""
    del argv
    recipe = recipes.recipe_for(_PRESET.value, _RECIPE.value).classifier
    recipe = recipes.override(
        recipe,
        steps=_STEPS.value,
        learning_rate=_LEARNING_RATE.value,
        batch_size=_BATCH_SIZE.value,
        patch_size=_PATCH_SIZE.value,
        dtype=_DTYPE.value or faster_dtype(recipe.dtype),
    )
    config = Config(_PRESET.value, recipe, _STEPS_PER_EPOCH.value, _SEED.value)
    run_dir = _RUN_DIR.value or f"runs/classifier-{_PRESET.value}"
    loss = train(config, _DATA_DIR.value, run_dir, _STEPS_PER_EXECUTION.value)
    weights = f"{run_dir}/{fit.BEST_WEIGHTS}"
    print(f"Cross-entropy on the held-out pictures {loss:.4f}. Weights: {weights}")


if __name__ == "__main__":
    binaries.run(main)
