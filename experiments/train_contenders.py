"""Trains the baselines and `compact`, each for the same time, one after the other.

    python -m experiments.train_contenders --data_dir=../shared/data --minutes=2
    python -m experiments.train_contenders --train_data=my/pictures --qualities=40,60

A step of each is timed first: let nothing else run then. The number of steps follows
from it, so later load does no harm. All use the same pictures, patches and schedule. A
run that was killed keeps finished results and resumes. Writes a folder of each into
--run_dir, with result.json: PSNR on the held-out pictures. `experiments.reproduce`
makes tables and figures of them.
"""

import dataclasses
from pathlib import Path

import keras
from absl import flags

from dual_prior.network.presets import find_preset, sha256
from experiments import binaries
from experiments.contenders.registry import CONTENDERS
from experiments.contenders.trial import TrialConfig, measured_step, run_trial, slug
from experiments.data import training_pictures
from experiments.data.sources import described
from experiments.measuring.own_process import alone
from experiments.measuring.throughput import faster_dtype
from experiments.training import devices
from experiments.training.classifier_model import write_shipped_classifier
from experiments.training.flags import (
    define_data_flags,
    define_devices,
    define_seeds,
    seeds_of,
)
from experiments.training.recipes import network_recipe

_DATA = define_data_flags()
_CONTENDERS = flags.DEFINE_list(
    "contenders", None, "Names, as in experiments/contenders/registry.py. Default: all."
)
_SEEDS = define_seeds()
_MINUTES = flags.DEFINE_float("minutes", 2.0, "Of training of each.", lower_bound=0)
_CLASSIFIER = flags.DEFINE_string(
    "classifier",
    None,
    "Weights that train_classifier wrote for compact. Default: the shipped ones.",
)
_DEVICES = define_devices()
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/contenders", "Folder of the runs.")


def main(argv):
    """Reads the flags, trains, prints what each has gained."""
    del argv
    names = _CONTENDERS.value or list(CONTENDERS)
    unknown = set(names) - set(CONTENDERS)
    if unknown:
        raise ValueError(
            f"--contenders: expected some of {', '.join(CONTENDERS)}; got "
            f"{min(unknown)!r}."
        )
    seeds = seeds_of(_SEEDS)
    recipe = _DATA.recipe(network_recipe(find_preset("compact")))
    split = training_pictures.find(
        recipe.train_data, _DATA.data_dir.value, _DATA.held_out.value
    )
    found = alone(devices.find, _DEVICES.value, [TrialConfig.batch_size])
    run_dir = Path(_RUN_DIR.value)
    classifier = _CLASSIFIER.value
    if classifier is None:
        source = find_preset("compact").version
        classifier = str(run_dir / "classifier.weights.h5")
        run_dir.mkdir(parents=True, exist_ok=True)
        alone(write_shipped_classifier, "compact", Path(classifier))
    elif Path(classifier).is_file():
        source = sha256(Path(classifier))
    else:
        raise FileNotFoundError(f"{classifier}: no such weights file.")
    of_all = TrialConfig(
        contender="",
        seed=0,
        minutes=_MINUTES.value,
        classifier=source,
        qualities=recipe.qualities,
        train_pictures=described(split.kept),
        held_out_pictures=described(split.held_out),
        dtype=alone(faster_dtype, TrialConfig.dtype),
        backend=keras.backend.backend(),
    )
    seconds = {}
    for name in names:
        config = dataclasses.replace(of_all, contender=name)
        setting = f"{slug(name)}-{config.dtype}-{config.backend}"
        setting += f"-{len(found)}-devices" if found else ""
        seconds[name] = alone(
            measured_step,
            config,
            split=split,
            source=classifier,
            file=run_dir / "seconds_per_step" / f"{setting}.json",
            found=found,
        )
        print(f"{name:24} {seconds[name]:.3f} s a step", flush=True)
    for seed in seeds:
        for name in names:
            config = dataclasses.replace(of_all, contender=name, seed=seed)
            result = alone(
                run_trial,
                config,
                split=split,
                source=classifier,
                seconds=seconds[name],
                folder=run_dir / config.folder,
                found=found,
            )
            print(
                f"{name:24} seed {seed}  {result.steps:6} steps  {result.gain:+.3f} dB",
                flush=True,
            )


if __name__ == "__main__":
    binaries.run(main)
