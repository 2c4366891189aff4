import keras
import numpy as np
import pytest

from dual_prior.network.classifier import CompressionClassifier, freeze
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.operators import image_gradient
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork, UnfoldingStage
from dual_prior.network.weights_file import load_weights
from tests.layer_contract import assert_layer_contract


def _image(height=10, width=12, channels=1, batch=2):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(batch, height, width, channels)).astype(np.float32)


def _network(num_stages=3, num_descent_steps=2, channels=1, seed=0, **arguments):
    keras.utils.set_random_seed(seed)
    return DualPriorNetwork(
        Deblocker(channels, features=4, num_units=1, reduced=2, scale=2),
        CompressionClassifier(4, (2, 1)),
        num_stages,
        num_descent_steps,
        **{"alpha_init": 1.0, "lambda2_init": 1.0, "eta_init": 0.5, **arguments},
    )


def _values(weights):
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def test_a_stage_is_its_three_steps():
    network = _network(num_stages=1)
    y = _image()
    network(y)
    stage = network.stages[0]
    u = network.deblocker(y)
    g = stage.descent(y, beta=stage.solver.beta.value())
    x = stage.solver(y, u, g)
    state = stage(y, y)
    for name, expected in {"u": u, "g": g, "x": x}.items():
        np.testing.assert_array_equal(np.asarray(state[name]), np.asarray(expected))


def test_stages_are_chained_and_all_see_y():
    network = _network()
    y = _image()
    x = y
    for stage in network.stages:
        x = stage(y, x)["x"]
    np.testing.assert_array_equal(np.asarray(network(y)), np.asarray(x))


def test_return_stages_has_stable_names():
    network = _network()
    y = _image()
    states = network(y, return_stages=True)
    assert len(states) == 3
    shapes = {name: tuple(value.shape) for name, value in states[0].items()}
    assert shapes == {
        "u": (2, 10, 12, 1),
        "g": (2, 10, 12, 2),
        "x": (2, 10, 12, 1),
        "probability": (2,),
        "energy": (2,),
    }
    np.testing.assert_array_equal(np.asarray(states[-1]["x"]), np.asarray(network(y)))


def test_the_solver_lowers_the_energy():
    network = _network(num_stages=1)
    y = _image()
    (state,) = network(y, return_stages=True)
    stage = network.stages[0]
    for other in (y, np.asarray(state["u"]), 0.5 * np.asarray(state["x"])):
        energy = np.asarray(stage.energy(y, state["u"], state["g"], other))
        assert np.all(energy > np.asarray(state["energy"]))


def test_the_descent_lowers_the_energy_that_a_stage_reports():
    stage = _network(num_stages=1, num_descent_steps=3, eta_init=1e-2).stages[0]
    y = _image()
    state = stage(y, y)  # g is found where x is still y
    before = stage.energy(y, state["u"], image_gradient(y), y)
    after = stage.energy(y, state["u"], state["g"], y)
    assert np.all(np.asarray(after) < np.asarray(before))


def test_stages_share_all_but_four_scalars():
    y = _image()
    counts = []
    for num_stages in (1, 2, 5):
        network = _network(num_stages)
        network(y)
        counts.append((network.count_params(), len(network.trainable_weights)))
    (one, one_trainable), (two, two_trainable), (five, five_trainable) = counts
    assert two - one == 4 and five - one == 16
    assert two_trainable - one_trainable == 4 and five_trainable - one_trainable == 16


def test_the_scalars_follow_the_order_alpha_beta_lambda2_eta():
    inits = {"alpha_init": 0.1, "beta_init": 0.2, "lambda2_init": 0.3, "eta_init": 0.4}
    network = _network(1, **inits)
    network.build((None, None, None, 1))
    scalars = network.stages[0].scalars()
    assert [f"{name}_init" for name in scalars] == list(inits)
    values = [float(np.asarray(scalar.value())) for scalar in scalars.values()]
    np.testing.assert_allclose(values, list(inits.values()), rtol=1e-6)


def test_the_semantic_prior_changes_the_result():
    y = _image()
    with_prior = _network(num_descent_steps=2)
    without = _network(num_descent_steps=0)
    assert np.abs(np.asarray(with_prior(y)) - np.asarray(without(y))).max() > 1e-6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16)])
def test_any_size_and_number_of_channels(size, channels):
    y = _image(*size, channels)
    assert _network(channels=channels)(y).shape == y.shape


