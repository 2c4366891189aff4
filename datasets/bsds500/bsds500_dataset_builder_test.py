"""Tests of the BSDS500 builder."""

from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds

from datasets.bsds500 import bsds500_dataset_builder

NUM_DUMMY_IMAGES = {"train": 2, "test": 2, "validation": 1}
DUMMY_DATA = Path(__file__).parent / "dummy_data"
DUMMY_IMAGES = DUMMY_DATA / bsds500_dataset_builder.FOLDER_IN_ARCHIVE


class Bsds500Test(tfds.testing.DatasetBuilderTestCase):
    """The download: the dummy data are laid out like the archive."""

    DATASET_CLASS = bsds500_dataset_builder.Builder
    SPLITS = NUM_DUMMY_IMAGES
    SKIP_CHECKSUMS = True  # none is recorded, see README.md

    def setUp(self):
        super().setUp()
        self.enter_context(
            mock.patch.object(bsds500_dataset_builder, "NUM_IMAGES", NUM_DUMMY_IMAGES)
        )


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Returns a function that builds with a manual folder and returns the builder."""
    monkeypatch.setattr(bsds500_dataset_builder, "NUM_IMAGES", NUM_DUMMY_IMAGES)

    def build(manual_dir=None):
        builder = bsds500_dataset_builder.Builder(data_dir=tmp_path / "data")
        config = tfds.download.DownloadConfig(manual_dir=manual_dir)
        builder.download_and_prepare(download_config=config)
        return builder

    return build


@pytest.fixture
def download(monkeypatch):
    """Stands in for the download, which it counts."""
    fake = mock.Mock(return_value=tfds.core.Path(DUMMY_DATA))
    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", fake)
    return fake


def images_of(builder, split):
    examples = tfds.as_numpy(builder.as_dataset(split=split))
    return {example["name"].decode(): example["image"] for example in examples}


def test_pixels_are_libjpegs(build, download):
    images = images_of(build(), "train")
    download.assert_called_once_with(bsds500_dataset_builder.URL)
    assert sorted(images) == ["1001", "1002"]
    for name, image in images.items():
        bgr = cv2.imread(str(DUMMY_IMAGES / "train" / f"{name}.jpg"))
        np.testing.assert_array_equal(image, bgr[..., ::-1])


def test_manual_folder_comes_before_the_download(build, download, tmp_path):
    for folder, names in {"train": "ab", "test": "cd", "val": "e"}.items():
        path = tmp_path / "manual" / "bsds500" / folder
        path.mkdir(parents=True)
        for name in names:
            cv2.imwrite(str(path / f"{name}.png"), np.full((4, 4, 3), ord(name)))
    builder = build(tmp_path / "manual")
    download.assert_not_called()
    assert sorted(images_of(builder, "test")) == ["c", "d"]
    assert sorted(images_of(builder, "validation")) == ["e"]


def test_manual_folder_of_other_data_does_not_matter(build, download, tmp_path):
    (tmp_path / "manual" / "live1").mkdir(parents=True)
    build(tmp_path / "manual")
    download.assert_called_once()


def test_incomplete_set_is_refused_before_anything_is_written(
    build, download, monkeypatch, tmp_path
):
    monkeypatch.setattr(bsds500_dataset_builder, "NUM_IMAGES", {"train": 200})
    with pytest.raises(ValueError, match="Expected 200 pictures in .*train, found 2"):
        build()
    assert not list(tmp_path.rglob("*.tfrecord*"))
