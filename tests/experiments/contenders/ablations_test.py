import numpy as np
import pytest
from keras import ops

from dual_prior.network.operators import image_gradient
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders import ablations
from experiments.contenders.ablations import ABLATIONS, DEBLOCKERS, HELD, START
from experiments.measuring import cost


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The preset of one stage around a tiny de-blocker, scalars unlike the first."""
    network = DualPriorNetwork.from_preset(
        "compact",
        num_stages=1,
        num_descent_steps=0,
        deblocker=PyramidDeblocker(features=(4, 8), depths=(1, 1)),
        alpha_init=3.0,
    )
    folder = tmp_path_factory.mktemp("ablations") / "start"
    network.save_to_preset(folder)
    return str(folder)


@pytest.fixture
def y():
    return np.random.default_rng(0).random((1, 32, 32, 1), np.float32)


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name not in DEBLOCKERS])
def test_they_begin_with_the_trained_weights(name, start):
    network = ABLATIONS[name](start)
    trained = DualPriorNetwork.from_preset(start)
    for own, other in zip(
        network.deblocker.weights, trained.deblocker.weights, strict=True
    ):
        np.testing.assert_array_equal(own, other)
    for stage in network.stages:
        assert float(stage.solver.alpha.value()) == pytest.approx(3.0)


def test_deblockers_have_like_cost():
    macs = [cost.macs(ABLATIONS[name](None)) for name in DEBLOCKERS]
    assert max(macs) / min(macs) < 1.1


def test_without_the_gradient_term_g_does_not_count(start, y):
    network = ABLATIONS["no gradient term"](start)
    stage = network.stages[0]
    g = ops.convert_to_tensor(image_gradient(y))
    np.testing.assert_allclose(stage.solver(y, y, g), stage.solver(y, y, -g), atol=1e-6)


@pytest.mark.parametrize("name", HELD)
def test_held_scalars_do_not_train_and_x_takes_half_of_the_finest_gradients(
    name, start
):
    network = ABLATIONS[name](start)
    trained = {id(weight) for weight in network.trainable_variables}
    for stage in network.stages:
        alpha, beta = (float(stage.scalars()[n].value()) for n in ("alpha", "beta"))
        # Eq. 10 at the highest frequency, where grad' grad is 8.
        assert 8 * beta / (1 + alpha + 8 * beta) == pytest.approx(0.5)
        held = [stage.scalars()[n].logarithm for n in ("beta", "lambda2", "eta")]
        assert not trained & {id(weight) for weight in held}


def test_held_steps_move_g_by_about_a_grey_level(start):
    network = ABLATIONS["held: random classifier"](start)  # its derivative is flat
    y = ablations.held_on()
    (first, _) = network(y, return_stages=True)
    moved = 255 * (ops.convert_to_numpy(first["g"]) - image_gradient(y))
    assert np.sqrt(np.mean(np.square(moved))) == pytest.approx(1, abs=0.1)


def test_the_start_is_one_of_them():
    assert START in DEBLOCKERS and ABLATIONS[START](None).stages[0].built
