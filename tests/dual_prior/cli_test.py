import contextlib
import io
import json
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from dual_prior.system import signals
from tests.conftest import ROOT
from tests.dual_prior.conftest import darkening
from tests.dual_prior.fakes import raising, with_restore


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "Terminated")],
)
def test_a_signal_that_code_swallows_still_stops_the_run(
    run, photo, tmp_path, number, code, word
):
    def deaf(image):
        with contextlib.suppress(BaseException):
            signal.raise_signal(number)
        return image

    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    signals.install()
    try:
        (tmp_path / "b.jpg").write_bytes(photo.read_bytes())
        found, _, err = run("restore", tmp_path, load=with_restore(deaf))
    finally:
        signals.install()  # forgets the request
        for n, handler in handlers.items():
            signal.signal(n, handler)
    assert found == code and word in err
    assert len(list(tmp_path.glob("*.restored.png"))) == 1


def _fake_command(*arguments, before="", **options):
    """The command with the network that darkens, in a process of its own."""
    script = (
        "from tests.dual_prior.fakes import Darkening\n"
        "from dual_prior import cli\n"
        "cli.run(load=Darkening)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    if before:  # what the shell does to the streams
        command = ["sh", "-c", f'exec "$@" {before}', "sh", *command]
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=ROOT, **streams)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_the_wait_for_standard_input(number, code):
    process = _fake_command("restore", "-", stdout=subprocess.PIPE)
    process.stdin.write(b"\xff\xd8" + bytes(500_000))  # more than a pipe holds
    process.stdin.flush()  # it is reading
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)  # it is waiting
    process.send_signal(number)
    assert process.wait(10) == code


@pytest.mark.parametrize(
    ("arguments", "before", "code", "reason"),
    [
        (("-",), "<&-", 2, b"standard input) is closed"),
        (("PHOTO",), ">&-", 1, b"standard output: not writable"),
        (("PHOTO",), "2>&-", 0, b""),
        (("PHOTO", "--quiet"), ">&-", 0, b""),
    ],
)
def test_closed_streams(photo, arguments, before, code, reason):
    words = [photo if word == "PHOTO" else word for word in arguments]
    process = _fake_command("restore", *words, before=before)
    _, err = process.communicate()
    assert process.returncode == code and reason in err and b"Traceback" not in err
    if "-" not in words:
        assert Image.open(photo.with_name("photo.restored.png")).size == (88, 72)


def test_a_full_disk_behind_standard_output_gets_one_line(photo):
    with open("/dev/full", "wb") as full:
        process = _fake_command("restore", photo, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err == b"dual-prior: standard output: no space left on device\n"


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (signals.Terminated, 143)]
)
def test_interruption_leaves_nothing(run, photo, error, code):
    assert run("restore", photo, load=with_restore(raising(error)))[0] == code
    assert os.listdir(photo.parent) == ["photo.jpg"]


@pytest.mark.parametrize("words", [["--version"], ["restore", "--help"]])
def test_a_full_standard_output_is_one_line(monkeypatch, words):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with open("/dev/full", "w") as full:
        streams = {"stdout": full, "stderr": subprocess.PIPE, "capture_output": False}
        done = _command(*words, **streams)
    assert done.returncode == 1
    assert done.stderr == "dual-prior: standard output: no space left on device\n"


def test_a_full_standard_error_does_not_stop_a_folder(photo, tmp_path):
    (tmp_path / "broken.jpg").touch()
    with open("/dev/full", "wb") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": full}
        process = _fake_command("inspect", tmp_path, "--json", **streams)
        out, _ = process.communicate()
    assert process.returncode == 1 and json.loads(out)["input"] == str(photo)


def test_the_command_itself(photo):
    done = _command("restore", photo)
    assert (done.returncode, done.stderr) == (0, "")
    assert darkening(photo, photo.with_name("photo.restored.png")) < 1


def test_standard_input_goes_to_standard_output(photo):
    process = _fake_command("restore", "-", stdout=subprocess.PIPE)
    out, err = process.communicate(photo.read_bytes())
    assert process.returncode == 0, err
    assert Image.open(io.BytesIO(out)).size == (88, 72)
    assert err.startswith(b"standard input (88x72")


def test_a_missing_file_is_reported_without_importing_keras(tmp_path):
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


def _command(*arguments, **options):
    # Importing Keras has set the level of logging in this process: not a user's.
    environment = {**os.environ}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(
        [sys.executable, "-m", "dual_prior", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        **{"text": True, "capture_output": True, **options},
    )
