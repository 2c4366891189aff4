"""Tests of the WeChat builder."""

import tensorflow_datasets as tfds

from datasets.wechat import wechat_dataset_builder


class WechatTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = wechat_dataset_builder.Builder
    SPLITS = {"test": 2}
