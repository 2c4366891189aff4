"""The numbers of the paper's Section 3.4 that belong to training."""

from experiments.configs import QUALITIES, RECIPES


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
