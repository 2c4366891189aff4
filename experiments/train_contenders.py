"""Trains the baselines and the ablations, each for the same time, one after the other.

    python -m experiments.train_contenders --data_dir=../shared/data --minutes=2

A step of each is timed first, with nothing else running, please: the number of steps
follows from it, and what else runs afterwards does no harm. All see the same pictures,
patches and schedule. Killed and started again, it keeps what was finished. Writes a
folder of each into --run_dir, with result.json: PSNR on the held-out pictures.
`experiments.reproduce` makes tables and figures of them.
"""

from pathlib import Path

import keras
from absl import flags

from dual_prior.network.presets import find_preset
from experiments import binaries
from experiments.contenders.registry import CONTENDERS
from experiments.contenders.trial import TrialConfig, run_trial, seconds_per_step, slug
from experiments.measuring.own_process import alone
from experiments.measuring.throughput import faster_dtype
from experiments.training.classifier_model import write_shipped_classifier

_DATA_DIR = flags.DEFINE_string("data_dir", "../shared/data", "Folder of bsds500.")
_CONTENDERS = flags.DEFINE_list(
    "contenders", None, "Names, as in experiments/contenders/registry.py. Default: all."
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1"], "Of the weights and the patches.")
_MINUTES = flags.DEFINE_float("minutes", 2.0, "Of training of each.", lower_bound=0)
_CLASSIFIER = flags.DEFINE_string(
    "classifier",
    None,
    "Weights that train_classifier wrote for compact. Default: the shipped ones.",
)
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
    if not _SEEDS.value or not all(seed.isdecimal() for seed in _SEEDS.value):
        raise ValueError(f"--seeds: expected numbers, got {','.join(_SEEDS.value)}.")
    run_dir = Path(_RUN_DIR.value)
    classifier = _CLASSIFIER.value
    settings = {"classifier": classifier or find_preset("compact").weights}
    if classifier is None:
        classifier = str(run_dir / "classifier.weights.h5")
        run_dir.mkdir(parents=True, exist_ok=True)
        alone(write_shipped_classifier, "compact", Path(classifier))
    elif not Path(classifier).is_file():
        raise FileNotFoundError(f"{classifier}: no such weights file.")
    settings["backend"] = keras.backend.backend()
    settings["dtype"] = alone(faster_dtype, TrialConfig.dtype)
    seconds = {}
    for name in names:
        config = TrialConfig(name, 0, _MINUTES.value, **settings)
        setting = f"{slug(name)}-{config.dtype}-{config.backend}"
        file = run_dir / "seconds_per_step" / f"{setting}.json"
        seconds[name] = alone(
            seconds_per_step, config, _DATA_DIR.value, classifier, file
        )
        print(f"{name:24} {seconds[name]:.3f} s a step", flush=True)
    for seed in map(int, _SEEDS.value):
        for name in names:
            config = TrialConfig(name, seed, _MINUTES.value, **settings)
            result = alone(
                run_trial,
                config,
                _DATA_DIR.value,
                classifier,
                seconds[name],
                run_dir / config.folder,
            )
            print(
                f"{name:24} seed {seed}  {result.steps:6} steps  {result.gain:+.3f} dB",
                flush=True,
            )


if __name__ == "__main__":
    binaries.run(main)
