import os
import threading

import numpy as np
from PIL import Image

from dual_prior.files import restore as files
from dual_prior.pictures.reader import read_picture
from tests.conftest import made_picture
from tests.dual_prior.conftest import leave_a_file_behind
from tests.dual_prior.fakes import with_restore


def test_in_place_again_each_picture_is_read_once(run, photo, tmp_path, monkeypatch):
    for name in ("b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    assert run("restore", tmp_path, "--in-place")[0] == 0
    read = []

    def counted(*arguments, name, **options):
        read.append(name)
        return read_picture(*arguments, name=name, **options)

    monkeypatch.setattr(files, "read_picture", counted)
    code, out, _ = run("restore", tmp_path, "--in-place")
    assert code == 0 and out.count("restored before") == len(read) == 3


def test_large_pictures_are_not_read_ahead(run, photo, tmp_path, monkeypatch):
    # Larger than 5 megapixels.
    Image.fromarray(np.zeros((2400, 2400), np.uint8)).save(tmp_path / "q_large.jpg")
    Image.fromarray(made_picture()).save(tmp_path / "r_small.jpg")
    read = {}

    def read_and_note(source, *arguments, **keywords):
        picture = read_picture(source, *arguments, **keywords)
        read[source.name] = threading.current_thread() is threading.main_thread()
        return picture

    monkeypatch.setattr(files, "read_picture", read_and_note)
    code, out, _ = run("restore", tmp_path, "--max-memory", 1.2)
    assert code == 0 and "3 restored" in out
    assert read["photo.jpg"] and read["q_large.jpg"]


def test_whatever_a_backend_raises_costs_one_picture(run, photo, tmp_path):
    def restore(image):
        if image.ndim == 2:
            raise RuntimeError("OOM when allocating\ntensor")
        return image

    grey = tmp_path / "a.png"
    Image.fromarray(made_picture()).save(grey)
    code, _, err = run("restore", grey, photo, load=with_restore(restore))
    assert code == 1 and err.count("\n") == 1
    assert "a.png: cannot be restored (OOM when allocating tensor)" in err
    assert os.listdir(tmp_path).count("photo.restored.png") == 1


def test_temporary_files_of_killed_runs_are_removed(run, photo, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.png").touch()
    (tmp_path / "a.png").symlink_to(elsewhere / "a.png")
    for folder in (elsewhere, tmp_path / "drawn"):
        folder.mkdir(exist_ok=True)
        leave_a_file_behind(folder)
    arguments = ("--output", tmp_path / "a.png", "--overwrite")
    assert run("restore", photo, *arguments, "--compare", tmp_path / "drawn")[0] == 0
    assert os.listdir(elsewhere) == ["a.png"]
    assert os.listdir(tmp_path / "drawn") == ["photo.jpg.compared.png"]
