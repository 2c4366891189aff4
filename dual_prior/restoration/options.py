"""How pictures are restored: every option with its default, range and help.

The checks, the flags of the command and their help are all generated from the fields.
"""

import dataclasses
import os
import textwrap
from typing import Any

from dual_prior.network.presets import DEFAULT_PRESET, find_preset

MIN_MEMORY_GIB = 1.2


def option(default: Any, help: str, *, group: str, **more: Any) -> Any:
    """A field of a settings class.

    Args:
        default: Its default; None if it may be unset.
        help: One sentence; the help of the command shows it.
        group: "network", "pixels", "reading", "writing" or "trying".
        **more: `between` (the smallest and the largest value) or `choices`; `metavar`,
            the name of the value in the help; `short`, a flag of one letter, as "-f".
    """
    metadata = {"help": help, "group": group, **more}
    return dataclasses.field(default=default, metadata=metadata)


def documented(settings: type) -> type:
    """Adds the fields of a settings class, with their help, to its docstring."""
    wrapped = textwrap.TextWrapper(
        88, initial_indent=" " * 8, subsequent_indent=" " * 12
    )
    fields = [
        wrapped.fill(f"{field.name}: {field.metadata['help']}")
        for field in dataclasses.fields(settings)
    ]
    before, raises, after = (settings.__doc__ or "").partition("    Raises:\n")
    attributes = "\n".join(["    Attributes:", *fields, "", ""])
    settings.__doc__ = f"{before}{attributes}{raises}{after}"
    return settings


@documented
@dataclasses.dataclass(frozen=True)
class Options:
    """How pictures are restored, whatever they come from. All numbers are ours.

    Raises:
        ValueError: A value is out of range.
        OSError: The weights file does not exist.

    Example:
        >>> dual_prior.Options(preset="compact", strength=0.5).network
        'preset compact'
    """

    preset: str | os.PathLike = option(
        DEFAULT_PRESET,
        "photo for photographs and drawings; fast for large pictures and folders: a "
        "quarter of the time, three quarters of the gain; compact for the luma of "
        "JPEGs of quality 10 to 30; paper, of the paper's size, slow and far from "
        "fully trained; or the folder or the .keras file of another network",
        group="network",
        metavar="NAME",
    )
    weights: str | os.PathLike | None = option(
        None,
        "a .weights.h5 file (default: the weights of the preset)",
        group="network",
        metavar="FILE",
    )
    strength: float = option(
        1.0,
        "0 (the pixels do not change) to 1",
        group="pixels",
        between=(0, 1),
        metavar="S",
    )
    ensemble: bool = option(
        False,
        "restore all eight flips and rotations and average them: eight times as slow, "
        "a little better",
        group="pixels",
    )
    always: bool = option(
        False,
        "restore pictures without a trace of JPEG, too; JPEG files are restored in any "
        "case (default: such pictures are not changed, and copied if results go to "
        "another folder)",
        group="pixels",
    )
    consistency: str = option(
        "auto",
        "clip the DCT coefficients of results to what a JPEG file allows, and let "
        "chroma follow luma: always where the file has them, never, or auto, where "
        "that gains; from quality 97 on, auto leaves luma as it is",
        group="pixels",
        choices=("auto", "always", "never"),
    )
    depth: int | None = option(
        None,
        "bits per channel of results; 16 for PNG and TIFF only (default: as the "
        "picture)",
        group="pixels",
        choices=(8, 16),
    )
    max_memory: float = option(
        3.0,
        "memory of the whole process: larger pictures are restored in smaller tiles",
        group="pixels",
        between=(MIN_MEMORY_GIB, 4096),
        metavar="GIB",
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                _check(field, value)
        find_preset(self.preset)
        if self.weights is not None and not os.path.isfile(self.weights):
            raise FileNotFoundError(f"weights {self.weights}: there is no such file.")

    @property
    def network(self) -> str:
        """The network in words: "preset photo, weights my.weights.h5"."""
        words = f"preset {find_preset(self.preset).name}"
        if self.weights is not None:
            words += f", weights {os.path.basename(self.weights)}"
        return words


def _check(field: dataclasses.Field, value) -> None:
    low, high = field.metadata.get("between", (None, None))
    if low is not None and not low <= value <= high:  # nor NaN
        raise ValueError(
            f"Expected a {field.name} of {low:.10g} to {high:.10g}, got {value}."
        )
    choices = field.metadata.get("choices")
    if choices and value not in choices:
        *most, last = map(str, choices)
        known = f"{', '.join(most)} or {last}"
        raise ValueError(f"Expected a {field.name} of {known}, got {value!r}.")
