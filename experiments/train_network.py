"""Trains the network: the second of the paper's two training stages.

    python -m experiments.train_network --preset=compact --data_dir=../shared/data
    python -m experiments.train_network --train_data=my/pictures --qualities=40,60

Minimises the error of the last stage's x against the clean patch, on BSD500 train +
test at quality 10, 20 and 30, with the classifier frozen; or on your own pictures,
folders or TFDS (experiments/data/sources.py). Numbers that no flag sets are those of
the preset's recipe (experiments/training/recipes.py); for `paper` they are the paper's.
A run that was killed resumes from its last checkpoint when it is started again with the
same flags. On an accelerator set KERAS_BACKEND=jax, --dtype=mixed_bfloat16 and
--steps_per_execution=10. If it is rented by the minute, give --phases in minutes: a
step is measured first, and the number of steps fixed and stored, so that the run can be
repeated.

Writes into --run_dir: PRESET.weights.h5, with as many stages as the preset has (for
evaluate, export, dual-prior restore, or --initial; after --change only for --initial),
config.json, and for each phase best.weights.h5, log.csv, tensorboard/ and checkpoints/.
"""

import dataclasses
import operator
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import flags

from dual_prior.network.presets import PRESETS, find_preset, sha256
from dual_prior.network.unfolding import DualPriorNetwork
from experiments import binaries
from experiments.data import training_pictures
from experiments.data.sources import described
from experiments.measuring.throughput import faster_dtype, seconds_per_step
from experiments.training import devices, fit, recipes
from experiments.training.classifier_model import load_classifier
from experiments.training.flags import define_data_flags, define_step_flags
from experiments.training.growing import copy_classifier, start_from
from experiments.training.losses import LOSSES, psnr
from experiments.training.run_dir import open_run_dir, save_atomically, stored_config

_PRESET = flags.DEFINE_string(
    "preset",
    "compact",
    f"What to train: one of {', '.join(PRESETS)}, or a preset's folder.",
)
_DATA = define_data_flags()
_CLASSIFIER = flags.DEFINE_string(
    "classifier",
    None,
    "Weights that train_classifier wrote. "
    "Default: that of --initial, or "
    f"runs/classifier-PRESET/{fit.BEST_WEIGHTS}.",
)
_INITIAL = flags.DEFINE_string(
    "initial",
    None,
    "What to start from: a preset's name or folder, a .keras file, or a .weights.h5 "
    "file. Of the same preset; of one whose de-blocker is of the same kind and nowhere "
    "wider or deeper in units; or of such a one for luma where colour is trained. Its "
    "classifier comes along. Default: random weights.",
)
_INITIAL_PRESET = flags.DEFINE_string(
    "initial_preset",
    None,
    "Whose the weights of a .weights.h5 file are. Default: those of --preset.",
)
_CHANGE = flags.DEFINE_list(
    "change",
    [],
    "NAME=NUMBER,... of the preset (its config.json) to change, for "
    "instance features=32,num_units=2: a smaller network for a run to start from.",
)
_INITIAL_CHANGE = flags.DEFINE_list(
    "initial_change", [], "What --change was where these weights were trained."
)
_RECIPE = flags.DEFINE_string(
    "recipe",
    None,
    "Train as this preset is trained: by its recipe, and from its alpha, beta, lambda2 "
    "and eta unless --initial has others. Default: --preset itself; for a folder of "
    "your own the recipe of compact or photo, by its number of channels.",
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir", None, "Folder of the run. Default: runs/network-PRESET."
)
_PHASES = flags.DEFINE_list(
    "phases",
    None,
    "Phases to run in turn, as STAGES:STEPS, for instance 1:30000,2:15000: first one "
    "stage, then unfolded to two. Or as STAGES:MINUTESm, for instance 1:5m,2:2.5m: as "
    "many steps as fit, compiling and validating not counted.",
)
_EMA_MOMENTUM = flags.DEFINE_float(
    "ema_momentum",
    None,
    "Of the moving average of the weights: 0 for none; lower for short runs.",
    lower_bound=0.0,
    upper_bound=0.9999,
)
_LOSS = flags.DEFINE_enum("loss", None, list(LOSSES), "The loss of all phases.")
_NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation",
    None,
    "Validate on this many of the held-out patches only, the first ones: `paper` takes "
    "over 20 minutes on two cores for all 30. Default: all.",
    lower_bound=1,
)
_STEPS = define_step_flags(steps_per_epoch=500)

