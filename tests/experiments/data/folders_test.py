import cv2
import numpy as np
import pytest

from datasets import folders as dataset_folders
from dual_prior import jpeg
from dual_prior.pictures.formats import PICTURE_SUFFIXES
from experiments.data import folders
from tests.conftest import made_picture


def _write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def test_training_takes_train_and_test_in_order(tiny_data):
    names = [
        path.relative_to(tiny_data).as_posix()
        for path in folders.training_paths(tiny_data)
    ]
    assert names == [
        f"bsds500/{part}/{index}.png"
        for part in ("train", "test")
        for index in range(3)
    ]


def test_bsds500_is_measured_on_its_validation_pictures(tiny_data):
    (path,) = folders.evaluation_paths(tiny_data, "bsds500")
    assert path.parent == tiny_data / "bsds500" / "val"


@pytest.mark.parametrize(
    ("name", "count"), [("classic5", 5), ("live1", 29), ("bsds500", 100)]
)
def test_the_public_sets_are_complete(shared_data, name, count):
    assert len(folders.evaluation_paths(shared_data, name)) == count


def test_an_unknown_set_is_named(tiny_data):
    with pytest.raises(ValueError, match="classic5, live1, bsds500; got 'set14'"):
        folders.evaluation_paths(tiny_data, "set14")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"bsds500/val: no such folder.*holds"):
        folders.evaluation_paths(tmp_path, "bsds500")


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "live1").mkdir()
    (tmp_path / "live1" / "readme.txt").touch()
    (tmp_path / "live1" / ".hidden.png").touch()
    with pytest.raises(FileNotFoundError, match="live1: holds no pictures"):
        folders.evaluation_paths(tmp_path, "live1")


def test_pictures_of_every_kind_that_the_builders_take_are_found_and_read(tmp_path):
    assert set(dataset_folders.SUFFIXES) == PICTURE_SUFFIXES  # as `restore` does
    grey = made_picture(24, 32)
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    (tmp_path / "live1").mkdir()
    for suffix in dataset_folders.SUFFIXES:
        # OpenCV writes no file that is called .jfif.
        _, encoded = cv2.imencode(".jpg" if suffix == ".jfif" else suffix, colour)
        (tmp_path / "live1" / f"{suffix[1:]}{suffix}").write_bytes(encoded.tobytes())
    paths = folders.evaluation_paths(tmp_path, "live1")
    assert [path.suffix for path in paths] == sorted(dataset_folders.SUFFIXES)
    for path in paths:
        assert abs(folders.read_rgb(path)[..., 0].astype(int) - grey).mean() < 3


def test_a_grey_picture_is_its_own_luma(tmp_path):
    grey = made_picture(24, 32)
    _write(tmp_path / "grey.png", grey)
    np.testing.assert_array_equal(folders.read_luma(tmp_path / "grey.png"), grey)


def test_the_luma_of_a_colour_picture_takes_red_as_red(tmp_path):
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    _write(tmp_path / "red.png", rgb[..., ::-1])
    luma = folders.read_luma(tmp_path / "red.png")
    np.testing.assert_array_equal(luma, jpeg.luma(rgb))
    assert luma[0, 0] == round(16 + 65.481 * 200 / 255)


def test_transparency_does_not_change_the_luma(tmp_path):
    bgra = np.full((4, 6, 4), 90, np.uint8)
    _write(tmp_path / "clear.png", bgra)
    expected = jpeg.luma(np.ascontiguousarray(bgra[..., :3]))
    np.testing.assert_array_equal(folders.read_luma(tmp_path / "clear.png"), expected)


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(OSError, match=r"broken\.png: not a picture"):
        folders.read_luma(tmp_path / "broken.png")


def test_16_bits_a_channel_are_refused(tmp_path):
    _write(tmp_path / "deep.png", np.full((8, 8), 40000, np.uint16))
    with pytest.raises(OSError, match="8 bits a channel"):
        folders.read_luma(tmp_path / "deep.png")


def test_pairs_are_matched_by_name_whatever_the_suffix(tmp_path):
    clean = [made_picture(24, 32, seed=seed) for seed in range(2)]
    for name, plane in zip("ab", clean, strict=True):
        _write(tmp_path / "twitter" / "clean" / f"{name}.png", plane)
        path = tmp_path / "twitter" / "compressed" / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg.encode(plane, 20))
    pairs = list(folders.read_pairs(folders.pair_paths(tmp_path, "twitter")))
    for (compressed, reference), plane in zip(pairs, clean, strict=True):
        np.testing.assert_array_equal(reference, plane)
        np.testing.assert_array_equal(compressed, jpeg.compress(plane, 20))


@pytest.mark.parametrize("odd", ["compressed/b.png", "clean/b.png", "clean/a.bmp"])
def test_a_picture_without_its_one_partner_is_named(tmp_path, odd):
    for name in ("compressed/a.png", "clean/a.png", odd):
        _write(tmp_path / "wechat" / name, made_picture(24, 32))
    name = odd.split("/")[1][0]
    with pytest.raises(ValueError, match=f"wechat: expected each.*'{name}'"):
        folders.pair_paths(tmp_path, "wechat")


def test_a_pair_must_be_of_one_size(tmp_path):
    _write(tmp_path / "wechat" / "compressed" / "a.png", made_picture(24, 32))
    _write(tmp_path / "wechat" / "clean" / "a.png", made_picture(48, 64))
    with pytest.raises(ValueError, match=r"a\.png, \[48, 64\], got \[24, 32\]"):
        list(folders.read_pairs(folders.pair_paths(tmp_path, "wechat")))


def test_tfds_and_the_folder_give_the_same_luma(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    from datasets.classic5 import classic5_dataset_builder

    monkeypatch.setattr(classic5_dataset_builder, "NUM_IMAGES", 1)
    plane = made_picture(24, 32)
    _write(tmp_path / "manual" / "classic5" / "a.png", plane)
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "manual")
    built = tfds.load(
        "classic5",
        split="test",
        data_dir=tmp_path / "tfds",
        download_and_prepare_kwargs={"download_config": config},
    )
    (example,) = tfds.as_numpy(built)
    np.testing.assert_array_equal(example["image"][..., 0], plane)
    (path,) = folders.evaluation_paths(tmp_path / "manual", "classic5")
    np.testing.assert_array_equal(folders.read_luma(path), plane)