def test_examples_of_a_batch_do_not_mix():
    network = _network()
    y = _image(batch=3)
    alone = np.concatenate([np.asarray(network(y[i : i + 1])) for i in range(3)])
    np.testing.assert_allclose(np.asarray(network(y)), alone, atol=1e-6)


def test_a_mixed_policy_stays_close_to_float32():
    y = _image()
    expected = np.asarray(_network()(y))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = _network()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed(y)
    actual = np.asarray(mixed(y))
    assert actual.dtype == np.float32
    # A single step of half precision at most, since processors without it round after
    # every operation; and less than the image would lose by being rounded to it.
    error = np.abs(actual - expected)
    assert error.max() < 2**-8
    rounded = np.asarray(
        keras.ops.cast(keras.ops.cast(expected, "bfloat16"), "float32")
    )
    assert error.mean() < np.abs(rounded - expected).mean() / 2


@pytest.mark.parametrize("channels", [1, 3])
def test_overfits_one_batch(channels):
    network = _network(2, 1, channels, alpha_init=10.0)
    y = _image(channels=channels)
    clean = np.clip(y + 0.1 * np.sign(y - 0.5), 0, 1).astype(np.float32)
    network.compile(
        keras.optimizers.Adam(3e-3), "mean_absolute_error", jit_compile=False
    )
    losses = network.fit(y, clean, epochs=150, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_the_classifier_does_not_move():
    network = _network()
    y = _image()
    network(y)
    before = _values(network.classifier.weights)
    others = _values(network.trainable_weights)
    network.compile(
        keras.optimizers.Adam(1e-2), "mean_absolute_error", jit_compile=False
    )
    network.fit(y, y[:, ::-1], epochs=2, verbose=0)
    for value, old in zip(_values(network.classifier.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)
    for weight, old in zip(network.trainable_weights, others, strict=True):
        assert np.any(_values([weight])[0] != old), weight.path


def test_the_classifier_does_not_move_after_loading(tmp_path):
    # When Keras loads a layer frozen by `trainable = False`, it unfreezes the layer.
    _network()(_image())
    original = _network()
    original(_image())
    original.compile("adam", "mean_absolute_error", jit_compile=False)
    original.save(tmp_path / "network.keras")
    network = keras.saving.load_model(tmp_path / "network.keras")
    before = _values(network.classifier.weights)
    assert len(network.trainable_weights) == len(original.trainable_weights)
    network.fit(_image(), _image()[:, ::-1], epochs=2, verbose=0)
    for value, old in zip(_values(network.classifier.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.parametrize("part", ["deblocker", "first stage", "nothing"])
def test_frozen_parts_stay_frozen_after_loading(tmp_path, part):
    original = _network()
    original(_image())
    if part == "deblocker":
        freeze(original.deblocker)
    if part == "first stage":  # whose solver and descent are as trainable as before
        original.stages[0].trainable = False
        original.deblocker.trainable = True
    original.save(tmp_path / "network.keras")
    network = keras.saving.load_model(tmp_path / "network.keras")
    assert network.trainable
    trainable = {w.path for w in network.deblocker.trainable_weights}
    assert bool(trainable) is (part != "deblocker")
    assert network.classifier.trainable_weights == []


def test_a_saved_network_shares_its_parts(tmp_path):
    network = _network()
    network(_image())
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert loaded.deblocker is loaded.stages[0].deblocker is loaded.stages[1].deblocker


def test_in_functional_models_with_and_without_its_stages():
    network = _network()
    y = _image()
    one, other = keras.Input((None, None, 1)), keras.Input((None, None, 1))
    whole = keras.Model(one, network(one))
    staged = keras.Model(other, network(other, return_stages=True))
    states = staged(y)
    for restored in (whole(y), states[-1]["x"]):
        np.testing.assert_array_equal(np.asarray(restored), np.asarray(network(y)))
    assert set(states[0]) == {"u", "g", "x", "probability", "energy"}


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_pixels_that_are_not_floats_are_rejected(dtype):
    with pytest.raises(ValueError, match=r"float32 in \[0, 1\].*found dtype=u?int"):
        _network()(_image().astype(dtype))


def test_changes_keep_the_layers_and_the_scalars_that_were_learned():
    network = _network(num_stages=2)
    y = _image()
    network(y)
    network.stages[1].solver.alpha.logarithm.assign(0.7)
    changed = network.with_changes(num_stages=3, beta_init=0.5)
    assert changed.deblocker is network.deblocker
    alphas = [np.asarray(s.solver.alpha.logarithm) for s in changed.stages]
    np.testing.assert_allclose(alphas, [0.0, 0.7, 0.7], rtol=1e-6)
    betas = [np.asarray(s.solver.beta.value()) for s in changed.stages]
    np.testing.assert_allclose(betas, 0.5, rtol=1e-6)
    with pytest.raises(ValueError, match="among .*num_stages.*; got 'stages'"):
        network.with_changes(stages=3)


def test_changes_of_a_part_make_a_new_one():
    network = _network()
    network.build((None, None, None, 1))
    changed = network.with_changes(deblocker={"features": 6})
    assert changed.deblocker.features == 6 and changed.deblocker.num_units == 1
    assert changed.classifier is network.classifier
    with pytest.raises(ValueError, match="among .*features.*; got 'maps'"):
        network.with_changes(deblocker={"maps": 6})


def test_weights_go_into_a_network_of_the_same_shape_only(tmp_path):
    network = _network()
    y = _image()
    expected = np.asarray(network(y))
    path = tmp_path / "network.weights.h5"
    network.save_weights(path)
    twin = _network(seed=1)
    assert np.any(np.asarray(twin(y)) != expected)
    load_weights(twin, path)
    np.testing.assert_array_equal(np.asarray(twin(y)), expected)

    for stages, units in ((3, 2), (4, 1), (2, 1)):  # more, and less, than the file has
        other = DualPriorNetwork(
            Deblocker(features=4, num_units=units, reduced=2, scale=2),
            CompressionClassifier(4, (2, 1)),
            stages,
        )
        other.build((None, None, None, 1))
        with pytest.raises(ValueError, match="network.weights.h5: .*do not fit"):
            load_weights(other, path)


@pytest.mark.parametrize("content", [b"", b"not a weights file"])
def test_a_file_without_weights_is_named(tmp_path, content):
    path = tmp_path / "broken.weights.h5"
    path.write_bytes(content)
    network = _network()
    network(_image())
    with pytest.raises(OSError, match="broken.weights.h5"):
        load_weights(network, path)


def test_missing_weights_are_named(tmp_path):
    (tmp_path / "some.h5").touch()
    with pytest.raises(OSError, match=r"some.h5: .* ends in .weights.h5"):
        load_weights(_network(), tmp_path / "some.h5")
    with pytest.raises(OSError, match="nothing.weights.h5: no such"):
        load_weights(_network(), tmp_path / "nothing.weights.h5")


def test_no_stages_are_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        _network(num_stages=0)


def test_keeps_the_layer_contract():
    def parts(**policy):
        deblocker = Deblocker(features=4, num_units=1, reduced=2, **policy)
        return deblocker, CompressionClassifier(4, (1, 1), **policy)

    def stage(**policy):
        return UnfoldingStage(*parts(**policy), num_descent_steps=1)

    def network(**policy):
        return DualPriorNetwork(*parts(**policy), num_stages=2, num_descent_steps=1)

    assert_layer_contract(stage, _image(), _image())
    assert_layer_contract(network, _image())


def test_every_stage_gets_the_further_planes():
    network = DualPriorNetwork(
        PyramidDeblocker(1, (4, 6), (1, 1), aux_channels=1),
        CompressionClassifier(4, (2, 1)),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=1.0,
    )
    y, aux = _image(), _image(height=10, width=12)[:, ::-1]
    x = y
    for stage in network.stages:
        x = stage(y, x, aux)["x"]
    np.testing.assert_array_equal(np.asarray(network(y, aux=aux)), np.asarray(x))
    assert np.any(np.asarray(network(y)) != np.asarray(x))
    nothing = np.asarray(network(y, aux=np.zeros_like(aux)))
    np.testing.assert_array_equal(np.asarray(network(y)), nothing)


def test_a_de_blocker_that_takes_nothing_beside_the_image_does_not_get_it():
    network = DualPriorNetwork(
        PyramidDeblocker(1, (4,), (1,)), CompressionClassifier(4, (2,)), 1, 0
    )
    y = _image()
    np.testing.assert_array_equal(network(y, aux=y), network(y))
