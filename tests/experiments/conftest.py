"""Fixtures of the tests of the experiments: a network that trains within seconds."""

import dataclasses

import pytest

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.presets import PRESETS, find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.training.recipes import RECIPES


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The name of a preset that is only there for tests, without weights.

    Its recipe is that of `compact` with few pictures made up.
    """
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    network = DualPriorNetwork(
        Deblocker(features=4, num_units=1, reduced=2, scale=2, name="deblocker"),
        CompressionClassifier(features=4, strides=(2, 1), name="classifier"),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=5.0,
        name="tiny",
    )
    network.build((None, None, None, 1))
    network.save_to_preset(folder)
    (folder / "model.weights.h5").unlink()
    recipe = RECIPES["compact"]
    small = dataclasses.replace(recipe.network, num_patterns=1, num_woven=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", find_preset(folder))
        patch.setitem(RECIPES, "tiny", dataclasses.replace(recipe, network=small))
        yield "tiny"
