"""A binary of `experiments` as a person runs it: in this process, or one of its own."""

import contextlib
import functools
import importlib
import io
import os
import subprocess
import sys

import keras
from absl import flags

from experiments import binaries
from tests.conftest import ROOT

# Flags of a training binary that make its steps small.
SMALL = ("--batch_size=2", "--patch_size=32", "--steps_per_epoch=2", "--dtype=float32")


def run(name: str, *arguments) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a binary, run within this process."""
    module, own_flags = _load(name)
    out, err = io.StringIO(), io.StringIO()
    for flag_name, flag in own_flags.items():
        flag.unparse()
        flags.FLAGS[flag_name] = flag
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            number = getattr(module, "NUM_ARGUMENTS", 0)
            binaries.run(module.main, [name, *map(str, arguments)], number)
    except SystemExit as exit:
        return int(exit.code or 0), out.getvalue(), err.getvalue()
    finally:
        _forget_flags(own_flags)
        keras.config.set_dtype_policy("float32")
    raise AssertionError("has not exited")


def load(name: str):
    """The module of a binary."""
    return _load(name)[0]


@functools.cache
def _load(name: str):
    """A binary, and its flags: those of two binaries have the same names."""
    before = set(flags.FLAGS)
    module = importlib.import_module(f"experiments.{name}")
    own_flags = {flag: flags.FLAGS[flag] for flag in set(flags.FLAGS) - before}
    _forget_flags(own_flags)
    return module, own_flags


def _forget_flags(own_flags) -> None:
    for flag_name in set(flags.FLAGS) & set(own_flags):
        delattr(flags.FLAGS, flag_name)


def start(name: str, *arguments, **environment) -> subprocess.Popen:
    """A binary that is running in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
