"""Folders of pictures, read the same way by every builder.

Pictures are decoded by OpenCV, hence libjpeg, and handed to TFDS as arrays, which it
stores as PNG. A JPEG file passed by its path would be stored as it is and decoded by
TensorFlow's fast inverse DCT, which is off by one grey level in many pixels.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import tensorflow_datasets as tfds

SUFFIXES = (".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_MAX_NAMED = 5


def list_images(folder: Path, count: int | None = None) -> dict[str, Path]:
    """The pictures directly in `folder`, by file name without suffix, in that order.

    Hidden files and files that are no pictures by their suffix are passed over.

    Args:
        folder: Where to look; folders inside it are not entered.
        count: How many pictures the data set has, if known.

    Raises:
        ValueError: `folder` is missing or holds no picture, two pictures share a name,
            or their number is not `count`.
    """
    if not folder.is_dir():
        raise ValueError(
            f"Expected a folder of pictures at {folder}, found none. "
            "See the data set's README.md for where the pictures go."
        )
    images = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in images:
            raise ValueError(
                f"Expected one picture of each name in {folder}, found "
                f"{images[path.stem].name} and {path.name}. Remove one."
            )
        images[path.stem] = path
    if not images:
        raise ValueError(
            f"Expected pictures ({', '.join(SUFFIXES)}) in {folder}, found none."
        )
    if count is not None and len(images) != count:
        raise ValueError(
            f"Expected {count} pictures in {folder}, found {len(images)}. "
            "Complete the folder, or remove what does not belong to the data set."
        )
    return images


def list_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Pictures of `folder`/compressed with those of the same name in `folder`/clean.

    Returns:
        (compressed, clean) by file name without suffix; the suffixes may differ.

    Raises:
        ValueError: As `list_images` for either folder, or a picture has no partner.
    """
    compressed = list_images(folder / "compressed")
    clean = list_images(folder / "clean")
    alone = [
        f"{path.parent.name}/{path.name}"
        for images, others in ((compressed, clean), (clean, compressed))
        for name, path in images.items()
        if name not in others
    ]
    if alone:
        named = ", ".join(alone[:_MAX_NAMED])
        more = f" and {len(alone) - _MAX_NAMED} more" if len(alone) > _MAX_NAMED else ""
        raise ValueError(
            f"Expected each picture in {folder} under the same name in compressed/ and "
            f"in clean/, found no partner for {named}{more}. Rename or remove them."
        )
    return {name: (path, clean[name]) for name, path in compressed.items()}


def read_image(path: Path, channels: int = 3) -> np.ndarray:
    """The picture at `path`, turned upright if its EXIF data ask for it.

    Args:
        path: File to read.
        channels: 3 for red, green, blue; 1 for grey.

    Returns:
        `[H, W, channels]`, uint8.

    Raises:
        ValueError: The file cannot be decoded. Before version 5 OpenCV lets a JPEG pass
            that is cut off, its missing part grey.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    flag = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR
    try:
        pixels = cv2.imdecode(data, flag)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ValueError(
            f"Expected a picture at {path}, found {data.size} bytes that cannot be "
            "decoded. Fetch the file again."
        )
    if channels == 1:
        return pixels[..., None]
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def image_features(channels: int = 3) -> tfds.features.FeaturesDict:
    """What an example of a set of clean pictures holds."""
    return tfds.features.FeaturesDict(
        {"image": _image_feature(channels), "name": tfds.features.Text()}
    )


def image_examples(
    images: dict[str, Path], channels: int = 3
) -> Iterator[tuple[str, dict]]:
    """Keys and examples, as `image_features` has them, of what `list_images` found.

    Raises:
        ValueError: As `read_image`.
    """
    for name, path in images.items():
        yield name, {"image": read_image(path, channels), "name": name}


def pair_features() -> tfds.features.FeaturesDict:
    """What an example of a set of (compressed, clean) pairs holds."""
    return tfds.features.FeaturesDict(
        {
            "compressed": _image_feature(3),
            "clean": _image_feature(3),
            "name": tfds.features.Text(),
        }
    )


def pair_examples(pairs: dict[str, tuple[Path, Path]]) -> Iterator[tuple[str, dict]]:
    """Keys and examples, as `pair_features` has them, of what `list_pairs` found.

    Raises:
        ValueError: As `read_image`, or the two pictures of a pair differ in size, so
            that nothing can be measured between them.
    """
    for name, (compressed_path, clean_path) in pairs.items():
        compressed, clean = read_image(compressed_path), read_image(clean_path)
        if compressed.shape != clean.shape:
            raise ValueError(
                f"Expected the pair {name} in one size, found {_size(compressed)} "
                f"({compressed_path}) and {_size(clean)} ({clean_path}). Scale the "
                "clean picture to the compressed one's size."
            )
        yield name, {"compressed": compressed, "clean": clean, "name": name}


def _image_feature(channels: int) -> tfds.features.Image:
    return tfds.features.Image(shape=(None, None, channels), encoding_format="png")


def _size(image: np.ndarray) -> str:
    height, width, _ = image.shape
    return f"{width}x{height}"
