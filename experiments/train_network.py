"""Trains the network: the second of the paper's two training stages.

    python -m experiments.train_network --preset=compact --data_dir=../shared/data

The error of the last stage's x against the clear patch, on BSD500 train + test at
quality 10, 20 and 30, the classifier frozen; for `photo` on CID22 as well, in colour,
and damaged as photographs are. The numbers left unset are the preset's recipe
(experiments/training/recipes.py); for `paper` it is the paper's. Killed at any moment
and started again with the same flags, it goes on from its last checkpoint. On an
accelerator set KERAS_BACKEND=jax, --dtype=mixed_bfloat16, --steps_per_execution=10,
and where it is rented by the minute, --phases in minutes.

Writes into --run_dir: PRESET.weights.h5, with as many stages as the preset has (give it
to evaluate, export, dual-prior restore, or --initial; what was trained with --change is
for --initial alone), config.json, and for each phase best.weights.h5, log.csv,
tensorboard/ and checkpoints/.
"""

import dataclasses
import operator
import re
from pathlib import Path

import keras
from absl import flags

from dual_prior.network.presets import PRESETS, find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from experiments import binaries
from experiments.data.training_pictures import PICTURES
from experiments.measuring.throughput import faster_dtype
from experiments.training import fit, recipes
from experiments.training.classifier_model import load_classifier
from experiments.training.growing import start_from, unfold
from experiments.training.losses import LOSSES, psnr
from experiments.training.run_dir import open_run_dir, save_atomically

_PRESET = flags.DEFINE_enum("preset", "compact", list(PRESETS), "What to train.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    "../shared/data",
    "Folder that holds bsds500/train and bsds500/test; for photo cid22, too.",
)
_CLASSIFIER = flags.DEFINE_string(
    "classifier",
    None,
    "Weights that train_classifier wrote. "
    f"Default: runs/classifier-PRESET/{fit.BEST_WEIGHTS}.",
)
_INITIAL = flags.DEFINE_string(
    "initial",
    None,
    "Weights to start from: of the same preset; of one whose de-blocker is of the same "
    "kind and nowhere wider or deeper in units; or of such a one for luma where colour "
    "is trained. Default: random ones.",
)
_INITIAL_PRESET = flags.DEFINE_enum(
    "initial_preset", None, list(PRESETS), "Whose they are. Default: those of --preset."
)
_CHANGE = flags.DEFINE_list(
    "change",
    [],
    "NAME=NUMBER,... of the preset (dual_prior/network/presets.py) to change, for "
    "instance features=32,num_units=2: a smaller network for a run to start from.",
)
_INITIAL_CHANGE = flags.DEFINE_list(
    "initial_change", [], "What --change was where the --initial weights were trained."
)
_RECIPE = flags.DEFINE_enum(
    "recipe",
    None,
    list(PRESETS),
    "Train as this preset is trained: by its recipe, and from its alpha, beta, lambda2 "
    "and eta unless --initial has others. Default: --preset itself.",
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Folder of the run. Default: runs/network-PRESET."
)
_PHASES = flags.DEFINE_list(
    "phases",
    None,
    "What is trained in turn, as STAGES:STEPS, for instance 1:30000,2:15000: first one "
    "stage, then unfolded to two. Or as STAGES:MINUTESm, for instance 1:5m,2:2.5m: by "
    "the clock, compiling and validating included; a last validation follows.",
)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", None, "Of Adam, in all phases.")
_EMA_MOMENTUM = flags.DEFINE_float(
    "ema_momentum",
    None,
    "Of the moving average of the weights: 0 for none; lower for short runs.",
    lower_bound=0.0,
    upper_bound=0.9999,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Patches a step, in all phases.", lower_bound=1
)
_PATCH_SIZE = flags.DEFINE_integer(
    "patch_size", None, "Side of a patch in all phases, pixels.", lower_bound=8
)
_LOSS = flags.DEFINE_enum(
    "loss", None, list(LOSSES), "What is minimised, in all phases."
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    None,
    ["float32", "mixed_bfloat16"],
    "Keras dtype policy. Default: the recipe's, or float32 where that is faster.",
)
_STEPS_PER_EPOCH = flags.DEFINE_integer(
    "steps_per_epoch",
    500,
    "Steps between two validations and checkpoints.",
    lower_bound=1,
)
_NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation",
    None,
    "Validate on this many of the held-out patches only, the first ones: `paper` takes "
    "over 20 minutes on two cores for all 30. Default: all.",
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

_PHASE = re.compile(
    r"(?P<stages>[1-9][0-9]*):((?P<steps>[0-9]+)|(?P<minutes>[0-9]+(\.[0-9]+)?)m)"
)


@dataclasses.dataclass(frozen=True)
class Config:
    """All that decides the result of a run, but the classifier's weights."""

    preset: str
    recipe: recipes.NetworkRecipe
    steps_per_epoch: int
    seed: int
    initial: str | None = None
    initial_preset: str | None = None
    scalars_of: str | None = None
    change: tuple[str, ...] = ()
    initial_change: tuple[str, ...] = ()
    num_validation: int | None = None


