"""The networks that ship, each a folder, and folders that a user adds.

A preset is a folder of

    config.json         the network as Keras serialises it, but for its precision,
                        which is that of the dtype policy in force when it is read
    model.weights.h5    its weights; without them, an architecture
    metadata.json       the version of the weights and their SHA-256
    restoration.json    what restoring pictures needs to know: `RestorationProfile`
    card.md             data, recipe and figures, for people

This module is free of Keras; `DualPriorNetwork.from_preset` builds the network, and
`save_to_preset` writes such a folder. A `.keras` file can be named in its place.
"""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
METADATA, RESTORATION = "metadata.json", "restoration.json"


@dataclasses.dataclass(frozen=True)
class RestorationProfile:
    """What restoring pictures needs to know of a network.

    Attributes:
        clean_below: Pictures to which the classifier gives a lower probability count
            as uncompressed; None where no threshold was measured.
        bytes_per_tile_pixel: Memory for each pixel of a tile while it is restored: the
            larger of what was measured with AVX-512 and with AVX2. The default is that
            of the paper's network.

    Example:
        >>> network = dual_prior.DualPriorNetwork.from_preset("compact")
        >>> profile = dual_prior.RestorationProfile(clean_below=0.1)
        >>> network.save_to_preset("mine", profile)
        >>> dual_prior.Options(preset="mine").network
        'preset mine'
    """

    clean_below: float | None = None
    bytes_per_tile_pixel: int = 7000

    def __post_init__(self):
        if self.clean_below is not None and not 0 <= self.clean_below <= 1:
            raise ValueError(
                f"Expected clean_below in [0, 1] or None, got {self.clean_below}."
            )
        if not self.bytes_per_tile_pixel > 0:
            raise ValueError(
                "Expected a positive bytes_per_tile_pixel, got "
                f"{self.bytes_per_tile_pixel}."
            )


@dataclasses.dataclass(frozen=True)
class Preset:
    """A network as files; each property reads its file.

    Attributes:
        path: A preset's folder, or a `.keras` file.
    """

    path: Path

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.path.stem if self.is_file else self.path.name

    @property
    def is_file(self) -> bool:
        """Whether it is a `.keras` file, which has no profile and no checksum."""
        return self.path.suffix == ".keras"

    @property
    def config(self) -> dict:
        """The network as Keras serialises it.

        Raises:
            OSError: There is no such file, or it is damaged.
        """
        return self._read(CONFIG)

    @property
    def arguments(self) -> dict:
        """The arguments of the network, its parts serialised.

        Raises:
            OSError: As for `config`.
        """
        return self.config["config"]

    @property
    def version(self) -> str | None:
        """Of the weights, such as compact-7; None where they have none."""
        return self._read(METADATA).get("version")

    @property
    def profile(self) -> RestorationProfile:
        """What restoring needs to know; the defaults where the preset does not say.

        Raises:
            OSError: The file holds something else.
        """
        if self.is_file or not (self.path / RESTORATION).exists():
            return RestorationProfile()
        try:
            return RestorationProfile(**self._read(RESTORATION))
        except (TypeError, ValueError) as error:
            raise OSError(f"{self.path / RESTORATION}: damaged ({error})") from error

    def weights(self) -> Path:
        """The file of the weights that come with the preset, its checksum verified.

        Raises:
            ValueError: The preset has no weights.
            OSError: The file cannot be read, or its checksum is wrong.
        """
        path = self.path / WEIGHTS
        if not path.exists():
            raise ValueError(
                f"No weights ship with the preset {self.name!r}: give a weights file, "
                f"or use one of {', '.join(PRESETS)}."
            )
        if sha256(path) != self._read(METADATA).get("weights_sha256"):
            raise OSError(
                f"{path}: damaged (its SHA-256 is not the shipped file's, which "
                f"{METADATA} has)."
            )
        return path

    def sha256(self) -> str:
        """The checksum of the weights, or of the `.keras` file.

        Raises:
            ValueError, OSError: As of `weights`.
        """
        return sha256(self.path if self.is_file else self.weights())

    def _read(self, name: str) -> dict:
        path = self.path / name
        try:
            content = json.loads(path.read_bytes())
        except ValueError as error:
            raise OSError(f"{path}: damaged (not JSON).") from error
        if not isinstance(content, dict):
            raise OSError(f"{path}: damaged (not a JSON object).")
        return content


_SHIPPED = Path(__file__).parent

PRESETS = {
    name: Preset(_SHIPPED / name) for name in ("paper", "compact", "photo", "fast")
}

DEFAULT_PRESET = "photo"  # of what people restore


def find_preset(preset: str | os.PathLike) -> Preset:
    """A preset by its name, its folder, or a `.keras` file.

    Raises:
        ValueError: There is none.
    """
    if preset in PRESETS:
        return PRESETS[str(preset)]
    found = Preset(Path(preset))
    if (found.path if found.is_file else found.path / CONFIG).is_file():
        return found
    raise ValueError(
        f"Expected the folder of a preset, a .keras file, or a preset among "
        f"{', '.join(PRESETS)}; there is no {str(preset)!r}."
    )


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
