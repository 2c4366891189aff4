import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dual_prior.files.plan import Job, plan_job
from dual_prior.files.restore import Restoration, restore
from dual_prior.files.settings import Settings
from dual_prior.pictures.picture import of_depth
from dual_prior.pictures.reader import read_picture
from tests.conftest import made_picture
from tests.dual_prior.conftest import darkening
from tests.dual_prior.fakes import Darkening, raising, with_restore


@pytest.fixture
def job(photo):
    return Job(photo, photo.with_name("result.png"))


def test_one_file_is_read_restored_and_written(job):
    record = restore(job, Darkening, Settings())
    assert (record.status, record.output) == ("restored", str(job.target))
    assert (record.width, record.height, record.quality) == (88, 72, 12)
    assert record.probability == 0.75 and record.seconds >= 0
    assert 4.5 < darkening(job.source, job.target) < 5.5


def test_unreadable_files_load_no_network(job):
    job.source.write_bytes(b"broken")
    record = restore(job, pytest.fail, Settings())
    assert (record.status, record.output) == ("failed", None)
    assert os.listdir(job.source.parent) == ["photo.jpg"]


def test_existing_results_load_no_network(job):
    job.target.write_bytes(b"mine")
    record = restore(job, pytest.fail, Settings())
    assert record.status == "skipped" and "result.png exists" in record.reason
    assert job.target.read_bytes() == b"mine"
    assert restore(job, Darkening, Settings(overwrite=True)).status == "restored"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("out of\nmemory"), "cannot be restored (out of memory)"),
        (MemoryError(), "not enough memory; a lower --max-memory takes smaller tiles"),
        (MemoryError("needs 4 GiB"), "needs 4 GiB"),
    ],
)
def test_errors_of_a_network_are_recorded_and_leave_no_file(job, error, reason):
    record = restore(job, with_restore(raising(error)), Settings())
    assert (record.status, record.reason) == ("failed", reason)
    assert os.listdir(job.source.parent) == ["photo.jpg"]


def test_signals_are_raised_and_leave_no_file(job):
    with pytest.raises(KeyboardInterrupt):
        restore(job, with_restore(raising(KeyboardInterrupt)), Settings())
    assert os.listdir(job.source.parent) == ["photo.jpg"]


class Clean(Darkening):
    """Takes every picture for clean."""

    def probability(self, image):
        return 0.01


@pytest.fixture
def chart(tmp_path):
    """A PNG file with a text, of a date of its own."""
    path = tmp_path / "chart.png"
    text = PngInfo()
    text.add_text("Title", "a chart")
    Image.fromarray(made_picture()).save(path, pnginfo=text)
    os.utime(path, (1e9, 1e9))
    return path


def _restored(source, output=None, load=Clean, **settings):
    chosen = Settings(**settings)
    return restore(plan_job(source, chosen, output and f"{output}"), load, chosen)


def test_jpegs_are_restored_even_if_they_look_clean(job):
    record = restore(job, Clean, Settings())
    assert (record.status, record.probability) == ("restored", 0.01)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_clean_picture_is_left_as_it_is(chart, in_place):
    before = chart.read_bytes()
    record = _restored(chart, in_place=in_place)
    assert record.status == "skipped"
    assert record.reason == ("no trace of JPEG, probability 0.01; --always restores it")
    assert os.listdir(chart.parent) == ["chart.png"] and chart.read_bytes() == before
    # Whoever compares before and after has nothing to look at.
    settings = Settings()
    job = plan_job(chart, settings, compare=chart.with_name("drawn.png"))
    assert restore(job, Clean, settings).status == "skipped"
    assert os.listdir(chart.parent) == ["chart.png"]


