"""Fixtures of the tests of the command."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dual_prior import cli
from tests.conftest import ROOT, made_picture
from tests.dual_prior.fakes import Darkening


@pytest.fixture
def photo(tmp_path):
    """A small colour JPEG of quality 12."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.stack([made_picture()] * 3, axis=-1)).save(path, quality=12)
    return path


@pytest.fixture
def run(capsys):
    """Runs the command with a network that darkens; returns (code, out, err)."""

    def run_command(*arguments, load=Darkening):
        code = cli.main([str(argument) for argument in arguments], load)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


def leave_a_file_behind(folder):
    """As a process does that is killed while it writes there."""
    script = (
        "import os, sys\n"
        "from dual_prior.system.atomic_file import atomic_file\n"
        "with atomic_file(sys.argv[1]): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, folder / "x"], cwd=ROOT, check=True)
    (left,) = folder.glob(".dual-prior-*")
    return left


def darkening(source, result):
    """By how many of 255 levels a result is darker than its source, on average."""
    before, after = (
        np.array(Image.open(path)).astype(int) for path in (source, result)
    )
    return float((before - after).mean())
