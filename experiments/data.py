"""The plain folders of pictures under --data_dir, by the names of the paper.

    bsds500/train  bsds500/test  bsds500/val    live1    classic5

Training takes BSD500's train + test, evaluation its val, as the paper does.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from dual_prior import jpeg

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}

# Folder of each set that is measured on.
EVALUATION_SETS = {"classic5": "classic5", "live1": "live1", "bsds500": "bsds500/val"}


def training_paths(data_dir: str | os.PathLike) -> list[Path]:
    """BSD500's 200 training and 200 test pictures.

    Raises:
        FileNotFoundError: A folder is missing, or holds no picture.
    """
    return [
        path
        for part in ("train", "test")
        for path in picture_paths(Path(data_dir) / "bsds500" / part)
    ]


def evaluation_paths(data_dir: str | os.PathLike, name: str) -> list[Path]:
    """The pictures of one of `EVALUATION_SETS`.

    Raises:
        ValueError: There is no such set.
        FileNotFoundError: Its folder is missing, or holds no picture.
    """
    if name not in EVALUATION_SETS:
        raise ValueError(
            f"Expected data sets among {', '.join(EVALUATION_SETS)}; got {name!r}."
        )
    return picture_paths(Path(data_dir) / EVALUATION_SETS[name])


def picture_paths(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, sorted by name.

    Raises:
        FileNotFoundError: The folder is missing, or holds no picture.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder. Point --data_dir at the folder that holds "
            f"{'/'.join(folder.parts[-2:])}."
        )
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f"{folder}: holds no pictures ({', '.join(sorted(_SUFFIXES))})."
        )
    return paths


def read_luma(path: str | os.PathLike) -> np.ndarray:
    """The luma `[H, W]`, uint8, of a picture; a grey picture is its own luma.

    Raises:
        OSError: The file cannot be read or decoded.
    """
    data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.dtype != np.uint8:
        raise OSError(f"{path}: not a picture of 8 bits a channel that can be decoded.")
    if image.ndim == 2:
        return image
    return jpeg.luma(cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB))


def lumas_from_tfds(name: str, split: str, **load_arguments) -> Iterator[np.ndarray]:
    """The lumas of one of this repository's TFDS builders, in its order.

    Args:
        name: `"bsds500"`, `"live1"` or `"classic5"`.
        split: For instance `"train+test"`.
        **load_arguments: Of `tfds.load`, for instance `data_dir`.
    """
    import importlib

    import tensorflow_datasets as tfds

    importlib.import_module(f"datasets.{name}.{name}_dataset_builder")
    for example in tfds.as_numpy(tfds.load(name, split=split, **load_arguments)):
        image = example["image"]
        yield image[..., 0] if image.shape[-1] == 1 else jpeg.luma(image)
