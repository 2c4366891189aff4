import functools

import numpy as np
import pytest
from keras import ops

from dual_prior.network.fft_solver import FFTSolver
from dual_prior.network.operators import image_gradient, image_gradient_adjoint
from tests.layer_contract import assert_layer_contract


def _problem(height, width, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    y, u = rng.uniform(size=(2, 2, height, width, channels)).astype(np.float32)
    g = rng.normal(size=(2, height, width, 2 * channels)).astype(np.float32)
    return y, u, g


def _dense_solution(y, u, g, alpha, beta):
    """The minimiser by an explicit matrix, one channel, float64."""
    _, height, width, _ = y.shape
    size = height * width
    basis = np.eye(size, dtype=np.float32).reshape(size, height, width, 1)
    gradient = np.asarray(image_gradient(basis), np.float64).reshape(size, -1).T
    lhs = (1 + alpha) * np.eye(size) + beta * gradient.T @ gradient
    rhs = (
        y.reshape(len(y), size)
        + alpha * u.reshape(len(y), size)
        + beta * g.reshape(len(y), -1).astype(np.float64) @ gradient
    )
    return np.linalg.solve(lhs, rhs.T).T.reshape(y.shape)


@pytest.mark.parametrize("size", [(5, 6), (6, 5), (1, 7), (3, 1), (1, 1)])
def test_matches_dense_solve(size):
    y, u, g = _problem(*size)
    x = np.asarray(FFTSolver(alpha_init=0.7, beta_init=1.3)(y, u, g))
    np.testing.assert_allclose(x, _dense_solution(y, u, g, 0.7, 1.3), atol=1e-5)


def test_normal_equations_have_no_residual():
    y, u, g = _problem(16, 12, channels=3)
    alpha, beta = 2.0, 5.0
    x = FFTSolver(alpha, beta)(y, u, g)
    left = (1 + alpha) * x + beta * image_gradient_adjoint(image_gradient(x))
    right = y + alpha * u + beta * image_gradient_adjoint(g)
    np.testing.assert_allclose(np.asarray(left), np.asarray(right), atol=1e-4)


def test_without_gradient_term_is_a_weighted_mean():
    y, u, g = _problem(9, 8)
    x = np.asarray(FFTSolver(alpha_init=3.0, beta_init=1e-12)(y, u, g))
    np.testing.assert_allclose(x, (y + 3.0 * u) / 4.0, atol=1e-6)


def test_consistent_inputs_are_a_fixed_point():
    y, _, _ = _problem(7, 10)
    x = np.asarray(FFTSolver(0.5, 0.5)(y, y, image_gradient(y)))
    np.testing.assert_allclose(x, y, atol=1e-6)


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_derivative_in_the_scalars_matches_finite_differences(name):
    y, u, g = _problem(5, 6)
    values = {"alpha": 0.7, "beta": 1.3}
    h = 1e-3

    def solve(**changed):
        both = {**values, **changed}
        return _dense_solution(y, u, g, both["alpha"], both["beta"])

    numerical = (
        solve(**{name: values[name] + h}) - solve(**{name: values[name] - h})
    ) / (2 * h)

    import tensorflow as tf

    solver = FFTSolver(0.7, 1.3)
    solver.build(y.shape)
    scalar = getattr(solver, name)
    direction = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        projected = ops.sum(solver(y, u, g) * direction)
    by_logarithm = tape.gradient(projected, scalar.logarithm.value)
    # d/d log a = a d/d a
    expected = values[name] * np.vdot(numerical, direction)
    np.testing.assert_allclose(np.asarray(by_logarithm), expected, rtol=1e-3)


def test_keeps_the_layer_contract():
    make = functools.partial(FFTSolver, 0.3, 0.2)
    assert_layer_contract(make, *_problem(6, 7))
