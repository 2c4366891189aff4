"""What the tests of the experiments share: a network that trains within seconds."""

import dataclasses

import pytest

from dual_prior.network.presets import PRESETS, Preset
from experiments.training.recipes import RECIPES


@pytest.fixture(scope="module")
def tiny():
    """The name of a preset that is only there for tests."""
    with pytest.MonkeyPatch.context() as patch:
        register_tiny(patch.setitem)
        yield "tiny"


def register_tiny(set_item=dict.__setitem__) -> None:
    """Adds the preset and its recipe, that of `compact` with few pictures made up."""
    preset = Preset(
        name="tiny",
        features=4,
        num_units=1,
        reduced=2,
        scale=2,
        classifier_features=4,
        classifier_strides=(2, 1),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=5.0,
    )
    recipe = RECIPES["compact"]
    network = dataclasses.replace(recipe.network, num_patterns=1, num_woven=1)
    set_item(PRESETS, "tiny", preset)
    set_item(RECIPES, "tiny", dataclasses.replace(recipe, network=network))
