import numpy as np
import pytest
from keras import ops

from dual_prior.network.operators import (
    depth_to_space,
    from_phases,
    image_gradient,
    image_gradient_adjoint,
    laplacian_eigenvalues,
    local_mean,
    space_to_depth,
    to_phases,
)

SIZES = [(1, 1), (1, 6), (4, 1), (5, 6), (6, 5), (8, 8)]


def test_gradient_is_the_forward_difference_horizontal_first():
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1) ** 2
    g = np.asarray(image_gradient(x))
    np.testing.assert_array_equal(g[0, 1, 2, 0], x[0, 1, 3, 0] - x[0, 1, 2, 0])
    np.testing.assert_array_equal(g[0, 1, 2, 1], x[0, 2, 2, 0] - x[0, 1, 2, 0])


def test_gradient_wraps_around():
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    g = np.asarray(image_gradient(x))
    np.testing.assert_array_equal(g[0, :, 3, 0], x[0, :, 0, 0] - x[0, :, 3, 0])
    np.testing.assert_array_equal(g[0, 2, :, 1], x[0, 0, :, 0] - x[0, 2, :, 0])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_adjoint_identity(size, channels):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *size, channels)).astype(np.float32)
    g = rng.normal(size=(2, *size, 2 * channels)).astype(np.float32)
    left = np.vdot(np.asarray(image_gradient(x)), g)
    right = np.vdot(x, np.asarray(image_gradient_adjoint(g)))
    np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_eigenvalues_are_the_dense_spectrum(size):
    height, width = size
    basis = np.eye(height * width, dtype=np.float32).reshape(-1, height, width, 1)
    dense = np.asarray(image_gradient_adjoint(image_gradient(basis)))
    spectrum = np.linalg.eigvalsh(dense.reshape(height * width, -1).astype(np.float64))
    eigenvalues = np.asarray(laplacian_eigenvalues(height, width))
    assert eigenvalues.shape == size
    np.testing.assert_allclose(np.sort(eigenvalues.ravel()), spectrum, atol=1e-5)


def test_constant_image_has_eigenvalue_zero_exactly():
    assert np.asarray(laplacian_eigenvalues(7, 9))[0, 0] == 0.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_phases_are_every_nth_pixel_and_go_back_to_the_image(size, stride):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    phases = to_phases(x, stride)
    first = np.asarray(phases)[0, : -(-size[0] // stride), : -(-size[1] // stride)]
    np.testing.assert_array_equal(first, x[0, ::stride, ::stride])
    np.testing.assert_array_equal(np.asarray(from_phases(phases, stride, *size)), x)


@pytest.mark.parametrize("size", [*SIZES, (13, 11)])
@pytest.mark.parametrize("dilation", [2, 3, 5])
def test_a_dilated_convolution_is_a_dense_one_of_each_phase(size, dilation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *size, 3)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 3, 4)).astype(np.float32)
    dilated = ops.conv(x, kernel, padding="same", dilation_rate=dilation)
    phases = ops.conv(to_phases(x, dilation), kernel, padding="same")
    result = from_phases(phases, dilation, *size)
    np.testing.assert_allclose(np.asarray(result), np.asarray(dilated), atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_space_to_depth_keeps_squares_together_and_has_an_inverse(scale):
    x = np.random.default_rng(0).uniform(size=(2, 6, 12, 3)).astype(np.float32)
    deep = np.asarray(space_to_depth(x, scale))
    assert deep.shape == (2, 6 // scale, 12 // scale, 3 * scale**2)
    square = x[1, scale : 2 * scale, :scale]
    np.testing.assert_array_equal(deep[1, 1, 0], square.ravel())
    np.testing.assert_array_equal(np.asarray(depth_to_space(deep, scale)), x)


@pytest.mark.parametrize("size", [(1, 1), (4, 9), (12, 7)])
def test_the_local_mean_ignores_pixels_outside_of_the_image(size):
    x = np.random.default_rng(0).uniform(size=(1, *size, 2)).astype(np.float32)
    means = np.asarray(local_mean(x, 5))
    assert means.shape == x.shape
    for row, column in np.ndindex(*size):
        rows = slice(max(0, row - 2), row + 3)
        columns = slice(max(0, column - 2), column + 3)
        expected = x[0, rows, columns].mean(axis=(0, 1))
        np.testing.assert_allclose(means[0, row, column], expected, rtol=1e-5)
