"""The numbers of the paper's Section 3.4 that belong to training."""

import json

import pytest

from dual_prior.network.presets import find_preset
from experiments.data.protocol import QUALITIES
from experiments.training.recipes import (
    RECIPES,
    changes_of,
    network_recipe,
    recipe_for,
    scalars_of,
)


def test_the_papers_training():
    (phase,) = RECIPES["paper"].network.phases
    assert (phase.batch_size, phase.patch_size) == (10, 64)
    assert QUALITIES == (10, 20, 30)  # one model for all
    for stage in (RECIPES["paper"].classifier, RECIPES["paper"].network):
        assert stage.pictures == "paper" and stage.alignment == 1
        assert stage.cosine is False  # the learning rate is fixed
    network = RECIPES["paper"].network
    assert network.num_patterns == network.num_woven == 0  # photographs only


def test_the_paper_trains_by_adam_at_1e_4():
    recipe = RECIPES["paper"]
    assert recipe.classifier.learning_rate == 1e-4
    assert [phase.learning_rate for phase in recipe.network.phases] == [1e-4]
    assert recipe.network.muon_ratio == 0  # Adam for all variables


def test_a_preset_may_be_trained_by_the_recipe_of_another():
    paper = find_preset("paper")
    assert recipe_for(paper) is RECIPES["paper"]
    assert recipe_for(paper, "compact") is RECIPES["compact"]
    with pytest.raises(ValueError, match="of photo is for 'files'"):
        recipe_for(paper, "photo")


@pytest.mark.parametrize(
    ("arguments", "name"), [({"channels": 1}, "compact"), ({"luma": {}}, "photo")]
)
def test_a_folder_of_ones_own_is_trained_as_its_kind_is(tmp_path, arguments, name):
    (tmp_path / "config.json").write_text(json.dumps({"config": arguments}))
    mine = find_preset(tmp_path)
    assert recipe_for(mine) is recipe_for(mine, name) is RECIPES[name]
    with pytest.raises(ValueError, match="among paper, compact, photo; got 'mine'"):
        recipe_for(mine, "mine")


def test_training_needs_a_recipe(tmp_path):
    (tmp_path / "config.json").write_text('{"config": {"channels": 3}}')
    (tmp_path / "network.keras").touch()
    for path in (tmp_path, tmp_path / "network.keras"):
        with pytest.raises(ValueError, match="--preset: expected a preset's name, or"):
            recipe_for(find_preset(path))


def test_a_network_for_colour_files_has_a_program_of_its_own():
    photo = find_preset("photo")
    assert recipe_for(photo).classifier.pictures == "files"
    with pytest.raises(ValueError, match="got 'photo', which.*train_colour trains"):
        network_recipe(photo)
    assert network_recipe(find_preset("compact")) is RECIPES["compact"].network


def test_it_then_starts_from_the_scalars_of_the_other():
    expected = {"alpha_init": 10.0, "beta_init": 0.1, "lambda2_init": 1e-3}
    assert scalars_of(find_preset("compact")) == {**expected, "eta_init": 0.01}


def test_numbers_of_a_preset_can_be_changed_by_name():
    preset = find_preset("paper")
    texts = ["features=32", "alpha_init=1", "num_units=2", "classifier_features=8"]
    assert changes_of(preset, texts) == {
        "deblocker": {"features": 32, "num_units": 2},
        "classifier": {"features": 8},
        "alpha_init": 1.0,
    }
    assert changes_of(preset, []) == {}
    for wrong in ("features", "features=3.5", "name=4", "feature=32", "dilations=3"):
        with pytest.raises(ValueError, match=f"NAME=NUMBER.*features.*'{wrong}'"):
            changes_of(preset, [wrong])
