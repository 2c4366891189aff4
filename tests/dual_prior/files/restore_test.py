import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dual_prior.files.plan import Job
from dual_prior.files.restore import Restoration, restore
from dual_prior.files.settings import Settings
from tests.conftest import made_picture
from tests.dual_prior.conftest import darkening
from tests.dual_prior.fakes import Darkening, raising, result, with_restore


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


def test_a_clean_picture_is_skipped(job):
    clean = with_restore(lambda image: result(image, 0.01, skipped=True))
    record = restore(job, clean, Settings())
    assert record.status == "skipped"
    assert os.listdir(job.source.parent) == ["photo.jpg"]


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
    deep = with_restore(lambda image: result(image.astype(np.uint16) * 257))
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
