"""A binary of `experiments` as a person runs it: a process of its own."""

import os
import subprocess
import sys

from tests.conftest import ROOT

# Flags of a training binary that make its steps small.
SMALL = ("--batch_size=2", "--patch_size=32", "--steps_per_epoch=2")


def start(name: str, *arguments, **environment) -> subprocess.Popen:
    """The running process."""
    return subprocess.Popen(**_process(name, arguments, environment))


def run(
    name: str, *arguments, timeout: float | None = None, **environment
) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) when it has ended, within `timeout` seconds."""
    done = subprocess.run(**_process(name, arguments, environment), timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def _process(name, arguments, environment) -> dict:
    return {
        "args": [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "cwd": ROOT,
        "env": {**os.environ, **environment},
    }