_PHASE = re.compile(
    r"(?P<stages>[1-9][0-9]*):((?P<steps>[0-9]+)|(?P<minutes>[0-9]+(\.[0-9]+)?)m)"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides the result of a run.

    Attributes:
        classifier, initial: SHA-256 of the files of weights; None for the classifier
            of `initial`.
        train_pictures, held_out_pictures: See `experiments.data.sources.described`.
    """

    preset: str
    recipe: recipes.NetworkRecipe
    steps_per_epoch: int
    seed: int
    classifier: str | None
    train_pictures: dict
    held_out_pictures: dict
    initial: str | None = None
    initial_preset: str | None = None
    scalars_of: str | None = None
    change: tuple[str, ...] = ()
    initial_change: tuple[str, ...] = ()
    num_validation: int | None = None


def train(
    config: Config,
    *,
    split: training_pictures.Split,
    classifier: str | None,
    run_dir: str,
    initial: str = "",
    steps_per_execution: int = 1,
) -> tuple[Path, float]:
    """Trains the network of `config`, phase by phase.

    Args:
        config: The configuration, with the number of steps of each phase.
        split: The pictures.
        classifier: The weights file of the classifier; None for that of `initial`.
        run_dir: Folder of the run.
        initial: The preset or file to start from, if any.
        steps_per_execution: Steps that the backend does in one call.

    Returns:
        The weights file, with as many stages as the preset has, and the PSNR on the
        held-out pictures of the network as it was trained last.
    """
    recipe = config.recipe
    folder = open_run_dir(run_dir, config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(recipe.dtype)
    network = _untrained(config)
    num_stages = len(network.stages)
    if classifier:
        load_classifier(network, classifier)
    if initial:
        source = _initial_network(config, initial)
        start_from(network, source)
        if not classifier:
            copy_classifier(network, source)
    pictures = training_pictures.PICTURES[recipe.pictures](
        split,
        qualities=recipe.qualities,
        num_patterns=recipe.num_patterns,
        num_woven=recipe.num_woven,
    )
    for index, phase in enumerate(recipe.phases, start=1):
        schedule = _schedule(phase, config, steps_per_execution)
        network = network.with_changes(num_stages=phase.num_stages)
        loss = phase.loss if recipe.relative else None
        batch_of = pictures.batches(
            patch_size=phase.patch_size,
            batch_size=phase.batch_size,
            alignment=recipe.alignment,
            # Each phase draws patches of its own.
            seed=config.seed * len(recipe.phases) + index,
            loss=loss,
        )
        _compile(network, phase, schedule)
        validation = pictures.validation(loss)
        held_out = validation[0]
        score = fit.fit(
            network,
            batch_of=batch_of,
            validation=tuple(part[: config.num_validation] for part in validation),
            schedule=schedule,
            folder=folder / f"phase-{index}",
            score=operator.itemgetter("psnr"),
            title=f"phase {index}, K = {phase.num_stages}",
            later_steps=sum(map(_work, recipe.phases[index:]))
            / (_work(phase) / schedule.steps),
            watched=held_out[:: max(1, len(held_out) // 2)][:2],
        )
    path = folder / f"{find_preset(config.preset).name}.weights.h5"
    # Of the preset's K, to be read as such; and, never compiled, without an optimiser.
    network = network.with_changes(num_stages=num_stages)
    save_atomically(network.save_weights, path)
    return path, score


def with_steps(config: Config, run_dir: str, steps_per_execution: int) -> Config:
    """`config` whose phases in minutes have their number of steps, too.

    That of an earlier run in `run_dir`, or as many as this machine takes in the time.
    """
    stored = stored_config(run_dir) or {}
    before = stored.get("recipe", {}).get("phases", [])
    phases = []
    for index, phase in enumerate(config.recipe.phases):
        known = before[index] if index < len(before) else {}
        if phase.minutes and known.get("minutes") == phase.minutes:
            phase = dataclasses.replace(phase, steps=known["steps"])
        elif phase.minutes:
            seconds = _seconds_per_step(config, phase, steps_per_execution)
            steps = int(60 * phase.minutes / seconds)
            whole = config.steps_per_epoch
            if steps < whole:
                whole = steps_per_execution
            phase = dataclasses.replace(phase, steps=max(whole, steps // whole * whole))
            print(f"{phase.minutes:g} minutes: {phase.steps} steps of {seconds:.3f} s")
        phases.append(phase)
    recipe = dataclasses.replace(config.recipe, phases=tuple(phases))
    return dataclasses.replace(config, recipe=recipe)


def _seconds_per_step(
    config: Config, phase: recipes.Phase, steps_per_execution: int
) -> float:
    keras.config.set_dtype_policy(config.recipe.dtype)
    network = _untrained(config).with_changes(num_stages=phase.num_stages)
    timed = dataclasses.replace(phase, steps=steps_per_execution)
    _compile(network, timed, _schedule(timed, config, steps_per_execution))
    size = phase.patch_size
    shape = (phase.batch_size, size, size, network.channels)
    patches = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    weights = (np.ones((len(patches), 1, 1), np.float32),)
    return seconds_per_step(
        network, (patches, patches, *(weights if config.recipe.relative else ()))
    )


def _untrained(config: Config) -> DualPriorNetwork:
    return DualPriorNetwork.from_preset(config.preset, weights=None, **_changes(config))


def _initial_network(config: Config, initial: str) -> DualPriorNetwork:
    if not initial.endswith(".h5"):
        return DualPriorNetwork.from_preset(initial)
    source = find_preset(config.initial_preset or config.preset)
    changes = recipes.changes_of(source, config.initial_change)
    return DualPriorNetwork.from_preset(source, initial, **changes)


def _changes(config: Config) -> dict[str, Any]:
    """The changes to the preset."""
    changes = recipes.changes_of(find_preset(config.preset), config.change)
    if config.scalars_of:
        changes |= recipes.scalars_of(find_preset(config.scalars_of))
    return changes


def _schedule(
    phase: recipes.Phase, config: Config, steps_per_execution: int
) -> fit.Schedule:
    return fit.Schedule(
        steps=phase.steps or 0,  # refused
        steps_per_epoch=config.steps_per_epoch,
        learning_rate=phase.learning_rate,
        cosine=config.recipe.cosine,
        muon_ratio=config.recipe.muon_ratio,
        ema_momentum=config.recipe.ema_momentum,
        steps_per_execution=steps_per_execution,
    )


def _compile(
    network: DualPriorNetwork, phase: recipes.Phase, schedule: fit.Schedule
) -> None:
    network.compile(
        fit.optimizer(schedule),
        LOSSES[phase.loss],
        metrics=[psnr],
        steps_per_execution=schedule.steps_per_execution,
    )


def _work(phase: recipes.Phase) -> float:
    """How long a phase takes, in proportion to others."""
    pixels = phase.batch_size * phase.patch_size**2
    return (phase.steps or 0) * phase.num_stages * pixels


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
    preset = find_preset(_PRESET.value)
    recipe = recipes.network_recipe(preset, _RECIPE.value)
    phases = parse_phases(_PHASES.value, recipe) or recipe.phases
    phases = tuple(
        recipes.override(
            phase,
            learning_rate=_STEPS.learning_rate.value,
            batch_size=_STEPS.batch_size.value,
            patch_size=_STEPS.patch_size.value,
            loss=_LOSS.value,
        )
        for phase in phases
    )
    initial = _INITIAL.value or ""
    of_weights_file = _INITIAL_PRESET.value or _INITIAL_CHANGE.value
    if of_weights_file and not initial.endswith(".h5"):
        raise ValueError(
            "--initial_preset and --initial_change say whose weights the .weights.h5 "
            "file of --initial is: give it, too."
        )
    recipe = _DATA.recipe(
        recipes.override(recipe, phases=phases, ema_momentum=_EMA_MOMENTUM.value)
    )
    classifier = _CLASSIFIER.value
    if not (classifier or initial):
        classifier = f"runs/classifier-{preset.name}/{fit.BEST_WEIGHTS}"
    split = training_pictures.find(
        recipe.train_data, _DATA.data_dir.value, _DATA.held_out.value
    )
    steps_per_execution = _STEPS.steps_per_execution.value
    config = Config(
        preset=_PRESET.value,
        recipe=recipe,
        steps_per_epoch=_STEPS.steps_per_epoch.value,
        seed=_STEPS.seed.value,
        classifier=classifier and _sha256(classifier),
        train_pictures=described(split.kept),
        held_out_pictures=described(split.held_out),
        initial=_checksum(initial) if initial else None,
        initial_preset=_INITIAL_PRESET.value,
        scalars_of=_RECIPE.value if _RECIPE.value != preset.name else None,
        change=tuple(_CHANGE.value),
        initial_change=tuple(_INITIAL_CHANGE.value),
        num_validation=_NUM_VALIDATION.value,
    )
    # All that may be wrong with the flags comes to light before what takes long.
    _changes(config)
    if initial:
        _initial_network(config, initial)
    for phase in phases:
        if phase.minutes is None:
            _schedule(phase, config, steps_per_execution)
    found = devices.find(_STEPS.devices.value, [p.batch_size for p in phases])
    dtype = _STEPS.dtype.value or faster_dtype(recipe.dtype)
    recipe = dataclasses.replace(recipe, dtype=dtype)
    run_dir = _RUN_DIR.value or f"runs/network-{preset.name}"
    config = dataclasses.replace(config, recipe=recipe)
    with devices.scope(found):
        path, score = train(
            with_steps(config, run_dir, steps_per_execution),
            split=split,
            classifier=classifier,
            run_dir=run_dir,
            initial=initial,
            steps_per_execution=steps_per_execution,
        )
    stages, own_stages = phases[-1].num_stages, preset.arguments["num_stages"]
    print(f"PSNR on the held-out pictures {score:.3f} dB. Weights: {path}")
    if stages != own_stages:
        print(
            f"That is with the {stages} stages trained last; the file has the "
            f"{own_stages} of {preset.name}, and another PSNR."
        )


def _checksum(initial: str) -> str:
    """Of the weights to start from."""
    return (
        _sha256(initial) if initial.endswith(".h5") else find_preset(initial).sha256()
    )


def _sha256(path: str) -> str:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such weights file.")
    return sha256(Path(path))


if __name__ == "__main__":
    binaries.run(main)
