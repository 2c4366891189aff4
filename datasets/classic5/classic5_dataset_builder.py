"""Classic5: the five grey pictures of the deblocking literature."""

from pathlib import Path

import tensorflow_datasets as tfds

try:
    from .. import folders
except ImportError:  # `tfds build` imports this folder as a top-level package
    import folders

NUM_IMAGES = 5


class Builder(tfds.core.GeneratorBasedBuilder):
    """Grey pictures, one channel: no colour conversion comes before measuring."""

    code_path = tfds.core.Path(__file__)  # TFDS 4.9.10 may miss it: its issue 11212

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Put the five uncompressed grey pictures of 512x512 pixels (Baboon, Barbara, Boats,
    Lena, Peppers; PNG or BMP, any names) into the folder `classic5` of the manual
    folder. They come with the code of most publications on JPEG artifacts.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=folders.image_features(channels=1),
            supervised_keys=None,
            homepage="https://webpages.tuni.fi/foi/SA-DCT/",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        folder = dl_manager.manual_dir / "classic5"
        images = folders.list_images(folder, NUM_IMAGES)
        return {"test": self._generate_examples(images)}

    def _generate_examples(self, images: dict[str, Path]):
        return folders.image_examples(images, channels=1)
