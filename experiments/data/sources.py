"""Where pictures come from: the sets of the paper, folders, files, and TFDS.

A source is one of
- the name of a published set: under --data_dir are

      bsds500/train  bsds500/test  bsds500/val    live1    classic5    cid22    clic
      twitter/clean  twitter/compressed    wechat/clean  wechat/compressed

  where training uses BSD500's train + test, and evaluation its val, as in the paper;
  training beyond the paper also uses CID22 and CLIC;
- a folder, searched with all folders inside it, or a single picture;
- `tfds:NAME` or `tfds:NAME:SPLIT`: a data set that TFDS has built, for instance by
  `tfds build datasets/live1`; where it lies elsewhere than TFDS puts it, set
  `TFDS_DATA_DIR`.

Pictures that were compressed elsewhere come in pairs: in folders `compressed` and
`clean`, under the same name, or with the `supervised_keys` of TFDS.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from datasets import folders
from dual_prior import jpeg

# Folders of the published sets, by name.
TRAINING_SETS = {
    "bsds500": ("bsds500/train", "bsds500/test"),
    "cid22": ("cid22",),
    "clic": ("clic",),
}
EVALUATION_SETS: dict[str, tuple[str, ...]] = {
    "classic5": ("classic5",),
    "live1": ("live1",),
    "bsds500": ("bsds500/val",),
}
PAIR_SETS = ("twitter", "wechat")  # compressed by others

_TFDS = "tfds:"


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture that is read on demand.

    Attributes:
        name: Its path within its source, or its name in TFDS.
        read: Returns the stored pixels `[H, W, 1 or 3]`, uint8.
        content: Returns the bytes for a checksum.
    """

    name: str
    read: Callable[[], np.ndarray]
    content: Callable[[], bytes]

    def luma(self) -> np.ndarray:
        """`[H, W]`, uint8; a grey picture is its own luma.

        Raises:
            OSError, ValueError: The picture cannot be read or decoded.
        """
        pixels = self.read()
        return pixels[..., 0] if pixels.shape[2] == 1 else jpeg.luma(pixels)

    def rgb(self) -> np.ndarray:
        """`[H, W, 3]`, uint8, red, green, blue; three equal ones of a grey picture.

        Raises:
            OSError, ValueError: The picture cannot be read or decoded.
        """
        pixels = self.read()
        if pixels.shape[2] == 1:
            return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        return pixels


Pair = tuple[Picture, Picture]  # compressed and clean


def training_pictures(source: str, data_dir: str | Path) -> list[Picture]:
    """The clean pictures of a source to train on.

    Raises:
        ValueError: There are none, or the source is not known.
    """
    return _find(source, data_dir, TRAINING_SETS)


def evaluation_pictures(source: str, data_dir: str | Path) -> list[Picture]:
    """The clean pictures of a source to measure on.

    Raises:
        ValueError: There are none, or the source is not known.
    """
    return _find(source, data_dir, EVALUATION_SETS)


def has_pairs(source: str, data_dir: str | Path) -> bool:
    """Whether the pictures of a source come compressed, beside the clean ones.

    Raises:
        ValueError: TFDS has built no such data set.
    """
    if source.startswith(_TFDS):
        return _builder(source).info.supervised_keys == ("compressed", "clean")
    folder = Path(source)
    return source in PAIR_SETS or any(
        (folder / part).is_dir() for part in ("compressed", "clean")
    )


def pairs(source: str, data_dir: str | Path) -> list[Pair]:
    """The pairs of a source.

    Raises:
        ValueError: There are none, or a picture has no partner.
    """
    if source.startswith(_TFDS):
        if not has_pairs(source, data_dir):
            raise ValueError(
                f"{source}: expected pairs, compressed and clean, as supervised_keys; "
                f"got {_builder(source).info.supervised_keys}."
            )
        both = [_tfds_pictures(source, key) for key in ("compressed", "clean")]
        return list(zip(*both, strict=True))
    folder = Path(data_dir, source) if source in PAIR_SETS else Path(source)
    return [
        (_file(compressed, name), _file(clean, name))
        for name, (compressed, clean) in folders.list_pairs(folder).items()
    ]


