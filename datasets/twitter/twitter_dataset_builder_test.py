"""Tests of the Twitter builder."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds

from datasets.twitter import twitter_dataset_builder

DUMMY_DATA = Path(__file__).parent / "dummy_data"


class TwitterTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = twitter_dataset_builder.Builder
    SPLITS = {"test": 2}


def build(data_dir, manual_dir):
    builder = twitter_dataset_builder.Builder(data_dir=data_dir)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    return builder


def test_supervised_pairs_are_compressed_then_clean(tmp_path):
    dataset = build(tmp_path, DUMMY_DATA).as_dataset(split="test", as_supervised=True)
    pairs = [
        [
            cv2.imread(str(DUMMY_DATA / "twitter" / file))[..., ::-1]
            for file in (f"compressed/{name}.jpg", f"clean/{name}.png")
        ]
        for name in "12"
    ]
    for compressed, clean in tfds.as_numpy(dataset):
        assert any(
            np.array_equal(compressed, expected_compressed)
            and np.array_equal(clean, expected_clean)
            for expected_compressed, expected_clean in pairs
        )


def test_missing_folder_is_named(tmp_path):
    (tmp_path / "manual" / "other").mkdir(parents=True)
    with pytest.raises(ValueError, match="manual/twitter/compressed, found none"):
        build(tmp_path, tmp_path / "manual")