def test_a_clean_picture_is_copied_to_another_folder_byte_for_byte(chart, tmp_path):
    record = _restored(chart, f"{tmp_path}/new/", preserve_times=True)
    copy = tmp_path / "new" / "chart.restored.png"
    assert (record.status, record.output) == ("copied", str(copy))
    assert copy.read_bytes() == chart.read_bytes() and copy.stat().st_mtime == 1e9
    again = _restored(chart, f"{tmp_path}/new/", load=pytest.fail)
    assert again.status == "skipped" and "exists" in again.reason
    named = _restored(chart, tmp_path / "named.png")
    assert Path(named.output).read_bytes() == chart.read_bytes()


def test_copies_are_of_the_format_of_their_sources(tmp_path):
    scan = tmp_path / "scan.tif"
    Image.fromarray(made_picture()).save(scan)
    record = _restored(scan, f"{tmp_path}/new/")
    assert record.output == str(tmp_path / "new" / "scan.restored.tif")
    assert Path(record.output).read_bytes() == scan.read_bytes()
    again = _restored(scan, f"{tmp_path}/new/")
    assert again.status == "skipped" and "scan.restored.tif exists" in again.reason
    # Unless it is to be restored now.
    record = _restored(scan, f"{tmp_path}/new/", Darkening, always=True)
    assert record.output == str(tmp_path / "new" / "scan.restored.png")


@pytest.mark.parametrize(
    ("settings", "output"),
    [
        ({"format": "webp"}, "new/chart.restored.webp"),
        ({}, "new.tif"),
        ({"depth": 16}, "new/chart.restored.png"),
        ({"strip": True}, "new/chart.restored.png"),
        ({"crop": "40x40+0+0"}, "new/chart.40x40+0+0.restored.png"),
    ],
)
def test_what_the_settings_ask_for_is_made_of_the_same_pixels(
    chart, tmp_path, settings, output
):
    path = tmp_path / output
    record = _restored(
        chart, path if path.parent == tmp_path else f"{path.parent}/", **settings
    )
    assert (record.status, record.output) == ("copied", str(path))
    made, whole = read_picture(path), read_picture(chart).pixels
    depth = settings.get("depth", 8)
    pixels = made.pixels[..., 0] if made.pixels.ndim == 3 else made.pixels
    expected = whole[:40, :40] if "crop" in settings else whole
    np.testing.assert_array_equal(pixels, of_depth(expected, depth))
    assert "strip" not in settings or not made.metadata


def test_what_changes_while_it_is_copied_is_not_copied(chart, tmp_path):
    settings = Settings()
    restoration = Restoration(plan_job(chart, settings, f"{tmp_path}/new/"), settings)
    assert restoration.read()
    restoration.restore(Clean())
    chart.write_bytes(b"another one")
    record = restoration.write()
    assert record.status == "failed" and "changed" in record.reason
    assert os.listdir(tmp_path / "new") == []


def test_a_result_says_how_it_is_kept_consistent_with_its_file(tmp_path):
    calls = []

    class Clipping(Darkening):
        def restore(self, image, *more):
            calls.append(more[-3:-1])
            return super().restore(image)

    Image.fromarray(made_picture()).save(tmp_path / "a.png")
    flat = np.full((64, 64), 90, np.uint8)
    flat[:16] = made_picture()[:16, :64]
    colours = np.stack([made_picture(seed=seed) for seed in range(3)], axis=-1)
    always, never = {"consistency": "always"}, {"consistency": "never"}
    for pixels, how, settings, expected, network in (
        (flat, {"quality": 60}, {}, "luma", True),
        (flat, {"quality": 60}, {"strength": 0}, "none: not wanted", True),
        (made_picture(), {"quality": 60}, {}, "none: a photograph", True),
        (made_picture(), {"quality": 60}, always, "luma", True),
        (made_picture(), {"quality": 98}, {}, "none: hardly", False),
        (flat, {"qtables": [[20] * 64]}, {}, "none: not libjpeg", True),
        (colours, {"quality": 60}, {}, "chroma (a photograph", True),
        (colours, {"quality": 60}, always, "luma and chroma", True),
        (colours, {"quality": 97}, {}, "chroma (hardly", False),
        (colours, {"quality": 97, "subsampling": 0}, {}, "none: hardly", False),
        (colours, {"quality": 97}, never, "none: not wanted", True),
    ):
        path = tmp_path / "a.jpg"
        Image.fromarray(pixels).save(path, **how)
        record = _restored(path, load=Clipping, overwrite=True, **settings)
        held, without_network = calls.pop()
        assert record.clipping.startswith(expected), (how, settings)
        assert (held is None) == ("none" in expected)
        assert without_network != network
        assert (record.reason is None) == network
    drawing = _restored(
        path.with_suffix(".png"), load=Clipping, always=True, overwrite=True
    )
    assert drawing.clipping == "none: no JPEG file"


