import json
import os

import pytest
from PIL import Image

from tests.conftest import made_picture
from tests.dual_prior.conftest import leave_a_file_behind
from tests.dual_prior.fakes import Darkening, raising


@pytest.mark.parametrize("command", ["restore", "inspect"])
def test_drawings_are_never_drawn_over_the_picture(run, tmp_path, command):
    path = tmp_path / "a.png"
    Image.fromarray(made_picture()).save(path)
    before = path.read_bytes()
    option = {"restore": "--compare", "inspect": "--figure"}[command]
    code, _, err = run(command, path, option, path)
    assert code == 2 and "is an input" in err and path.read_bytes() == before


def test_a_figure_removes_the_temporary_files_of_killed_runs(run, photo, tmp_path):
    leftover = leave_a_file_behind(tmp_path)
    code, _, _ = run(
        "inspect", tmp_path / "missing.jpg", "--figure", tmp_path / "a.png"
    )
    assert code == 1 and not leftover.exists()


def test_an_existing_comparison_is_only_overwritten_on_request(run, photo, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(b"something else")
    code, _, err = run("restore", photo, "--compare", other)
    assert code == 1 and "other.png exists; --overwrite draws over it" in err
    code, _, err = run("inspect", photo, "--figure", other)
    assert code == 2 and "other.png exists; --overwrite replaces it" in err
    assert other.read_bytes() == b"something else"
    assert sorted(os.listdir(tmp_path)) == ["other.png", "photo.jpg"]
    assert run("restore", photo, "--compare", other, "--overwrite")[0] == 0
    assert Image.open(other).width > 2 * 88


def test_errors_of_a_backend_do_not_stop_an_inspection(run, photo):
    class Failing(Darkening):
        probability = raising(RuntimeError("OOM\nhere"))

    code, _, err = run("inspect", photo, load=Failing)
    assert code == 1 and err.endswith("photo.jpg: cannot be inspected (OOM here)\n")


def test_inspect_prints_the_facts_of_the_file(run, photo):
    code, out, err = run("inspect", photo)
    assert (code, err) == (0, "")
    for words in ("88x72", "about 12", "4:2:0", "0.750", "baseline", "blockiness"):
        assert words in out
    table = Image.open(photo).quantization[0]
    assert " ".join(f"{step:3}" for step in table[:8]) in out


def test_of_several_pictures_each_is_a_line(run, photo, tmp_path):
    (tmp_path / "b.jpg").write_bytes(photo.read_bytes()[:-200])
    code, out, err = run("inspect", tmp_path, "--salvage")
    kind = "88x72, colour JPEG 4:2:0 of quality about 12"
    assert code == 0 and out.splitlines() == [
        f"{tmp_path / name} ({kind}): compressed with probability 0.750"
        for name in ("b.jpg", "photo.jpg")
    ]
    assert err.endswith("b.jpg: warning: truncated: what was left is restored\n")
    _, out, _ = run("inspect", tmp_path, "--salvage", "--tables")
    assert out.count("quantization table, luma") == 2


def test_inspect_speaks_json_and_reports_broken_files(run, photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"")
    code, out, err = run("inspect", photo, tmp_path / "broken.jpg", "--json")
    facts = json.loads(out)
    assert code == 1 and "empty file" in err
    assert facts["quality"] == 12 and len(facts["tables"]["luma"]) == 64
