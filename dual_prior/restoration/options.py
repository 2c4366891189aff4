"""How pictures are restored."""

import dataclasses
import os

from dual_prior.network.presets import DEFAULT_PRESET, find_preset

MIN_MEMORY_GIB = 1.2


@dataclasses.dataclass(frozen=True)
class Options:
    """How pictures are restored. All numbers are ours.

    Attributes:
        preset: The network.
        weights: A `.weights.h5` file; None for those that ship with the preset.
        strength: 0 (nothing is changed) to 1.
        ensemble: Restore the picture in all eight flips and rotations, and take the
            mean: eight times as slow, a little better.
        skip_clean: Leave pictures alone that the classifier takes for uncompressed.
        depth: Bits a channel of the result, 8 or 16; None for the picture's own.
        max_memory: Of the process, GiB: decides how large tiles are.
    """

    preset: str = DEFAULT_PRESET
    weights: str | os.PathLike | None = None
    strength: float = 1.0
    ensemble: bool = False
    skip_clean: bool = False
    depth: int | None = None
    max_memory: float = 3.0

    def __post_init__(self):
        if not 0 <= self.strength <= 1:
            raise ValueError(f"Expected a strength of 0 to 1, got {self.strength}.")
        if self.depth not in (None, 8, 16):
            raise ValueError(f"Expected a depth of 8 or 16 bits, got {self.depth}.")
        if not self.max_memory >= MIN_MEMORY_GIB:  # nor NaN
            raise ValueError(
                f"Expected a max_memory of at least {MIN_MEMORY_GIB} GiB, got "
                f"{self.max_memory}."
            )
        find_preset(self.preset)
