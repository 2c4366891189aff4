import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.measuring.own_process import alone

_PARENT = """
from tests.experiments.measuring.own_process_test import work
from experiments.measuring.own_process import alone

if __name__ == "__main__":
    alone(work, {file!r})
"""


def _end_by_signal():
    os.kill(os.getpid(), signal.SIGKILL)


def _fail():
    raise ValueError("of the work itself")


def work(file: str):
    """Says which process it is, and does not end."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)


def test_work_is_done_in_another_process():
    assert alone(os.getpid) != os.getpid()
    with pytest.raises(ValueError, match="of the work itself"):
        alone(_fail)


def test_a_killed_process_is_reported():
    with pytest.raises(OSError, match="_end_by_signal: its process was killed"):
        alone(_end_by_signal)


def test_work_ends_with_who_waits_for_it(tmp_path):
    file = tmp_path / "pid"
    script = tmp_path / "parent.py"
    script.write_text(_PARENT.format(file=str(file)))
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    parent = subprocess.Popen([sys.executable, str(script)], env=environment)
    _wait_until(lambda: file.exists() and file.read_text())
    parent.kill()
    parent.wait()
    _wait_until(lambda: not Path("/proc", file.read_text(), "stat").exists())


def _wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("nothing has happened for a minute")
