import pickle

import cv2
import numpy as np
import pytest

from datasets import folders
from dual_prior import jpeg
from dual_prior.pictures.formats import PICTURE_SUFFIXES
from experiments.data import sources
from tests.conftest import made_picture


def _write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def _picture(path):
    (picture,) = sources.evaluation_pictures(str(path), "")
    return picture


def test_training_takes_train_and_test_in_order(tiny_data):
    names = [p.name for p in sources.training_pictures("bsds500", tiny_data)]
    assert names == [
        f"bsds500/{part}/{index}.png"
        for part in ("train", "test")
        for index in range(3)
    ]


def test_bsds500_is_measured_on_its_validation_pictures(tiny_data):
    (picture,) = sources.evaluation_pictures("bsds500", tiny_data)
    assert picture.name == "bsds500/val/0.png"


@pytest.mark.parametrize(
    ("name", "count"), [("classic5", 5), ("live1", 29), ("bsds500", 100)]
)
def test_the_public_sets_are_complete(shared_data, name, count):
    assert len(sources.evaluation_pictures(name, shared_data)) == count


def test_an_unknown_source_is_named(tiny_data):
    with pytest.raises(
        ValueError, match="one of classic5, live1, bsds500; got 'set14'"
    ):
        sources.evaluation_pictures("set14", tiny_data)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"bsds500/val, found none.*README"):
        sources.evaluation_pictures("bsds500", tmp_path)


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "live1").mkdir()
    (tmp_path / "live1" / "readme.txt").touch()
    (tmp_path / "live1" / ".hidden.png").touch()
    for source in ("live1", str(tmp_path)):
        with pytest.raises(ValueError, match="Expected pictures .*, found none"):
            sources.evaluation_pictures(source, tmp_path)


def test_pictures_of_every_kind_are_found_and_read(tmp_path):
    assert set(folders.SUFFIXES) == PICTURE_SUFFIXES  # as `restore` does
    grey = made_picture(24, 32)
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    (tmp_path / "live1").mkdir()
    for suffix in folders.SUFFIXES:
        # OpenCV does not write files with the suffix .jfif.
        _, encoded = cv2.imencode(".jpg" if suffix == ".jfif" else suffix, colour)
        (tmp_path / "live1" / f"{suffix[1:]}{suffix}").write_bytes(encoded.tobytes())
    pictures = sources.evaluation_pictures("live1", tmp_path)
    names = [f"live1/{suffix[1:]}{suffix}" for suffix in sorted(folders.SUFFIXES)]
    assert [picture.name for picture in pictures] == names
    for picture in pictures:
        assert abs(picture.rgb()[..., 0].astype(int) - grey).mean() < 3


def test_a_folder_of_ones_own_is_searched_through(tmp_path):
    for name in ("b.png", "inner/a.png", "inner/deeper/a.PNG", "inner/.hidden.png"):
        _write(tmp_path / name, made_picture(24, 32))
    (tmp_path / "notes.txt").touch()
    for find in (sources.training_pictures, sources.evaluation_pictures):
        names = [picture.name for picture in find(str(tmp_path), "")]
        assert names == ["b.png", "inner/a.png", "inner/deeper/a.PNG"]


def test_pictures_can_be_handed_to_another_process(tiny_data):
    picture = sources.evaluation_pictures("live1", tiny_data)[0]
    twin = pickle.loads(pickle.dumps(picture))
    np.testing.assert_array_equal(twin.luma(), picture.luma())
    assert twin.content() == picture.content()


def test_pictures_are_described_by_names_and_a_checksum(tmp_path):
    for name, seed in (("a.png", 0), ("b.png", 1)):
        _write(tmp_path / name, made_picture(24, 32, seed=seed))

    def described():
        return sources.described(sources.training_pictures(str(tmp_path), ""))

    before = described()
    assert before["count"] == 2 and before["names"] == ["a.png", "b.png"]
    assert described() == before
    _write(tmp_path / "b.png", made_picture(24, 32, seed=2))
    assert described()["sha256"] != before["sha256"]


def test_a_grey_picture_is_its_own_luma(tmp_path):
    grey = made_picture(24, 32)
    _write(tmp_path / "grey.png", grey)
    np.testing.assert_array_equal(_picture(tmp_path / "grey.png").luma(), grey)


def test_the_luma_of_a_colour_picture_takes_red_as_red(tmp_path):
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    _write(tmp_path / "red.png", rgb[..., ::-1])
    luma = _picture(tmp_path / "red.png").luma()
    np.testing.assert_array_equal(luma, jpeg.luma(rgb))
    assert luma[0, 0] == round(16 + 65.481 * 200 / 255)


def test_transparency_does_not_change_the_luma(tmp_path):
    bgra = np.full((4, 6, 4), 90, np.uint8)
    _write(tmp_path / "clear.png", bgra)
    expected = jpeg.luma(np.ascontiguousarray(bgra[..., :3]))
    luma = _picture(tmp_path / "clear.png").luma()
    np.testing.assert_array_equal(luma, expected)


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_file_that_is_not_a_picture_is_named(tmp_path, content):
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.png, found .* bytes that cannot"):
        _picture(tmp_path / "broken.png").luma()


