"""Arrows point one way: what importing the library must not bring along."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, run_script


def test_the_library_knows_nothing_of_flags_experiments_or_data_sets():
    modules = run_script(
        "import pkgutil, importlib, sys, dual_prior\n"
        "for m in pkgutil.iter_modules(dual_prior.__path__):\n"
        "    importlib.import_module('dual_prior.' + m.name)\n"
        "print(*sys.modules)"
    ).split()
    for unwanted in ("tensorflow_datasets", "experiments", "datasets"):
        assert unwanted not in modules
    # TensorFlow itself brings absl along.
    for file in (ROOT / "dual_prior").glob("*.py"):
        assert "absl" not in file.read_text(), file


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
