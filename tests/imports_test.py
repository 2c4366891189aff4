"""Arrows point one way: who imports whom, and what importing must not bring along."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_script

# Each room may import those before it.
LIBRARY = (
    *("system", "jpeg", "metrics", "network", "pictures", "restoration"),
    *("drawing", "files", "api", "web", "command", "cli"),
)
EXPERIMENTS = (
    *("exporting", "data", "training", "measuring", "contenders", "reproduction"),
)


def modules(package: str) -> list[Path]:
    return [
        path.relative_to(ROOT)
        for path in (ROOT / package).rglob("*.py")
        if not path.name.endswith("_test.py") and "__pycache__" not in path.parts
    ]


def room(parts: tuple[str, ...]) -> str:
    """The sub-package or top-level module that a module belongs to."""
    package, *inner = parts
    if package == "datasets" or not inner:
        return package
    if package == "dual_prior":
        return inner[0]
    return inner[0] if inner[0] in EXPERIMENTS else "binaries"


def imported(path: Path) -> set[str]:
    """The rooms that a module imports from, its functions included."""
    rooms = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = tuple(name.split("."))
            if parts[0] == "dual_prior" and parts[1:] and parts[1] not in LIBRARY:
                parts = parts[:1]  # a name of the package itself
            if parts[0] in ("dual_prior", "experiments", "datasets"):
                rooms.add(room(parts))
    return rooms - {room(path.with_suffix("").parts)}


def arrows() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package in ("dual_prior", "experiments", "datasets"):
        for path in modules(package):
            parts = path.with_suffix("").parts
            if parts[1:] not in (("__init__",), ("__main__",)):
                found.setdefault(room(parts), set()).update(imported(path))
    return found


def test_the_arrows_are_those_that_the_map_draws():
    text = (ROOT / "WORKSPACE.md").read_text()
    (drawing,) = re.findall(r"## Arrows.*?```\n(.*?)```", text, re.DOTALL)
    drawn = {
        line.split(":")[0]: set(re.findall(r"\w+", line.split(":")[1]))
        for line in drawing.splitlines()
        if ":" in line
    }
    assert {name: rooms for name, rooms in arrows().items() if rooms} == drawn


def test_no_arrow_runs_back():
    found = arrows()
    for name, rooms in found.items():
        if name in LIBRARY:
            earlier = LIBRARY[: LIBRARY.index(name)]
            assert rooms <= {*earlier, "dual_prior"}, name
        elif name in EXPERIMENTS:
            later = EXPERIMENTS[EXPERIMENTS.index(name) + 1 :]
            assert not rooms & {*later, "binaries"}, name
    assert not found["datasets"]


def test_the_library_knows_nothing_of_flags_experiments_or_data_sets():
    for path in modules("dual_prior"):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.split(".")[0] for name in names}
            unwanted = {"absl", "tensorflow_datasets", "experiments", "datasets"}
            assert not roots & unwanted, path


def test_the_wheel_holds_all_of_the_library_and_restores_a_picture(tmp_path):
    source = tmp_path / "source"  # where no earlier build has left files
    shutil.copytree(
        ROOT / "dual_prior",
        source / "dual_prior",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
        + [str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    assert names >= {path.as_posix() for path in modules("dual_prior")}
    assert not any(name.startswith(("experiments", "datasets")) for name in names)
    target = tmp_path / "restored.png"
    done = subprocess.run(
        [sys.executable, "-m", "dual_prior", "restore", "--output", str(target)]
        + [str(ROOT / "samples" / "astronaut.jpg")],
        cwd=tmp_path / "installed",  # the only place with `dual_prior`
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"\x89PNG")


def test_the_public_names_resolve():
    run_script("import dual_prior\nfor n in dual_prior.__all__: getattr(dual_prior, n)")


def test_the_package_knows_its_version():
    version = run_script("import dual_prior; print(dual_prior.__version__)").strip()
    assert f"version = {version}\n" in (ROOT / "setup.cfg").read_text()


@pytest.mark.parametrize("module", ["dual_prior", "dual_prior.cli"])
def test_importing_the_front_door_is_light(module):
    modules = run_script(f"import sys, {module}; print(*sys.modules)").split()
    assert not {"keras", "tensorflow", "cv2", "skimage"} & set(modules)


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None  # importing it fails
import numpy as np
import keras
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.network.weights_file import load_weights

assert keras.backend.backend() == "jax"
network = DualPriorNetwork(
    Deblocker(features=4, num_units=1, reduced=2, scale=2),
    CompressionClassifier(4, (2, 1)),
    2, 2, alpha_init=1.0, lambda2_init=1.0, eta_init=0.5,
)
network.build((None, None, None, 1))
load_weights(network, sys.argv[1] + "/network.weights.h5")
y = np.load(sys.argv[1] + "/y.npy")
np.save(sys.argv[1] + "/x.npy", keras.ops.convert_to_numpy(network(y)))
frozen = [keras.ops.convert_to_numpy(w) for w in network.classifier.weights]
network.compile(keras.optimizers.Adam(1e-3), "mean_absolute_error")
losses = network.fit(y, 0.9 * y, epochs=20, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
for weight, before in zip(network.classifier.weights, frozen):
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), before)
assert "tensorflow_datasets" not in sys.modules
"""


def test_jax_builds_trains_and_agrees_without_tensorflow(tmp_path):
    import os

    import keras
    import numpy as np

    from dual_prior.network.classifier import CompressionClassifier
    from dual_prior.network.deblocker import Deblocker
    from dual_prior.network.unfolding import DualPriorNetwork

    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(features=4, num_units=1, reduced=2, scale=2),
        CompressionClassifier(4, (2, 1)),
        2,
        2,
        alpha_init=1.0,
        lambda2_init=1.0,
        eta_init=0.5,
    )
    y = np.random.default_rng(0).uniform(size=(2, 10, 11, 1)).astype(np.float32)
    expected = np.asarray(network(y))
    network.save_weights(tmp_path / "network.weights.h5")
    np.save(tmp_path / "y.npy", y)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, atol=1e-5)
