"""Tests of the Classic5 builder."""

from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import tensorflow_datasets as tfds

from datasets.classic5 import classic5_dataset_builder

DUMMY_DATA = Path(__file__).parent / "dummy_data"


class Classic5Test(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = classic5_dataset_builder.Builder
    SPLITS = {"test": 2}

    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(classic5_dataset_builder, "NUM_IMAGES", 2))


def test_pictures_are_grey(tmp_path, monkeypatch):
    monkeypatch.setattr(classic5_dataset_builder, "NUM_IMAGES", 2)
    builder = classic5_dataset_builder.Builder(data_dir=tmp_path)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=DUMMY_DATA)
    )
    for example in tfds.as_numpy(builder.as_dataset(split="test")):
        path = DUMMY_DATA / "classic5" / f"{example['name'].decode()}.png"
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(example["image"], stored[..., None])
