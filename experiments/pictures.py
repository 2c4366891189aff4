"""The pictures of training, in memory: lumas, and what JPEG makes of them."""

from collections.abc import Sequence

import numpy as np

from dual_prior.patches import CompressedPicture, compress_pictures
from experiments import data
from experiments.configs import NUM_VALIDATION_PICTURES

_VALIDATION_SIDE = 320  # ours: 481x321 and 321x481 cut to the same size, on the grid


def load_pictures(
    data_dir: str, qualities: Sequence[int]
) -> tuple[list[CompressedPicture], list[CompressedPicture]]:
    """BSD500 train + test, split into pictures to train on and pictures held out.

    Every n-th picture is held out, whatever the seed: what chooses weights is the same
    in all runs, and is none of the three test sets.
    """
    paths = data.training_paths(data_dir)
    stride = max(2, len(paths) // NUM_VALIDATION_PICTURES)
    held_out = paths[::stride]
    kept = [path for path in paths if path not in set(held_out)]
    return tuple(
        compress_pictures([data.read_luma(path) for path in part], qualities)
        for part in (kept, held_out)
    )


def validation_batch(
    pictures: Sequence[CompressedPicture],
) -> tuple[np.ndarray, np.ndarray]:
    """The top left of every picture at every quality.

    Returns:
        Compressed and clean images, each `[B, S, S, 1]`, float32 in [0, 1], where S is
        320 or the shortest side.
    """
    side = min(_VALIDATION_SIDE, *(n for p in pictures for n in p.clean.shape))
    corner = np.s_[:side, :side]
    pairs = [
        (compressed[corner], picture.clean[corner])
        for picture in pictures
        for compressed in picture.compressed
    ]
    return tuple(
        np.stack(planes)[..., None].astype(np.float32) / np.float32(255)
        for planes in zip(*pairs, strict=True)
    )
