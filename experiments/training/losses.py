"""The losses, by the names that recipes use."""

import math

from keras import losses, ops

_BLOCK = 8
_ETA = 0.35  # log2 8 / log2 of the shorter side, of the pictures: 321 to 512 pixels
_SHARE = 0.03  # ours: see NOTES.md


def squared_error_and_blocks(clean, restored):
    """Squared error, and a share of the blocking effect factor of PSNR-B.

    At the least squared error, steps across the borders of blocks are still larger than
    those within, by a quarter to a half at quality 10, so PSNR-B is lower than PSNR.
    Near this minimum, small changes of u cost no squared error.

    Args:
        clean, restored: `[B, H, W, C]`, whose top left is a corner of a block.

    Returns:
        `[B, H, W]`, of which the mean over a patch is its error.

    Source: Yim and Bovik, "Quality assessment of deblocked images", TIP 2011, Eq. 7-11.
    """
    error = ops.mean(ops.square(restored - clean), axis=-1)
    factor = _ETA * ops.relu(_excess(restored))
    return error + _SHARE * factor[:, None, None]


def _excess(images):
    """The excess of squared steps across borders over those within blocks, `[B]`."""
    across = within = num_across = num_within = 0.0
    for turned in (images, ops.swapaxes(images, 1, 2)):
        steps = ops.square(turned[:, 1:] - turned[:, :-1])
        borders = steps[:, _BLOCK - 1 :: _BLOCK]
        total, of_borders = (ops.sum(part, axis=(1, 2, 3)) for part in (steps, borders))
        count, num_borders = (math.prod(part.shape[1:]) for part in (steps, borders))
        across += of_borders
        num_across += num_borders
        within += total - of_borders
        num_within += count - num_borders
    return across / num_across - within / num_within


LOSSES = {
    "mean_absolute_error": losses.mean_absolute_error,  # paper
    "mean_squared_error": losses.mean_squared_error,  # ours
    "squared_error_and_blocks": squared_error_and_blocks,  # ours
}


def psnr(clean, restored):
    """Mean PSNR in dB of images in [0, 1] `[B, H, W, C]`, clipped but not rounded."""
    error = ops.square(ops.clip(restored, 0.0, 1.0) - clean)
    return -10.0 * ops.log10(ops.mean(error, axis=(1, 2, 3)))
