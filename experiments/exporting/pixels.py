"""Inputs and outputs of exported graphs: pixels, and tables where known."""

import math
from collections.abc import Callable

import numpy as np
from keras import ops

from dual_prior.jpeg.table_plane import MIDDLE, SCALE
from dual_prior.jpeg.ycc import RGB_FROM_YCC, YCC_FROM_RGB, to_ycc
from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.unfolding import DualPriorNetwork

_BLOCK = 8


def name_of(network: DualPriorNetwork | ColourNetwork) -> str:
    """The input of `network`: "luma" or "rgb"."""
    return "luma" if network.channels == 1 else "rgb"


def restored(
    network: DualPriorNetwork | ColourNetwork,
    image,
    aux=None,
    function: Callable | None = None,
):
    """The restored image, of luma or of red, green and blue.

    Args:
        network: Its kind decides how `image` is converted.
        image: `[B, H, W, 1 or 3]`, float32 in [0, 1].
        aux: Planes of the quantization tables, `[B, H, W, A]`; None: unknown.
        function: Computes the result in place of `network`.

    Returns:
        Shaped like `image`, not clipped. Grey stays grey.
    """
    function = function or network
    known = {} if aux is None else {"aux": aux}
    if not isinstance(network, ColourNetwork):
        return function(image, **known)
    planes = ops.matmul(image, YCC_FROM_RGB.T) + to_ycc(np.zeros(3), white=1)
    change = function(planes, **known) - planes
    colours = ops.abs(image - image[..., :1])
    is_coloured = ops.max(colours, axis=(1, 2, 3), keepdims=True) > 0
    of_chroma = change[..., 1:] * ops.cast(is_coloured, "float32")
    change = ops.concatenate([change[..., :1], of_chroma], axis=-1)
    return image + ops.matmul(change, RGB_FROM_YCC.T)


def table_planes(steps, sampling, height, width):
    """As `dual_prior.jpeg.table_plane.Tables.planes`, of tensors.

    Args:
        steps: `[A, 8, 8]`, float32, 0 where they are not known.
        sampling: Rows and columns of the picture that share a sample of chroma, `[2]`,
            int32.
        height, width: Of the picture, which begins where a block does.

    Returns:
        `[1, H, W, A]`.
    """
    logarithms = ops.log((1.0 + steps) / MIDDLE) / (SCALE * math.log(2.0))
    logarithms = ops.where(steps > 0, logarithms, 0.0)
    planes = []
    for channel in range(steps.shape[0]):
        rows, columns = (
            ops.arange(size, dtype="int32")
            // (sampling[axis] if channel else 1)
            % _BLOCK
            for axis, size in enumerate((height, width))
        )
        plane = ops.take(logarithms[channel], rows, axis=0)
        planes.append(ops.take(plane, columns, axis=1))
    return ops.stack(planes, axis=-1)[None]
