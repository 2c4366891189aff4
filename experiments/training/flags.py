"""The flags that the training binaries share."""

import dataclasses
from collections.abc import Sequence

from absl import flags

from experiments.data import sources
from experiments.training import recipes

# The flags are those of the binary that calls `define`, as --help shows them.
flags.disclaim_key_flags()


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """The pictures to train on."""

    data_dir: flags.FlagHolder[str]
    train_data: flags.FlagHolder[list[str] | None]
    qualities: flags.FlagHolder[list[str] | None]
    held_out: flags.FlagHolder[str | None]

    def recipe(self, recipe):
        """`recipe`, of the classifier or the network, with the changes of the flags."""
        train_data, qualities = self.train_data.value, self.qualities.value
        return recipes.override(
            recipe,
            train_data=train_data and tuple(train_data),
            qualities=qualities and parse_qualities(qualities),
        )


@dataclasses.dataclass(frozen=True)
class StepFlags:
    """The steps of training."""

    learning_rate: flags.FlagHolder[float | None]
    batch_size: flags.FlagHolder[int | None]
    patch_size: flags.FlagHolder[int | None]
    dtype: flags.FlagHolder[str | None]
    steps_per_epoch: flags.FlagHolder[int]
    steps_per_execution: flags.FlagHolder[int]
    devices: flags.FlagHolder[str | None]
    seed: flags.FlagHolder[int]


def define_data_dir() -> flags.FlagHolder[str]:
    """The folder of the published sets."""
    return flags.DEFINE_string(
        "data_dir", "../shared/data", "Folder of the published sets."
    )


def define_data_flags() -> DataFlags:
    """Adds the flags of `DataFlags`."""
    return DataFlags(
        data_dir=define_data_dir(),
        train_data=flags.DEFINE_list(
            "train_data",
            None,
            f"Training pictures: some of {', '.join(sources.TRAINING_SETS)}, folders "
            "(searched through), files, tfds:NAME[:SPLIT]. Default: the recipe's.",
        ),
        qualities=flags.DEFINE_list(
            "qualities",
            None,
            "JPEG qualities to train for; for photo the lowest and the highest. "
            "Default: the recipe's.",
        ),
        held_out=flags.DEFINE_string(
            "held_out",
            None,
            "Pictures to validate on: every n-th one, or a source as in --train_data. "
            "Default: ten pictures of each source.",
        ),
    )


def define_seeds() -> flags.FlagHolder[list[str]]:
    """The seeds that each network is trained with: see `seeds_of`."""
    return flags.DEFINE_list("seeds", ["0", "1"], "Of the weights and the patches.")


def seeds_of(flag: flags.FlagHolder[list[str]]) -> list[int]:
    """The value of `define_seeds`.

    Raises:
        ValueError: There is none, or one is not a number.
    """
    if not flag.value or not all(seed.isdecimal() for seed in flag.value):
        raise ValueError(f"--seeds: expected numbers, got {','.join(flag.value)}.")
    return [int(seed) for seed in flag.value]


def define_devices() -> flags.FlagHolder[str | None]:
    """The number of devices: see `experiments.training.devices`."""
    return flags.DEFINE_string(
        "devices",
        None,
        "Devices of this machine that each batch is divided among: a number, or all. "
        "Default: one.",
    )


def define_step_flags(*, steps_per_epoch: int) -> StepFlags:
    """Adds the flags of `StepFlags`.

    Args:
        steps_per_epoch: Its default.
    """
    return StepFlags(
        learning_rate=flags.DEFINE_float("learning_rate", None, "Of Adam."),
        batch_size=flags.DEFINE_integer(
            "batch_size", None, "Clean patches a step.", lower_bound=1
        ),
        patch_size=flags.DEFINE_integer(
            "patch_size", None, "Side of a patch, pixels.", lower_bound=8
        ),
        dtype=flags.DEFINE_enum(
            "dtype",
            None,
            ["float32", "mixed_bfloat16"],
            "Keras dtype policy. Default: the recipe's, or float32 where that is "
            "faster.",
        ),
        steps_per_epoch=flags.DEFINE_integer(
            "steps_per_epoch",
            steps_per_epoch,
            "Steps between two validations and checkpoints.",
            lower_bound=1,
        ),
        steps_per_execution=flags.DEFINE_integer(
            "steps_per_execution",
            1,
            "Steps that the backend does in one call; more on accelerators.",
            lower_bound=1,
        ),
        devices=define_devices(),
        seed=flags.DEFINE_integer(
            "seed", 0, "Of the weights and the patches.", lower_bound=0
        ),
    )


def parse_qualities(texts: Sequence[str]) -> tuple[int, ...]:
    """JPEG qualities of a flag.

    Raises:
        ValueError: They are not whole numbers of 1 to 100.
    """
    in_range = [text.isdecimal() and 1 <= int(text) <= 100 for text in texts]
    if not texts or not all(in_range):
        raise ValueError(
            "--qualities: expected whole numbers of 1 to 100, got "
            f"{','.join(texts) or 'none'}."
        )
    return tuple(map(int, texts))
