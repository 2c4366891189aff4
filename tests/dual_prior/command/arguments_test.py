import os

import pytest
from PIL import Image

from dual_prior import cli


def test_a_suffix_that_stands_for_nothing_gets_one_line(run, photo, tmp_path):
    code, _, err = run("restore", photo, "--output", tmp_path / "clean.gif")
    assert code == 2 and err.count("\n") == 1 and "'.gif'" in err
    for more in ((), ("--format", "png")):  # as likely, a folder was meant
        code, _, err = run("restore", photo, "--output", tmp_path / "clean", *more)
        assert code == 2 and "a new folder ends in /" in err
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_name_that_begins_with_a_dash(run, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-strip.jpg").write_bytes(photo.read_bytes())
    assert run("restore", "--", "-strip.jpg")[0] == 0
    assert (tmp_path / "-strip.restored.png").exists()


def test_a_format_and_a_name_that_contradict_each_other(run, photo, tmp_path):
    arguments = ("restore", photo, "--format", "webp")
    code, _, err = run(*arguments, "--output", tmp_path / "a.png")
    assert code == 2 and "the name says png, format says webp" in err
    code, _, err = run(*arguments, "--in_place")
    assert code == 2 and "in_place keeps the format" in err


def test_an_empty_name_is_not_the_current_folder(run, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    for command, option in (("restore", "--compare"), ("inspect", "--figure")):
        code, _, err = run(command, photo, option, "")
        assert code == 2 and "expected a name, got an empty one" in err
    assert os.listdir() == ["photo.jpg"]


def test_a_strength_of_0_never_overwrites_an_original(run, photo):
    code, _, err = run("restore", photo, "--strength", "0", "--in_place")
    assert code == 2 and "nothing to replace" in err


@pytest.mark.parametrize("command", ["restore", "inspect"])
def test_weights_that_there_are_not_are_wrong_usage(photo, capsys, command):
    assert cli.main([command, str(photo), "--weights", "missing.h5"]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--strength", "2"),
        ("--strength", "x"),
        ("--quality", "0"),
        ("--max_memory", "0.1"),
        ("--depth", "12"),
        ("--format", "gif"),
    ],
)
def test_options_out_of_range_are_wrong_usage(run, photo, arguments):
    code, out, err = run("restore", photo, *arguments)
    assert (code, out) == (2, "") and arguments[0][2:] in err


def test_sixteen_bits_need_a_format_that_has_them(run, photo):
    code, _, err = run("restore", photo, "--depth", "16", "--format", "jpeg")
    assert code == 2 and "PNG and TIFF" in err
    output = photo.with_name("b.jpg")
    code, _, err = run("restore", photo, "--depth", "16", "--output", output)
    assert code == 2 and "PNG and TIFF" in err


@pytest.mark.parametrize(
    "arguments", [[], ["restore"], ["restore", "a.jpg", "--preset", "none"], ["polish"]]
)
def test_wrong_usage_is_2(run, arguments):
    assert run(*arguments)[0] == 2


def test_an_unknown_option_prints_the_usage_of_its_command(run, photo):
    for command in ("restore", "inspect"):
        code, out, err = run(command, photo, "--polish")
        usage, error = err.splitlines()
        assert (code, out) == (2, "")
        assert usage.startswith(f"usage: dual-prior {command} INPUT")
        assert error == f"dual-prior {command}: error: unknown option: --polish"


def test_a_picture_in_the_place_of_the_command(run, photo):
    code, _, err = run(photo, "--quiet")
    assert code == 2
    assert err == f"dual-prior: did you mean: dual-prior restore {photo} --quiet\n"


def test_options_take_underscores_too_and_short_names(run, photo, tmp_path):
    output = tmp_path / "new-folder"
    words = (f"-o{output}/", "-f", "tif", "--max-memory=2", "--max_file-size", "9")
    assert run("restore", photo, *words)[0] == 0
    assert os.listdir(output) == ["photo.restored.tif"]
    (tmp_path / "a-b.jpg").write_bytes(photo.read_bytes())
    assert run("restore", "--in_place", tmp_path / "a-b.jpg")[0] == 0
    assert run("restore", photo, "--format", "jpg")[0] == 0
    assert Image.open(photo.with_name("photo.restored.jpg")).format == "JPEG"