def train(
    config: Config,
    data_dir: str,
    classifier: str,
    run_dir: str,
    steps_per_execution: int = 1,
) -> tuple[Path, float]:
    """Trains the network of `config`, phase by phase.

    Returns:
        The weights file, with as many stages as the preset has, and the PSNR on the
        held-out pictures of the network as it was trained last.
    """
    recipe = config.recipe
    # First, since they refuse numbers of steps that could come to light after hours.
    schedules = [
        fit.Schedule(
            phase.steps,
            config.steps_per_epoch,
            phase.learning_rate,
            recipe.cosine,
            recipe.muon_ratio,
            recipe.ema_momentum,
            steps_per_execution,
            phase.minutes,
        )
        for phase in recipe.phases
    ]
    folder = open_run_dir(run_dir, config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(recipe.dtype)
    preset = recipes.changed(find_preset(config.preset), config.change)
    if config.scalars_of:
        preset = recipes.with_scalars_of(preset, find_preset(config.scalars_of))
    network = DualPriorNetwork.from_preset(preset, weights=None)
    load_classifier(network, preset, classifier)
    if config.initial:
        source = find_preset(config.initial_preset or config.preset)
        source = DualPriorNetwork.from_preset(
            recipes.changed(source, config.initial_change), config.initial
        )
        start_from(network, source)
    pictures = PICTURES[recipe.pictures](
        data_dir, recipe.num_patterns, recipe.num_woven
    )
    phases = zip(recipe.phases, schedules, strict=True)
    for index, (phase, schedule) in enumerate(phases, start=1):
        network = unfold(network, phase.num_stages)
        batch_of = pictures.batches(
            phase.patch_size,
            phase.batch_size,
            recipe.alignment,
            # Each phase draws patches of its own.
            seed=config.seed * len(recipe.phases) + index,
            loss=phase.loss if recipe.relative else None,
        )
        network.compile(
            fit.optimizer(schedule),
            LOSSES[phase.loss],
            metrics=[psnr],
            steps_per_execution=steps_per_execution,
        )
        score = fit.fit(
            network,
            batch_of,
            tuple(part[: config.num_validation] for part in pictures.validation),
            schedule,
            folder / f"phase-{index}",
            score=operator.itemgetter("psnr"),
            title=f"phase {index}, K = {phase.num_stages}",
        )
    path = folder / f"{config.preset}.weights.h5"
    # Of the preset's K, to be read as such; and, never compiled, without an optimiser.
    save_atomically(unfold(network, preset.num_stages).save_weights, path)
    return path, score


def parse_phases(
    texts: list[str] | None, recipe: recipes.NetworkRecipe
) -> tuple[recipes.Phase, ...] | None:
    """The phases of the flag, other numbers as in the recipe's phase of that place.

    Raises:
        ValueError: A text is neither STAGES:STEPS nor STAGES:MINUTESm.
    """
    if texts is None:
        return None
    phases = []
    for index, text in enumerate(texts):
        match = _PHASE.fullmatch(text)
        if not match or not float(match["steps"] or match["minutes"]):
            raise ValueError(
                f"--phases: expected STAGES:STEPS or STAGES:MINUTESm, got {text!r}."
            )
        like = recipe.phases[min(index, len(recipe.phases) - 1)]
        phases.append(
            dataclasses.replace(
                like,
                num_stages=int(match["stages"]),
                steps=int(match["steps"]) if match["steps"] else None,
                minutes=float(match["minutes"]) if match["minutes"] else None,
            )
        )
    return tuple(phases)


def main(argv):
    """Reads the flags, trains, and says where the weights are."""
    del argv
    recipe = recipes.recipe_for(_PRESET.value, _RECIPE.value).network
    phases = parse_phases(_PHASES.value, recipe) or recipe.phases
    phases = tuple(
        recipes.override(
            phase,
            learning_rate=_LEARNING_RATE.value,
            batch_size=_BATCH_SIZE.value,
            patch_size=_PATCH_SIZE.value,
            loss=_LOSS.value,
        )
        for phase in phases
    )
    if (_INITIAL_PRESET.value or _INITIAL_CHANGE.value) and not _INITIAL.value:
        raise ValueError(
            "--initial_preset and --initial_change say whose weights --initial is: "
            "give it, too."
        )
    dtype = _DTYPE.value or faster_dtype(recipe.dtype)
    recipe = recipes.override(
        recipe, phases=phases, dtype=dtype, ema_momentum=_EMA_MOMENTUM.value
    )
    config = Config(
        _PRESET.value,
        recipe,
        _STEPS_PER_EPOCH.value,
        _SEED.value,
        _INITIAL.value,
        _INITIAL_PRESET.value,
        _RECIPE.value if _RECIPE.value != _PRESET.value else None,
        tuple(_CHANGE.value),
        tuple(_INITIAL_CHANGE.value),
        _NUM_VALIDATION.value,
    )
    path, score = train(
        config,
        _DATA_DIR.value,
        _CLASSIFIER.value or f"runs/classifier-{_PRESET.value}/{fit.BEST_WEIGHTS}",
        _RUN_DIR.value or f"runs/network-{_PRESET.value}",
        _STEPS_PER_EXECUTION.value,
    )
    stages, own_stages = phases[-1].num_stages, find_preset(config.preset).num_stages
    print(f"PSNR on the held-out pictures {score:.3f} dB. Weights: {path}")
    if stages != own_stages:
        print(
            f"That is with the {stages} stages trained last; the file has the "
            f"{own_stages} of {config.preset}, and another PSNR."
        )


if __name__ == "__main__":
    binaries.run(main)
