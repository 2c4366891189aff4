"""LIVE1: the 29 reference pictures of the LIVE image quality database, release 2."""

from pathlib import Path

import tensorflow_datasets as tfds

try:
    from .. import folders
except ImportError:  # `tfds build` imports this folder as a top-level package
    import folders

NUM_IMAGES = 29


class Builder(tfds.core.GeneratorBasedBuilder):
    """The reference pictures only, in colour; other code compresses them."""

    code_path = tfds.core.Path(__file__)  # TFDS 4.9.10 may miss it: its issue 11212

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Get the LIVE image quality assessment database, release 2, from
    https://live.ece.utexas.edu/research/quality/ and put the 29 pictures of its folder
    `refimgs` (BMP, or PNG converted without loss) into the folder `live1` of the manual
    folder.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=folders.image_features(),
            supervised_keys=None,
            homepage="https://live.ece.utexas.edu/research/quality/",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        folder = dl_manager.manual_dir / "live1"
        images = folders.list_images(folder, NUM_IMAGES)
        return {"test": self._generate_examples(images)}

    def _generate_examples(self, images: dict[str, Path]):
        return folders.image_examples(images)