def test_16_bits_a_channel_are_refused(tmp_path):
    _write(tmp_path / "deep.png", np.full((8, 8), 40000, np.uint16))
    with pytest.raises(ValueError, match="8 bits a channel"):
        _picture(tmp_path / "deep.png").luma()


@pytest.mark.parametrize("source", ["twitter", "own"])
def test_pairs_are_matched_by_name_whatever_the_suffix(tmp_path, source):
    clean = [made_picture(24, 32, seed=seed) for seed in range(2)]
    for name, plane in zip("ab", clean, strict=True):
        _write(tmp_path / source / "clean" / f"{name}.png", plane)
        path = tmp_path / source / "compressed" / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg.encode(plane, 20))
    source = source if source == "twitter" else str(tmp_path / source)
    assert sources.has_pairs(source, tmp_path)
    found = sources.pairs(source, tmp_path)
    pairs = list(sources.read_pairs(found))
    for (compressed, reference), plane in zip(pairs, clean, strict=True):
        np.testing.assert_array_equal(reference, plane)
        np.testing.assert_array_equal(compressed, jpeg.compress(plane, 20))
    if source != "twitter":  # to train on, the clean ones are taken
        names = [picture.name for picture in sources.training_pictures(source, "")]
        assert names == ["a.png", "b.png"]


@pytest.mark.parametrize("odd", ["compressed/b.png", "clean/b.png", "clean/a.bmp"])
def test_a_picture_without_its_one_partner_is_named(tmp_path, odd):
    for name in ("compressed/a.png", "clean/a.png", odd):
        _write(tmp_path / "wechat" / name, made_picture(24, 32))
    with pytest.raises(ValueError, match=odd.split("/")[1]):
        sources.pairs("wechat", tmp_path)


def test_a_pair_must_be_of_one_size(tmp_path):
    _write(tmp_path / "wechat" / "compressed" / "a.png", made_picture(24, 32))
    _write(tmp_path / "wechat" / "clean" / "a.png", made_picture(48, 64))
    with pytest.raises(ValueError, match="pair a in one size, found 32x24 .* 64x48"):
        list(sources.read_pairs(sources.pairs("wechat", tmp_path)))


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Returns a function that builds one of our TFDS data sets from pictures."""
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path / "tfds"))

    def build(name, file_format, images):
        for path, image in images.items():
            _write(tmp_path / "manual" / name / path, image)
        config = tfds.download.DownloadConfig(manual_dir=tmp_path / "manual")
        __import__(f"datasets.{name}.{name}_dataset_builder")
        builder = tfds.builder(name, file_format=file_format)
        builder.download_and_prepare(download_config=config)

    return build


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_tfds_and_the_folder_give_the_same_luma(
    built, tmp_path, monkeypatch, file_format
):
    from datasets.classic5 import classic5_dataset_builder

    monkeypatch.setattr(classic5_dataset_builder, "NUM_IMAGES", 2)
    planes = [made_picture(24, 32, seed=seed) for seed in range(2)]
    built("classic5", file_format, {"b.png": planes[1], "a.png": planes[0]})
    for source in ("tfds:classic5", "tfds:classic5:test", "classic5"):
        assert not sources.has_pairs(source, tmp_path / "manual")
        found = sources.evaluation_pictures(source, tmp_path / "manual")
        assert len(found) == 2
        for picture, plane in zip(found, planes, strict=True):
            np.testing.assert_array_equal(picture.luma(), plane)
    names = [p.name for p in sources.training_pictures("tfds:classic5", "")]
    assert names == ["classic5/test/a", "classic5/test/b"]
    with pytest.raises(ValueError, match="a split among test; got 'train'"):
        sources.training_pictures("tfds:classic5:train", "")
    with pytest.raises(ValueError, match="expected pairs.*supervised_keys"):
        sources.pairs("tfds:classic5", "")


def test_tfds_pairs_come_by_their_supervised_keys(built):
    clean = np.stack([made_picture(24, 32, seed=seed) for seed in range(3)], -1)
    compressed = jpeg.compress_colour(clean[..., ::-1].copy(), 10)[..., ::-1]
    built("twitter", None, {"clean/a.png": clean, "compressed/a.png": compressed})
    assert sources.has_pairs("tfds:twitter", "")
    ((before, after),) = sources.pairs("tfds:twitter:test", "")
    np.testing.assert_array_equal(before.rgb(), compressed[..., ::-1])
    np.testing.assert_array_equal(after.rgb(), clean[..., ::-1])
    # To train on, the clean ones are taken.
    (picture,) = sources.training_pictures("tfds:twitter", "")
    np.testing.assert_array_equal(picture.rgb(), after.rgb())


def test_a_data_set_that_tfds_has_not_built_is_named(built):
    with pytest.raises(ValueError, match="not built yet.*tfds build datasets/live1"):
        sources.training_pictures("tfds:live1", "")
    with pytest.raises(ValueError, match="tfds:nothing: no such data set"):
        sources.training_pictures("tfds:nothing", "")
