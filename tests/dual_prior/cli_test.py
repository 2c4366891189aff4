import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dual_prior import cli
from tests.conftest import ROOT, made_picture


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.stack([made_picture()] * 3, axis=-1)).save(path, quality=12)
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command with a network that darkens; returns (code, out, err)."""
    monkeypatch.setattr(
        cli, "_load_network", lambda preset, weights: lambda y: y - np.float32(5 / 255)
    )

    def run_command(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


def _darkening(source, result):
    before, after = (
        np.array(Image.open(path)).astype(int) for path in (source, result)
    )
    return float((before - after).mean())


def test_writes_a_png_beside_the_input_and_says_so(run, photo):
    before = photo.read_bytes()
    code, out, err = run("restore", photo)
    result = photo.with_name("photo.restored.png")
    assert (code, err) == (0, "")
    assert "88x72, colour JPEG of quality about 12" in out and str(result) in out
    assert Image.open(result).format == "PNG"
    assert 4.5 < _darkening(photo, result) < 5.5
    assert photo.read_bytes() == before


def test_a_grey_jpeg_gives_a_grey_png(run, tmp_path):
    Image.fromarray(made_picture()).save(tmp_path / "grey.jpg", quality=20)
    assert run("restore", tmp_path / "grey.jpg")[0] == 0
    assert Image.open(tmp_path / "grey.restored.png").mode == "L"


def test_output_is_a_file_for_one_input(run, photo, tmp_path):
    assert run("restore", photo, "--output", tmp_path / "new" / "clean.png")[0] == 0
    assert (tmp_path / "new" / "clean.png").is_file()


def test_output_is_a_folder_for_several_inputs(run, photo, tmp_path):
    other = tmp_path / "other.jpeg"
    other.write_bytes(photo.read_bytes())
    code, out, _ = run("restore", photo, other, "--output", tmp_path / "results")
    assert code == 0 and len(out.splitlines()) == 2
    names = sorted(os.listdir(tmp_path / "results"))
    assert names == ["other.restored.png", "photo.restored.png"]


def test_output_with_a_slash_is_a_folder_for_one_input(run, photo, tmp_path):
    assert run("restore", photo, "--output", f"{tmp_path}/results/")[0] == 0
    assert os.listdir(tmp_path / "results") == ["photo.restored.png"]


def test_a_result_that_is_no_png_is_refused(run, photo, tmp_path):
    code, _, err = run("restore", photo, "--output", tmp_path / "clean.jpg")
    assert code == 2 and err.count("\n") == 1 and "results are PNG files" in err
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_an_earlier_result_is_replaced(run, photo):
    result = photo.with_name("photo.restored.png")
    result.write_bytes(b"old")
    assert run("restore", photo)[0] == 0
    assert Image.open(result).size == (88, 72)


def test_quiet_says_nothing(run, photo):
    assert run("restore", photo, "--quiet") == (0, "", "")


def test_one_broken_file_does_not_stop_the_others(run, photo, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:600])
    code, out, err = run("restore", broken, photo, tmp_path / "missing.jpg")
    assert code == 1 and len(out.splitlines()) == 1
    first, second = err.splitlines()
    assert "broken.jpg: " in first and "truncated" in first
    assert "missing.jpg: no such file" in second
    assert sorted(os.listdir(tmp_path)) == [
        "broken.jpg",
        "photo.jpg",
        "photo.restored.png",
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a picture"),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(run, tmp_path, make):
    path = tmp_path / "bad.jpg"
    make(path)
    before = os.listdir(tmp_path)
    code, out, err = run("restore", path)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and str(path) in err
    assert os.listdir(tmp_path) == before


def test_an_unwritable_output_gets_one_line(run, photo, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = run("restore", photo, "--output", tmp_path / "file" / "x.png")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and "x.png: cannot be written" in err


@pytest.mark.parametrize("link", [False, True])
def test_an_input_is_never_overwritten(run, photo, tmp_path, link):
    target = photo
    if link:
        target = tmp_path / "link.png"
        target.symlink_to(photo)
    before = photo.read_bytes()
    code, _, err = run("restore", photo, "--output", target)
    assert code == 2 and "originals are never overwritten" in err
    assert photo.read_bytes() == before


def test_two_results_of_one_name_are_refused_before_any_work(run, photo, tmp_path):
    twin = tmp_path / "photo.png"
    Image.fromarray(made_picture()).save(twin)
    code, _, err = run("restore", photo, twin)
    assert code == 2 and "would both become" in err
    assert not list(tmp_path.glob("*.restored.png"))


@pytest.mark.parametrize(
    "arguments", [[], ["restore"], ["restore", "a.jpg", "--preset", "none"], ["polish"]]
)
def test_wrong_usage_is_2(run, arguments):
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2


def test_weights_that_do_not_fit_get_one_line(photo, tmp_path, capsys):
    weights = tmp_path / "some.weights.h5"
    weights.write_bytes(b"no weights")
    assert cli.main(["restore", str(photo), "--weights", str(weights)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "some.weights.h5: not a Keras" in err
    assert not list(tmp_path.glob("*.png"))


def test_interruption_leaves_nothing(monkeypatch, photo, capsys):
    def interrupted(y):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load_network", lambda preset, weights: interrupted)
    assert cli.main(["restore", str(photo)]) == 130
    assert os.listdir(photo.parent) == ["photo.jpg"]


def test_too_little_memory_gets_one_line(monkeypatch, photo, capsys):
    def greedy(y):
        raise MemoryError

    monkeypatch.setattr(cli, "_load_network", lambda preset, weights: greedy)
    assert cli.main(["restore", str(photo)]) == 1
    assert capsys.readouterr().err == f"dual-prior: {photo}: not enough memory\n"
    assert os.listdir(photo.parent) == ["photo.jpg"]


def _command(*arguments):
    # Importing Keras has set the level of logging in this process: not a user's.
    environment = {**os.environ}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(
        [sys.executable, "-m", "dual_prior.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def test_the_command_itself(photo):
    done = _command("restore", photo)
    assert (done.returncode, done.stderr) == (0, "")
    assert _darkening(photo, photo.with_name("photo.restored.png")) < 1


def test_a_missing_file_is_told_without_importing_keras(tmp_path):
    script = (
        "import sys; from dual_prior import cli; "
        f"code = cli.main(['restore', {str(tmp_path / 'missing.jpg')!r}]); "
        "heavy = {'keras', 'tensorflow', 'cv2', 'skimage'} & set(sys.modules); "
        "print(code, heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "1 set()", done
    assert done.stderr.count("\n") == 1


def test_help_shows_examples():
    done = _command("restore", "--help")
    assert done.returncode == 0
    assert "photo.restored.png" in done.stdout and "--output" in done.stdout
