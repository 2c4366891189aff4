import errno
import os
import stat
import tempfile

import pytest

from dual_prior.files.picture_file import picture_file
from dual_prior.pictures.errors import PictureError


def test_a_failure_keeps_the_old_content(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"an earlier result")
    with pytest.raises(RuntimeError), picture_file(path) as write:
        write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"an earlier result"
    assert os.listdir(tmp_path) == ["out.png"]


def test_the_result_has_ordinary_permissions(tmp_path):
    with picture_file(tmp_path / "new" / "out.png") as write:
        write(b"content")
    (tmp_path / "plain").touch()
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("new/out.png", "plain")
    ]
    assert modes[0] == modes[1]


def test_write_protected_files_are_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"somebody else's")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with (
        pytest.raises(PictureError, match="write-protected"),
        picture_file(tmp_path / "a.png"),
    ):
        raise AssertionError("the work began")
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with (
        pytest.raises(PictureError, match="not a regular file"),
        picture_file(tmp_path / "pipe.png"),
    ):
        pytest.fail("work was begun")
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


def test_a_read_only_disk_is_reported_before_any_work(tmp_path, monkeypatch):
    def mkstemp(**_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    with (
        pytest.raises(PictureError, match=r"written \(read-only file system\)"),
        picture_file(tmp_path / "a.png"),
    ):
        pytest.fail("entered")


def test_an_unwritable_folder_is_reported_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "out.png", tmp_path, tmp_path / ("x" * 300)):
        with (
            pytest.raises(PictureError, match="cannot be written"),
            picture_file(target),
        ):
            pytest.fail("work was begun")
    assert os.listdir(tmp_path) == ["file"]
