import keras
import numpy as np

from experiments.training.muon import Muon


def _model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            keras.layers.Conv2D(5, 3, padding="same", name="head"),
            keras.layers.Conv2D(5, 3, padding="same", name="hidden"),
            keras.layers.Conv2D(2, 3, padding="same", name="tail"),
        ]
    )


def _change(optimizer):
    """By weight: what one step on one batch does to it."""
    model = _model()

    def weights():
        return {
            f"{layer.name}/{weight.name}": np.array(weight)
            for layer in model.layers
            for weight in layer.weights
        }

    before = weights()
    model.compile(optimizer, "mean_squared_error")
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 2)).astype(np.float32)
    model.train_on_batch(x, x)
    return {name: value - before[name] for name, value in weights().items()}


def test_only_hidden_kernels_step_otherwise_than_with_adam():
    adam, muon = _change(keras.optimizers.Adam(1e-3)), _change(Muon(1e-3))
    differing = {name for name in adam if not np.allclose(adam[name], muon[name])}
    assert differing == {"hidden/kernel"}


def test_the_step_of_a_hidden_kernel_is_orthogonal_and_of_fixed_length():
    step = _change(Muon(1e-3, ratio=2.0))["hidden/kernel"].reshape(-1, 5)
    singular_values = np.linalg.svd(step, compute_uv=False)
    length = 0.2 * 45**0.5 * 2e-3
    assert np.all((singular_values > 0.6 * length) & (singular_values < 1.3 * length))


def test_momentum_keeps_the_direction_of_the_last_steps():
    # Of two gradients, one after the other: g2 + m (m g1 + g2) is what counts.
    kernel = keras.Variable(np.zeros((1, 1, 4, 4), np.float32))
    optimizer = Muon(0.1, ratio=1.0, momentum=0.9)
    first, second = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    optimizer.apply([first.reshape(1, 1, 4, 4)], [kernel])
    before = np.array(kernel)
    optimizer.apply([second.reshape(1, 1, 4, 4)], [kernel])
    step = (before - np.array(kernel))[0, 0]
    expected = second + 0.9 * (0.9 * first + second)
    u, _, v = np.linalg.svd(expected)
    # The same directions, at about one length each.
    inner = u.T @ step @ v.T / (0.2 * 4**0.5 * 0.1)
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-3)
    assert np.all((np.diag(inner) > 0.6) & (np.diag(inner) < 1.3))


def test_comes_back_from_its_configuration():
    optimizer = Muon(1e-3, ratio=2.0, momentum=0.9)
    twin = Muon.from_config(optimizer.get_config())
    assert twin.get_config() == optimizer.get_config()
