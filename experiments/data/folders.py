"""The plain folders of pictures under --data_dir, by the names of the paper.

    bsds500/train  bsds500/test  bsds500/val    live1    classic5    cid22
    twitter/clean  twitter/compressed    wechat/clean  wechat/compressed

Training takes BSD500's train + test, evaluation its val, as the paper does; CID22 joins
the former for what goes beyond the paper. Twitter and WeChat come compressed; the two
pictures of a pair have the same name, whatever their suffixes.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from dual_prior import jpeg
from dual_prior.pictures.formats import PICTURE_SUFFIXES

# Folder of each set that is compressed to be measured on.
EVALUATION_SETS = {"classic5": "classic5", "live1": "live1", "bsds500": "bsds500/val"}

# Sets that come in pairs, compressed by others.
PAIR_SETS = ("twitter", "wechat")


def training_paths(data_dir: str | os.PathLike) -> list[Path]:
    """BSD500's 200 training and 200 test pictures.

    Raises:
        FileNotFoundError: A folder is missing, or holds no picture.
    """
    return [
        path
        for part in ("train", "test")
        for path in _picture_paths(data_dir, f"bsds500/{part}")
    ]


def cid22_paths(data_dir: str | os.PathLike) -> list[Path]:
    """The lossless pictures of CID22's training set, photographs and graphics.

    Raises:
        FileNotFoundError: The folder is missing, or holds no picture.
    """
    return _picture_paths(data_dir, "cid22")


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
    return _picture_paths(data_dir, EVALUATION_SETS[name])


def pair_paths(data_dir: str | os.PathLike, name: str) -> list[tuple[Path, Path]]:
    """The (compressed, clean) pictures of one of `PAIR_SETS`.

    Raises:
        ValueError: A picture has no partner, or more than one.
        FileNotFoundError: A folder is missing, or holds no picture.
    """
    compressed = _picture_paths(data_dir, f"{name}/compressed")
    clean = _picture_paths(data_dir, f"{name}/clean")
    names, clean_names = ([path.stem for path in of] for of in (compressed, clean))
    odd = {
        n
        for n in names + clean_names
        if not names.count(n) == clean_names.count(n) == 1
    }
    if odd:
        raise ValueError(
            f"{Path(data_dir) / name}: expected each picture once in compressed/ and "
            f"once in clean/, which is not so for {min(odd)!r}."
        )
    by_name = {path.stem: path for path in clean}
    return [(path, by_name[path.stem]) for path in compressed]


def read_pairs(
    paths: Sequence[tuple[Path, Path]], crop: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The (compressed, clean) lumas of pairs, each `[H, W]`, uint8.

    Args:
        paths: Of the pairs.
        crop: Side in pixels of a part of each, drawn at random but always the same, on
            the grid of the blocks; None for the whole. The paper crops pictures of
            social media before they are restored, and does not say to what size.

    Raises:
        ValueError: The two of a pair differ in size.
        OSError: A file cannot be read or decoded.
    """
    random = np.random.default_rng(0)
    for compressed_path, clean_path in paths:
        compressed, clean = read_luma(compressed_path), read_luma(clean_path)
        if compressed.shape != clean.shape:
            raise ValueError(
                f"{compressed_path}: expected the size of {clean_path}, "
                f"{list(clean.shape)}, got {list(compressed.shape)}. Scale the clean "
                "picture."
            )
        if crop is None:
            yield compressed, clean
            continue
        part = tuple(
            slice(start, start + crop)
            for start in (
                8 * random.integers(0, max(0, side - crop) // 8, endpoint=True)
                for side in clean.shape
            )
        )
        yield compressed[part], clean[part]


def _picture_paths(data_dir: str | os.PathLike, name: str) -> list[Path]:
    """The pictures directly in a folder of `data_dir`, sorted by name."""
    folder = Path(data_dir) / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder. Point --data_dir at the folder that holds "
            f"{name}."
        )
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise FileNotFoundError(
            f"{folder}: holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
        )
    return paths


def read_luma(path: str | os.PathLike) -> np.ndarray:
    """The luma `[H, W]`, uint8, of a picture; a grey picture is its own luma.

    Raises:
        OSError: The file cannot be read or decoded.
    """
    image = _read(path)
    return image if image.ndim == 2 else jpeg.luma(_rgb(image))


def read_rgb(path: str | os.PathLike) -> np.ndarray:
    """A picture `[H, W, 3]`, uint8, red, green, blue; three equal ones of a grey one.

    Raises:
        OSError: The file cannot be read or decoded.
    """
    return _rgb(_read(path))


def _read(path: str | os.PathLike) -> np.ndarray:
    """`[H, W]`, or `[H, W, 3 or 4]` in OpenCV's order, uint8."""
    data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.dtype != np.uint8:
        raise OSError(f"{path}: not a picture of 8 bits a channel that can be decoded.")
    return image


def _rgb(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB)
