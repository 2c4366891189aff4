"""Pictures that the tests share."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser):
    """Adds --soak, which `make soak` gives."""
    parser.addoption(
        "--soak", action="store_true", help="run tests of faults at their full size"
    )


@pytest.fixture(scope="session")
def soak(request) -> bool:
    """Whether tests of faults run at their full size."""
    return request.config.getoption("--soak")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the public data sets, beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """A --data_dir of a few made pictures, in all the folders that are read."""
    folder = tmp_path_factory.mktemp("data")
    counts = {
        "bsds500/train": 3,
        "bsds500/test": 3,
        "bsds500/val": 1,
        "classic5": 2,
        "live1": 1,
    }
    for seed, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            image = made_picture(seed=10 * seed + index)
            image = image if name == "classic5" else np.stack([image] * 3, axis=-1)
            cv2.imwrite(str(folder / name / f"{index}.png"), image)
    return folder


def run_script(script: str, **environment) -> str:
    """The output of a separate Python process, with environment variables."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made_picture(height: int = 72, width: int = 88, seed: int = 0) -> np.ndarray:
    """A plane `[H, W]`, uint8, with flat parts, edges and texture."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 215, (height // 12 + 2, width // 12 + 2))
    plane = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(4):
        top, left = rng.integers(0, height - 16), rng.integers(0, width - 16)
        plane[top : top + 16, left : left + 16] = rng.uniform(20, 235)
    plane += rng.normal(0, 4, plane.shape)
    return np.clip(np.round(plane), 0, 255).astype(np.uint8)
