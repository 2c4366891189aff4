"""Trains the dual prior network with one thing changed, each for the same steps.

    python -m experiments.train_ablations --data_dir=../shared/data
    python -m experiments.train_ablations --only="K = 1,K = 2,K = 3" --seeds=0,1,2

First one stage is trained to the end, from random weights; so are those with another
de-blocker, for --deblocker_steps. The networks with another unfolding or another prior
begin with the weights of the first. A run that was killed keeps finished results and
resumes. Writes a folder of each into --run_dir, with result.json: PSNR on the held-out
pictures, also along the way. `experiments.reproduce` makes tables and figures of them.
"""

import dataclasses
from pathlib import Path

import keras
from absl import flags

from dual_prior.network.presets import find_preset
from experiments import binaries
from experiments.contenders.ablations import ABLATIONS, DEBLOCKERS, START
from experiments.contenders.trial import TrialConfig, TrialResult, run_trial
from experiments.data import training_pictures
from experiments.data.sources import described
from experiments.measuring.own_process import alone
from experiments.measuring.throughput import faster_dtype
from experiments.training.fit import BEST_WEIGHTS
from experiments.training.flags import define_data_flags, define_seeds, seeds_of
from experiments.training.recipes import network_recipe

_DATA = define_data_flags()
_ONLY = flags.DEFINE_list(
    "only", None, "Names, as in experiments/contenders/ablations.py. Default: all."
)
_SEEDS = define_seeds()
_NUM_STEPS = flags.DEFINE_integer(
    "steps", 1_000, "Of each that begins with the trained stage.", lower_bound=1
)
_DEBLOCKER_STEPS = flags.DEFINE_integer(
    "deblocker_steps", 8_000, "Of each de-blocker, from random weights.", lower_bound=1
)
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/ablations", "Folder of the runs.")

# Ours. At 1e-3, that of the first training, one stage trained on lost 0.024 dB.
_LEARNING_RATE = 3e-4


def main(argv):
    """Reads the flags, trains, prints what each has gained."""
    del argv
    names = _ONLY.value or list(ABLATIONS)
    if unknown := set(names) - set(ABLATIONS):
        raise ValueError(
            f"--only: expected some of {'; '.join(ABLATIONS)}; got {min(unknown)!r}."
        )
    seeds = seeds_of(_SEEDS)
    recipe = _DATA.recipe(network_recipe(find_preset("compact")))
    split = training_pictures.find(
        recipe.train_data, _DATA.data_dir.value, _DATA.held_out.value
    )
    run_dir = Path(_RUN_DIR.value)
    of_start = TrialConfig(
        contender=START,
        seed=0,
        steps=_DEBLOCKER_STEPS.value,
        qualities=recipe.qualities,
        train_pictures=described(split.kept),
        held_out_pictures=described(split.held_out),
        dtype=alone(faster_dtype, TrialConfig.dtype),
        backend=keras.backend.backend(),
    )
    start = run_dir / "start"
    folder = run_dir / of_start.folder
    _report(alone(run_trial, of_start, split=split, source="", folder=folder))
    alone(_save_preset, folder, start)
    for seed in seeds:
        for name in names:
            config = dataclasses.replace(of_start, contender=name, seed=seed)
            if name not in DEBLOCKERS:
                weights = find_preset(str(start)).sha256()
                config = dataclasses.replace(
                    config,
                    steps=_NUM_STEPS.value,
                    learning_rate=_LEARNING_RATE,
                    classifier=weights,
                )
            folder = run_dir / config.folder
            result = alone(
                run_trial, config, split=split, source=str(start), folder=folder
            )
            _report(result)


def _save_preset(trial: Path, preset: Path) -> None:
    """Saves the stage that a trial has trained, if that is not done."""
    if not preset.exists():
        network = ABLATIONS[START](None)
        network.load_weights(trial / BEST_WEIGHTS)
        network.save_to_preset(preset)


def _report(result: TrialResult) -> None:
    print(
        f"{result.contender:30} seed {result.seed}  {result.steps:6} steps  "
        f"{result.gain:+.4f} dB",
        flush=True,
    )


if __name__ == "__main__":
    binaries.run(main)
