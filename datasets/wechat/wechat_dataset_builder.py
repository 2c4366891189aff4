"""WeChat: pictures as WeChat delivers them, paired with their originals."""

from pathlib import Path

import tensorflow_datasets as tfds

try:
    from .. import folders
except ImportError:  # `tfds build` imports this folder as a top-level package
    import folders


class Builder(tfds.core.GeneratorBasedBuilder):
    """Pairs of one size: pictures recompressed by WeChat, and their originals."""

    code_path = tfds.core.Path(__file__)  # TFDS 4.9.10 may miss it: its issue 11212

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Get the WeChat pictures (300 pairs) from https://xueyangfu.github.io/ and put the
    delivered pictures into `wechat/compressed` and the originals into `wechat/clean` of
    the manual folder. The two of a pair have the same name (their suffixes may differ)
    and the same size.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=folders.pair_features(),
            supervised_keys=("compressed", "clean"),
            homepage="https://xueyangfu.github.io/",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        pairs = folders.list_pairs(dl_manager.manual_dir / "wechat")
        return {"test": self._generate_examples(pairs)}

    def _generate_examples(self, pairs: dict[str, tuple[Path, Path]]):
        return folders.pair_examples(pairs)
