"""The recipes of training: every number, and its source.

`RECIPES[preset]` holds the defaults of `train_classifier` and `train_network` for a
preset. A flag replaces a number of it; the resolved recipe is stored with the run.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from dual_prior.network.presets import PRESETS, Preset
from experiments.data.protocol import QUALITIES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """Some training steps with the network unfolded to a number of stages.

    Attributes:
        num_stages: K.
        steps: Number of training steps; None until it is computed from `minutes`.
        learning_rate: Of Adam; its initial value, or its value.
        batch_size: Patches a step.
        patch_size: Side of a patch, pixels.
        loss: One of `losses.LOSSES`.
        minutes: Of training, validations not counted; None where steps were given.
    """

    num_stages: int
    steps: int | None
    learning_rate: float
    batch_size: int
    patch_size: int
    loss: str = "mean_absolute_error"  # paper
    minutes: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierRecipe:
    """Stage one of training: cross-entropy on gradients of patches.

    Attributes:
        pictures: Their kind: see `training_pictures.PICTURES`.
        train_data: Their sources: see `experiments.data.sources`.
        qualities: Of JPEG; for photographs the lowest and the highest.
        blend: Also train on blends of the clean and the compressed patch, labelled with
            the share of the compressed one. A classifier trained on the two ends only
            is flat there and steep in between, where the images of the stages lie, and
            Eq. 9 uses only its derivative.
    """

    pictures: str
    train_data: tuple[str, ...]
    qualities: tuple[int, ...]
    steps: int
    learning_rate: float
    cosine: bool
    batch_size: int
    patch_size: int
    alignment: int
    blend: bool
    dtype: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkRecipe:
    """Stage two of training, the classifier frozen.

    Attributes:
        pictures, train_data, qualities: As for `ClassifierRecipe`.
        phases: Run in turn; each starts from the weights of the one before.
        cosine: Lower the learning rate to 0 along a cosine within each phase, after a
            short warm-up; otherwise it is fixed.
        muon_ratio: Learning rate of the hidden kernels, stepped by Muon, as a multiple
            of Adam's; 0 for Adam everywhere.
        ema_momentum: Of the moving average of the weights that is validated and kept;
            0 for no average.
        alignment: See `experiments.data.luma_patches.PatchRecipe`.
        relative: Weigh each patch's loss: see `training_pictures.weights`.
        num_patterns: Sheets of patterns among the pictures.
        num_woven: Number of pictures that are used a second time, under cloth.
        dtype: Keras dtype policy; see `throughput.faster_dtype`.
    """

    pictures: str
    train_data: tuple[str, ...]
    qualities: tuple[int, ...]
    phases: tuple[Phase, ...]
    cosine: bool
    muon_ratio: float
    ema_momentum: float
    alignment: int
    relative: bool
    num_patterns: int
    num_woven: int
    dtype: str

    def __post_init__(self):
        for phase in self.phases:
            side = phase.patch_size
            on_grid = self.alignment % 8 == side % 8 == 0 and side > 8
            if phase.loss == "squared_error_and_blocks" and not on_grid:
                raise ValueError(
                    "Expected patches of whole blocks of 8x8, and of more than one, "
                    "with the loss squared_error_and_blocks; got an alignment of "
                    f"{self.alignment} and a side of {side}."
                )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Both stages of training; `network` is None where `COLOUR` has it."""

    classifier: ClassifierRecipe
    network: NetworkRecipe | None