@pytest.fixture
def lossy(tmp_path):
    """A JPEG in CMYK, which cannot be written as it was."""
    path = tmp_path / "cmyk.jpg"
    Image.fromarray(np.stack([made_picture()] * 4, axis=-1), "CMYK").save(path)
    return Job(path, path, format=None)


def test_in_place_nothing_is_lost(lossy):
    before = lossy.source.read_bytes()
    record = restore(lossy, pytest.fail, Settings(in_place=True))
    assert record.status == "failed" and lossy.source.read_bytes() == before
    assert record.reason == (
        "not replaced: CMYK was converted to RGB without a profile (--backup SUFFIX "
        "keeps the original, --force replaces it)"
    )
    assert restore(lossy, Darkening, Settings(in_place=True, force=True)).warnings
    assert Image.open(lossy.source).mode == "RGB"


def test_a_backup_keeps_the_original(lossy):
    before = lossy.source.read_bytes()
    lossy.source.chmod(0o640)
    os.utime(lossy.source, (1e9, 1e9))
    settings = Settings(in_place=True, backup=".orig")
    assert restore(lossy, Darkening, settings).status == "restored"
    backup = lossy.source.with_name("cmyk.jpg.orig")
    assert backup.read_bytes() == before and backup.stat().st_mode & 0o777 == 0o640
    assert backup.stat().st_mtime == 1e9
    assert lossy.source.read_bytes() != before
    # Once more, it would be no original.
    again = restore(lossy, Darkening, dataclasses.replace(settings, overwrite=True))
    assert again.status == "failed" and "backups are not overwritten" in again.reason
    assert backup.read_bytes() == before
    # A run that was killed between the two has left a copy.
    lossy.source.write_bytes(before)
    assert restore(lossy, Darkening, settings).status == "restored"


def test_a_failed_picture_gets_no_backup(lossy):
    fail = with_restore(raising(RuntimeError))
    restore(lossy, fail, Settings(in_place=True, backup=".orig"))
    assert os.listdir(lossy.source.parent) == ["cmyk.jpg"]


def test_the_steps_may_be_taken_one_by_one(job):
    restoration = Restoration(job, Settings())
    assert restoration.pixel_bytes == 0 and restoration.read()
    assert restoration.pixel_bytes == 72 * 88 * 3
    restoration.restore(Darkening())
    assert not job.target.exists()
    assert restoration.write().status == "restored" and job.target.exists()


def test_depth_and_format_are_those_of_the_settings(tmp_path):
    Image.fromarray(made_picture()).save(tmp_path / "a.png")
    deep = with_restore(lambda image: image.astype(np.uint16) * 257)
    job = Job(tmp_path / "a.png", tmp_path / "b.tif", format="tiff")
    assert restore(job, deep, Settings(depth=16)).status == "restored"
    assert Image.open(Path(job.target)).mode == "I;16"


def test_every_result_is_marked_unless_stripped(job):
    settings = Settings(strength=0.5, overwrite=True)
    restore(job, Darkening, settings)
    said = Image.open(job.target).getexif()[0x000B]
    assert said.startswith("dual-prior ")
    assert said.endswith(f", preset {settings.preset}, strength 0.5")
    for other in ({"strip": True}, {"strength": 0}):
        restore(job, Darkening, dataclasses.replace(settings, **other))
        assert 0x000B not in Image.open(job.target).getexif()