def read_pairs(
    found: Iterable[Pair], crop: int | None = None, *, colour: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The (compressed, clean) lumas of pairs, `[H, W]`, or RGB, `[H, W, 3]`, uint8.

    Args:
        found: The pairs.
        crop: Side in pixels of a part of each, drawn at random but always the same, on
            the grid of the blocks; None for the whole. The paper crops pictures of
            social media before they are restored, and does not say to what size.
        colour: RGB in place of luma.

    Raises:
        ValueError: The two of a pair differ in size, or one cannot be decoded.
    """
    random = np.random.default_rng(0)
    for pair in found:
        compressed, clean = (p.rgb() if colour else p.luma() for p in pair)
        folders.check_sizes(pair[0].name, compressed, clean)
        if crop is not None:
            part = tuple(
                slice(start, start + crop)
                for start in (
                    8 * random.integers(0, max(0, side - crop) // 8, endpoint=True)
                    for side in clean.shape[:2]
                )
            )
            compressed, clean = compressed[part], clean[part]
        yield compressed, clean


def described(pictures: Sequence[Picture]) -> dict:
    """A description of pictures, to store: names, number, and a checksum of all."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(hashlib.sha256(picture.content()).digest())
    return {
        "count": len(pictures),
        "sha256": digest.hexdigest(),
        "names": [picture.name for picture in pictures],
    }


def _find(source: str, data_dir, sets: dict[str, tuple[str, ...]]) -> list[Picture]:
    if source in sets:
        return [
            _file(path, f"{part}/{path.name}")
            for part in sets[source]
            for path in folders.list_images(Path(data_dir, part)).values()
        ]
    if source.startswith(_TFDS):
        return _tfds_pictures(source)
    path = Path(source)
    if path.is_file():
        return [_file(path, path.name)]
    if not path.is_dir():
        raise ValueError(
            "Expected a folder of pictures, a picture, tfds:NAME, or one of "
            f"{', '.join(sets)}; got {source!r}."
        )
    if has_pairs(source, data_dir):
        path /= "clean"
    paths = sorted(filter(folders.is_picture, path.rglob("*")))
    if not paths:
        raise ValueError(
            f"Expected pictures ({', '.join(folders.SUFFIXES)}) in {path}, found none."
        )
    return [_file(file, file.relative_to(path).as_posix()) for file in paths]


def _file(path: Path, name: str) -> Picture:
    # Functions that can be pickled: contenders are trained in separate processes.
    read = functools.partial(folders.read_image, path, None)
    return Picture(name, read, path.read_bytes)


def _builder(source: str):
    """The TFDS builder of a source, whose data set has been built."""
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise ValueError(
            f"{source}: needs tensorflow-datasets; pip install '.[datasets]'."
        ) from None
    name, *_ = source.removeprefix(_TFDS).split(":")
    with contextlib.suppress(ImportError):  # ours: TFDS knows them once imported
        importlib.import_module(f"datasets.{name}.{name}_dataset_builder")
    try:
        builder = tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        raise ValueError(f"{source}: no such data set ({error}).") from None
    if not builder.is_prepared():
        raise ValueError(
            f"{source}: not built yet in {builder.data_dir}. Run "
            f"`tfds build datasets/{name}`, or set TFDS_DATA_DIR."
        )
    return builder


def _tfds_pictures(source: str, key: str | None = None) -> list[Picture]:
    """The pictures of a feature of a TFDS data set; by default the clean ones."""
    builder = _builder(source)
    features = builder.info.features
    keys = [k for k in ("image", "clean", *features) if k in features]
    key = key or next((k for k in keys if len(features[k].shape) == 3), None)
    if key is None:
        raise ValueError(f"{source}: expected pictures, found {', '.join(features)}.")
    splits = list(builder.info.splits)
    name, _, split = source.removeprefix(_TFDS).partition(":")
    if split and split not in splits:
        raise ValueError(
            f"{source}: expected a split among {', '.join(splits)}; got {split!r}."
        )
    found = []
    for part in [split] if split else splits:
        for index, example in enumerate(_examples(builder, part)):
            label = example.get("name", f"{index:06}")
            label = label.decode() if isinstance(label, bytes) else str(label)
            pixels = np.asarray(example[key])
            found.append(Picture(f"{name}/{part}/{label}", pixels.copy, pixels.tobytes))
    return sorted(found, key=lambda picture: picture.name)


def _examples(builder, split: str) -> Iterable[dict]:
    """The examples as NumPy arrays, without TensorFlow where the files allow it."""
    import tensorflow_datasets as tfds

    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        return builder.as_data_source(split)
    return tfds.as_numpy(builder.as_dataset(split))