_COMPACT = Recipe(  # all ours: see NOTES.md
    ClassifierRecipe(
        pictures="paper",
        train_data=("bsds500",),
        qualities=QUALITIES,
        steps=6_000,
        learning_rate=1e-3,
        cosine=True,
        batch_size=10,
        patch_size=64,
        alignment=1,
        blend=True,
        dtype="mixed_bfloat16",
    ),
    NetworkRecipe(
        pictures="paper",
        train_data=("bsds500",),
        qualities=QUALITIES,
        phases=(
            Phase(
                num_stages=1,
                steps=11_000,
                learning_rate=1e-3,
                batch_size=10,
                patch_size=64,
            ),
            Phase(
                num_stages=2,
                steps=8_000,
                learning_rate=4e-4,
                batch_size=5,
                patch_size=96,
                loss="squared_error_and_blocks",
            ),
        ),
        cosine=True,
        muon_ratio=3.0,
        ema_momentum=0.999,
        alignment=8,
        relative=True,
        num_patterns=8,
        num_woven=80,
        dtype="mixed_bfloat16",
    ),
)


RECIPES = {
    "paper": Recipe(
        ClassifierRecipe(
            pictures="paper",
            train_data=("bsds500",),  # paper
            qualities=QUALITIES,  # paper
            steps=100_000,  # ours: the paper does not say
            learning_rate=1e-4,  # paper
            cosine=False,  # paper
            batch_size=10,  # paper
            patch_size=64,  # paper
            alignment=1,  # paper: patches anywhere
            blend=False,  # paper
            dtype="float32",  # ours: the paper does not say
        ),
        NetworkRecipe(
            pictures="paper",
            train_data=("bsds500",),  # paper
            qualities=QUALITIES,  # paper
            phases=(
                Phase(
                    num_stages=5,  # paper
                    steps=1_000_000,  # ours: the paper does not say
                    learning_rate=1e-4,  # paper
                    batch_size=10,  # paper
                    patch_size=64,  # paper
                ),
            ),
            cosine=False,  # paper
            muon_ratio=0.0,  # paper
            ema_momentum=0.0,  # paper
            alignment=1,  # paper: patches anywhere
            relative=False,  # paper
            num_patterns=0,  # paper
            num_woven=0,  # paper
            dtype="float32",  # ours: the paper does not say
        ),
    ),
    "compact": _COMPACT,
    # All ours, too. The recipe of its network is in `COLOUR`.
    "photo": Recipe(
        dataclasses.replace(
            _COMPACT.classifier,
            pictures="files",
            train_data=("bsds500", "cid22", "clic"),
            qualities=(5, 100),
            steps=4_000,
        ),
        None,
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ColourRecipe:
    """Training of a `ColourNetwork` on JPEG files. All numbers are ours.

    Attributes:
        train_data: Sources of photographs: see `experiments.data.sources`.
        scales: Each photograph is used once at each of these scales. Most cameras and
            most stored photographs have blurred chroma; scaled down, it is sharp.
        qualities: The lowest and the highest.
        steps: Number of training steps.
        learning_rate: Of Adam, lowered to 0 along a cosine.
        muon_ratio, ema_momentum, num_patterns, dtype: As for `NetworkRecipe`.
        batch_size: Patches a step.
        patch_size: Side of a patch, pixels.
        num_drawings, num_held_out_drawings: To train on, and to validate on.
        num_validation: Patches to validate on.
    """

    train_data: tuple[str, ...] = ("bsds500", "cid22", "clic")
    scales: tuple[float, ...] = (1.0, 0.6)
    qualities: tuple[int, ...] = (5, 100)
    steps: int = 20_000
    learning_rate: float = 6e-4
    muon_ratio: float = 3.0
    ema_momentum: float = 0.999
    batch_size: int = 8
    patch_size: int = 96
    num_drawings: int = 480
    num_held_out_drawings: int = 36
    num_patterns: int = 8
    num_validation: int = 128
    dtype: str = "mixed_bfloat16"


# For an accelerator; it was not run.
_LARGE = ColourRecipe(learning_rate=7e-4, batch_size=64, patch_size=128)

# By network and parts. Luma of photo starts from `compact`, so with smaller steps.
COLOUR = {
    ("photo", ("luma",)): ColourRecipe(learning_rate=3e-4),
    ("photo", ("chroma",)): ColourRecipe(),
    ("photo", ("luma", "chroma")): ColourRecipe(learning_rate=3e-4),
    ("large", ("luma",)): _LARGE,
    ("large", ("chroma",)): ColourRecipe(),
    ("large", ("luma", "chroma")): _LARGE,
    ("fast", ("luma",)): ColourRecipe(),
    ("fast", ("chroma",)): ColourRecipe(),
    ("fast", ("luma", "chroma")): ColourRecipe(),
}


def recipe_for(preset: Preset, of: str | None = None) -> Recipe:
    """How `preset` is trained: by its own recipe, or by that of the preset `of`.

    A folder that does not ship has that of `compact` for its own; of `photo` if it has
    a `ColourNetwork`.

    Raises:
        ValueError: There is no such recipe, the two are for different pictures, or no
            recipe is for such a network.
        OSError: The preset is damaged.
    """
    name = preset.name if preset in PRESETS.values() else _like(preset)
    for wanted in (name, of or name):
        if wanted not in RECIPES:
            raise ValueError(
                f"Expected a recipe among {', '.join(RECIPES)}; got {wanted!r}."
            )
    own, recipe = RECIPES[name], RECIPES[of or name]
    pictures = own.classifier.pictures, recipe.classifier.pictures
    if pictures[0] != pictures[1]:
        raise ValueError(
            f"Expected a recipe for {pictures[0]!r} pictures, which {preset.name} is "
            f"for; that of {of} is for {pictures[1]!r}."
        )
    return recipe


def _like(preset: Preset) -> str:
    """The preset that ships whose network is of the same kind."""
    arguments = {} if preset.is_file else preset.arguments
    if "luma" in arguments:
        return "photo"
    if arguments.get("channels") == 1:
        return "compact"
    raise ValueError(
        "--preset: expected a preset's name, or the folder of a DualPriorNetwork of "
        f"one channel or of a ColourNetwork; got {str(preset.path)!r}."
    )


def network_recipe(preset: Preset, of: str | None = None) -> NetworkRecipe:
    """That of the second stage: see `recipe_for`.

    Raises:
        ValueError: As for `recipe_for`, or the network is one for colour files.
    """
    recipe = recipe_for(preset, of).network
    if recipe is None:
        raise ValueError(
            f"Expected a preset of one kind of pictures, got {preset.name!r}, which "
            "python -m experiments.train_colour trains."
        )
    return recipe


def scalars_of(preset: Preset) -> dict[str, float]:
    """Where alpha, beta, lambda2 and eta of `preset` start: arguments of a network."""
    names = ("alpha_init", "beta_init", "lambda2_init", "eta_init")
    return {name: preset.arguments[name] for name in names}


def changes_of(preset: Preset, texts: Sequence[str]) -> dict[str, Any]:
    """Changes to `preset`, for `DualPriorNetwork.from_preset`.

    Args:
        texts: NAME=NUMBER each, the name of an argument that is a number: of the
            network, of its de-blocker, or, with classifier_ before it, of its
            classifier.

    Raises:
        ValueError: There is no such number, or it is not one.
    """
    arguments = preset.arguments
    numbers = {}
    for part, prefix, values in (
        (None, "", arguments),
        ("deblocker", "", arguments["deblocker"]["config"]),
        ("classifier", "classifier_", arguments["classifier"]["config"]),
    ):
        for name, value in values.items():
            if type(value) in (int, float):
                numbers[prefix + name] = part, name, type(value)
    changes: dict[str, Any] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            part, name, kind = numbers[name]
            holder = changes if part is None else changes.setdefault(part, {})
            holder[name] = kind(number)
        except (KeyError, ValueError):
            raise ValueError(
                f"Expected NAME=NUMBER, the name one of {', '.join(numbers)}; got "
                f"{text!r}."
            ) from None
    return changes


def override(recipe, **numbers):
    """`recipe` with those of `numbers` that are not None."""
    given = {name: value for name, value in numbers.items() if value is not None}
    return dataclasses.replace(recipe, **given)
