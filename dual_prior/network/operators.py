"""The image gradient, its adjoint and its spectrum; images on coarser grids.

    (D_h x)[i, j] = x[i, j + 1] - x[i, j],    (D_v x)[i, j] = x[i + 1, j] - x[i, j]

Their boundaries are periodic: indices wrap around, as Eq. 10 of the paper implies; only
then does the discrete Fourier transform diagonalise D_h and D_v. Pure functions of
`keras.ops`, on any backend.
"""

import math

from keras import ops


def image_gradient(x):
    """grad x, by forward differences.

    Args:
        x: Image `[B, H, W, C]`.

    Returns:
        `[B, H, W, 2C]`: the C horizontal differences, then the C vertical ones.

    Example:
        >>> x = np.float32([[0, 1], [0, 3]])[None, :, :, None]
        >>> g = np.asarray(dual_prior.image_gradient(x))
        >>> g[0, :, :, 0].tolist(), g[0, :, :, 1].tolist()
        ([[1.0, -1.0], [3.0, -3.0]], [[0.0, 2.0], [0.0, -2.0]])
    """
    horizontal = ops.roll(x, -1, axis=2) - x
    vertical = ops.roll(x, -1, axis=1) - x
    return ops.concatenate([horizontal, vertical], axis=-1)


def image_gradient_adjoint(g):
    """grad' g, the adjoint: <grad x, g> = <x, grad' g> for all x and g.

    Args:
        g: Gradient field `[B, H, W, 2C]`, horizontal first.

    Returns:
        `[B, H, W, C]`, the negative divergence of `g`.
    """
    horizontal, vertical = ops.split(g, 2, axis=-1)
    return (ops.roll(horizontal, 1, axis=2) - horizontal) + (
        ops.roll(vertical, 1, axis=1) - vertical
    )


def laplacian_eigenvalues(height, width):
    """Eigenvalues of grad' grad: sum_d |F(D_d)|^2 of Eq. 10.

    Args:
        height: Number of rows, an integer or a scalar integer tensor.
        width: Number of columns, likewise.

    Returns:
        `[height, width]`, float32 in [0, 8], at the frequencies of the discrete Fourier
        transform in its usual order.
    """
    return _difference_spectrum(height)[:, None] + _difference_spectrum(width)[None, :]


def _difference_spectrum(period):
    # |exp(2 pi i f / n) - 1|^2 = 4 sin^2(pi f / n): exactly zero at f = 0.
    frequency = ops.cast(ops.arange(period), "float32")
    return 4.0 * ops.square(ops.sin(math.pi * frequency / ops.cast(period, "float32")))


def extended(x, multiple: int):
    """Edge padding of `x`, until height and width are multiples of `multiple`.

    At the bottom and on the right only: the grid of 8x8 blocks stays in place. Edge
    padding is used because zero padding would look like an edge.

    Args:
        x: Image `[B, H, W, C]`.
        multiple: Height and width of the result are multiples of it.
    """
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        # Of positive numbers only: ONNX divides towards zero.
        missing = (multiple - size % multiple) % multiple
        if isinstance(missing, int) and not missing:
            continue  # as in training, at no cost
        places = ops.minimum(ops.arange(size + missing), size - 1)
        x = ops.take(x, places, axis=axis)
    return x


def to_phases(x, stride: int):
    """The pixels of every `stride`-th row and column, as images of a batch.

    On each of them a dilated convolution is a dense one. Zeros fill up height and
    width, which a convolution sees beyond its image's border anyway.

    Args:
        x: `[B, H, W, C]`.
        stride: d, in rows and in columns; there are d^2 phases.

    Returns:
        `[B d^2, H / d, W / d, C]`, height and width rounded up.
    """
    if stride == 1:
        return x
    batch, height, width, channels = ops.shape(x)
    rows, columns = ((side + stride - 1) // stride for side in (height, width))
    missing = [[0, rows * stride - height], [0, columns * stride - width]]
    x = ops.pad(x, [[0, 0], *missing, [0, 0]])
    x = ops.reshape(x, (batch, rows, stride, columns, stride, channels))
    x = ops.transpose(x, (0, 2, 4, 1, 3, 5))
    return ops.reshape(x, (batch * stride**2, rows, columns, channels))


def from_phases(phases, stride: int, height, width):
    """The inverse of `to_phases`.

    Args:
        phases: `[B d^2, H / d, W / d, C]`, as `to_phases` returns.
        stride: d.
        height, width: Of the image, integers or scalar integer tensors.

    Returns:
        `[B, H, W, C]`.
    """
    if stride == 1:
        return phases
    count, rows, columns, channels = ops.shape(phases)
    batch = count // stride**2
    x = ops.reshape(phases, (batch, stride, stride, rows, columns, channels))
    x = ops.transpose(x, (0, 3, 1, 4, 2, 5))
    x = ops.reshape(x, (batch, rows * stride, columns * stride, channels))
    return x[:, :height, :width, :]


def space_to_depth(x, scale: int):
    """Squares of `scale` x `scale` pixels as the channels of one.

    Args:
        x: `[B, H, W, C]`, height and width multiples of `scale`.
        scale: Side of the squares, pixels.

    Returns:
        `[B, H / scale, W / scale, scale^2 C]`.
    """
    if scale == 1:
        return x
    batch, height, width, _ = ops.shape(x)
    channels = x.shape[-1]
    rows, columns = height // scale, width // scale
    x = ops.reshape(x, (batch, rows, scale, columns, scale, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, rows, columns, scale**2 * channels))


def depth_to_space(x, scale: int):
    """The inverse of `space_to_depth`.

    Args:
        x: `[B, h, w, scale^2 C]`.
        scale: Side of the squares, pixels.

    Returns:
        `[B, scale h, scale w, C]`.
    """
    if scale == 1:
        return x
    batch, rows, columns, _ = ops.shape(x)
    channels = x.shape[-1] // scale**2
    x = ops.reshape(x, (batch, rows, columns, scale, scale, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, rows * scale, columns * scale, channels))


def local_mean(x, side: int):
    """The mean over a square around each pixel, over its part within the image.

    Args:
        x: `[B, H, W, C]`.
        side: Of the square, pixels, odd.

    Returns:
        Shaped like `x`.
    """
    rows = ops.average_pool(x, (side, 1), strides=1, padding="same")
    return ops.average_pool(rows, (1, side), strides=1, padding="same")
