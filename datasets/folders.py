"""Folders of pictures, listed, paired and read: for the builders, and for experiments.

Pictures are decoded by OpenCV, hence libjpeg, and handed to TFDS as arrays, which it
stores as PNG. A JPEG file passed by its path would be stored as it is and decoded by
TensorFlow's fast inverse DCT, which is off by one grey level in many pixels.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

# What `dual-prior restore` takes for pictures, too.
SUFFIXES = (".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_MAX_NAMED = 5
_AS_STORED = cv2.IMREAD_ANYCOLOR


def is_picture(path: Path) -> bool:
    """Whether it is one by its suffix, and not hidden."""
    return not path.name.startswith(".") and path.suffix.lower() in SUFFIXES


def list_images(folder: Path, count: int | None = None) -> dict[str, Path]:
    """The pictures directly in `folder`, by file name without suffix, in that order.

    Hidden files and files that are no pictures by their suffix are skipped.

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
            "See datasets/README.md for where the pictures go."
        )
    images: dict[str, Path] = {}
    for path in sorted(filter(is_picture, folder.iterdir()), key=lambda p: p.name):
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


def read_image(path: Path, channels: int | None = 3) -> np.ndarray:
    """The picture at `path`, turned upright if its EXIF data ask for it.

    Args:
        path: File to read.
        channels: 3 for red, green, blue; 1 for grey; None for what the file has.
            Transparency is dropped.

    Returns:
        `[H, W, channels]`, uint8.

    Raises:
        OSError: The file cannot be read.
        ValueError: It cannot be decoded, or has more than 8 bits a channel. Before
            version 5 OpenCV lets a JPEG pass that is cut off, its missing part grey.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    flag = {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR, None: _AS_STORED}[channels]
    try:
        # At the depth of the file: OpenCV would lose bits without a word.
        pixels = cv2.imdecode(data, flag | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype != np.uint8:
        found = (
            "more than 8 bits a channel"
            if pixels is not None
            else (f"{data.size} bytes that cannot be decoded. Fetch the file again")
        )
        raise ValueError(
            f"Expected a picture of 8 bits a channel at {path}, found {found}."
        )
    if pixels.ndim == 2:
        return pixels[..., None]
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def image_features(channels: int = 3):
    """The features of an example of clean pictures: a `FeaturesDict`."""
    return _features({"image": channels})


def image_examples(
    images: dict[str, Path], channels: int = 3
) -> Iterator[tuple[str, dict]]:
    """Keys and examples, as `image_features` has them, of what `list_images` found.

    Raises:
        ValueError: As `read_image`.
    """
    for name, path in images.items():
        yield name, {"image": read_image(path, channels), "name": name}


def pair_features():
    """The features of an example of (compressed, clean) pairs: a `FeaturesDict`."""
    return _features({"compressed": 3, "clean": 3})


def pair_examples(pairs: dict[str, tuple[Path, Path]]) -> Iterator[tuple[str, dict]]:
    """Keys and examples, as `pair_features` has them, of what `list_pairs` found.

    Raises:
        ValueError: As `read_image`, or the two pictures of a pair differ in size, so
            that nothing can be measured between them.
    """
    for name, paths in pairs.items():
        compressed, clean = map(read_image, paths)
        check_sizes(name, compressed, clean)
        yield name, {"compressed": compressed, "clean": clean, "name": name}


def check_sizes(name: str, compressed: np.ndarray, clean: np.ndarray) -> None:
    """Checks that the two pictures of a pair, `[H, W, ...]`, are of one size.

    Raises:
        ValueError: They are not.
    """
    sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (compressed, clean)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"Expected the pair {name} in one size, found {sizes[0]} compressed and "
            f"{sizes[1]} clean. Scale the clean picture to the compressed one's size."
        )


def _features(channels: dict[str, int]):
    import tensorflow_datasets as tfds  # here: experiments read folders without it

    images = {
        key: tfds.features.Image(shape=(None, None, count), encoding_format="png")
        for key, count in channels.items()
    }
    return tfds.features.FeaturesDict({**images, "name": tfds.features.Text()})
