"""Makes the tables and figures of the paper, each beside what was measured here.

    python -m experiments.reproduce --all --data_dir=../shared/data
    python -m experiments.reproduce --only=table1,figure8

Writes into --output: pictures, CSV files, NAME.md for each, README.md, which sums up
what each of them found, and configuration.json. Scores are kept in --scores: a run that
was killed resumes, and only what has changed is measured again. Run
`python -m experiments.train_contenders` and `python -m experiments.train_ablations`
first; without them, their rows are omitted.
"""

import re
from pathlib import Path

from absl import flags

from dual_prior.system.atomic_file import atomic_file
from experiments import binaries
from experiments.reproduction import page
from experiments.reproduction.inputs import Sources
from experiments.reproduction.registry import ITEMS
from experiments.training.run_dir import write_configuration

_ALL = flags.DEFINE_bool("all", False, "Make all of them.")
_ONLY = flags.DEFINE_list("only", [], f"Make some: {', '.join(ITEMS)} (or fig1, ...).")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder of the data sets."
)
_CONTENDERS = flags.DEFINE_string(
    "contenders", "runs/contenders", "The --run_dir of train_contenders."
)
_ABLATIONS = flags.DEFINE_string(
    "ablations", "runs/ablations", "The --run_dir of train_ablations."
)
_SCORES = flags.DEFINE_string(
    "scores", "runs/reproduce", "Folder of measured scores; remove it to start afresh."
)
_OUTPUT = flags.DEFINE_string("output", "results", "Folder to write.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Use the first pictures of each set only.", lower_bound=1
)


def main(argv):
    """Reads the flags, makes what is asked for, and the summary."""
    del argv
    only = [re.sub(r"^fig(?=\d)", "figure", name) for name in _ONLY.value]
    names = list(ITEMS) if _ALL.value else only
    if not names or not set(names) <= set(ITEMS):
        raise ValueError(
            f"Expected --all, or --only with some of {', '.join(ITEMS)}; got "
            f"--only={','.join(_ONLY.value)}."
        )
    sources = Sources(
        _DATA_DIR.value,
        Path(_CONTENDERS.value),
        Path(_ABLATIONS.value),
        Path(_SCORES.value),
        _LIMIT.value,
    )
    folder = Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"{name}: {ITEMS[name].TITLE}", flush=True)
        text = ITEMS[name].make(sources, folder)
        command = f"python -m experiments.reproduce --only={name}"
        if _LIMIT.value:
            command += f" --limit={_LIMIT.value}"
        with atomic_file(folder / f"{name}.md") as file:
            file.write(page.section(ITEMS[name].TITLE, command, text).encode())
    write_configuration(folder / "configuration.json", sources.settings())
    with atomic_file(folder / "README.md") as file:
        file.write(page.summary(folder, list(ITEMS)).encode())
    print(f"Wrote {folder / 'README.md'}.")


if __name__ == "__main__":
    binaries.run(main)
