"""BSDS500: 500 colour photographs, downloaded or read from a folder."""

from pathlib import Path

import tensorflow_datasets as tfds

try:
    from .. import folders
except ImportError:  # `tfds build` imports this folder as a top-level package
    import folders

URL = (
    "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/"
    "BSR_bsds500.tgz"
)
FOLDER_IN_ARCHIVE = "BSR/BSDS500/data/images"
FOLDERS = {"train": "train", "test": "test", "validation": "val"}
NUM_IMAGES = {"train": 200, "test": 200, "validation": 100}


class Builder(tfds.core.GeneratorBasedBuilder):
    """The photographs only, without the human segmentations of the archive."""

    code_path = tfds.core.Path(__file__)  # TFDS 4.9.10 may miss it: its issue 11212

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Optional. If the manual folder holds `bsds500/train`, `bsds500/test` and
    `bsds500/val` (200, 200 and 100 pictures), these are read and nothing is downloaded.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=folders.image_features(),
            supervised_keys=None,
            homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/"
            "grouping/resources.html",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        folder = _manual_folder(dl_manager)
        if folder is None:
            folder = dl_manager.download_and_extract(URL) / FOLDER_IN_ARCHIVE
        images = {
            split: folders.list_images(folder / FOLDERS[split], count)
            for split, count in NUM_IMAGES.items()
        }
        return {split: self._generate_examples(images[split]) for split in images}

    def _generate_examples(self, images: dict[str, Path]):
        return folders.image_examples(images)


def _manual_folder(dl_manager: tfds.download.DownloadManager) -> Path | None:
    """The user's own copy of the pictures, if there is one."""
    try:
        folder = dl_manager.manual_dir / "bsds500"
    except AssertionError:  # raised by TFDS without a manual folder
        return None
    return folder if folder.is_dir() else None
