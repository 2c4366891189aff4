"""Tests of the LIVE1 builder."""

from pathlib import Path
from unittest import mock

import pytest
import tensorflow_datasets as tfds

from datasets.live1 import live1_dataset_builder


class Live1Test(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = live1_dataset_builder.Builder
    SPLITS = {"test": 2}

    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.object(live1_dataset_builder, "NUM_IMAGES", 2))


def test_incomplete_set_is_refused(tmp_path):
    builder = live1_dataset_builder.Builder(data_dir=tmp_path)
    config = tfds.download.DownloadConfig(
        manual_dir=Path(__file__).parent / "dummy_data"
    )
    with pytest.raises(ValueError, match="Expected 29 pictures in .*live1, found 2"):
        builder.download_and_prepare(download_config=config)


def test_missing_manual_folder_is_answered_with_what_to_do(tmp_path):
    builder = live1_dataset_builder.Builder(data_dir=tmp_path)
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "absent")
    with pytest.raises(AssertionError, match="absent (.|\n)*live.ece.utexas.edu"):
        builder.download_and_prepare(download_config=config)
