import hashlib

import numpy as np
import pytest

from dual_prior import jpeg
from dual_prior.network import presets
from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import PRESETS, Preset, find_preset, shipped_weights
from dual_prior.network.unfolding import DualPriorNetwork
from tests.conftest import made_picture

PICTURE = made_picture(96, 96)
NUM_PARAMETERS = {"paper": 2_059_366, "compact": 1_203_754, "photo": 861_132}


@pytest.mark.parametrize("name", PRESETS)
def test_number_of_parameters(name):
    network = DualPriorNetwork.from_preset(name, weights=None)
    assert network.count_params() == NUM_PARAMETERS[name]


def test_the_papers_numbers():
    paper = find_preset("paper")
    assert (paper.features, paper.classifier_features) == (112, 32)
    assert (paper.num_stages, paper.num_descent_steps) == (5, 3)
    assert paper.dilations == (1, 3, 5) and len(paper.classifier_strides) == 6
    scalars = (paper.alpha_init, paper.beta_init, paper.lambda2_init, paper.eta_init)
    assert scalars == (0.01,) * 4


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match="paper, compact, photo; there is no 'huge'"):
        find_preset("huge")


def test_a_preset_without_weights_says_what_to_do():
    mine = Preset("mine", features=4, num_units=1)
    with pytest.raises(ValueError, match="No weights ship with the preset 'mine'"):
        DualPriorNetwork.from_preset(mine)


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "_WEIGHTS", tmp_path)
    (tmp_path / "w").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    preset = Preset("mine", weights="w", weights_sha256=digest)
    assert shipped_weights(preset) == tmp_path / "w"
    (tmp_path / "w").write_bytes(b"Weights")
    with pytest.raises(OSError, match="damaged"):
        shipped_weights(preset)


def _stages(name):
    """A made picture, the same at quality 10, and what a network does with that."""
    clean, y = (
        image.astype(np.float32)[None, :, :, None] / 255
        for image in (PICTURE, jpeg.compress(PICTURE, 10))
    )
    network = DualPriorNetwork.from_preset(name)
    return clean, y, network, network(y, return_stages=True)


@pytest.mark.parametrize("name", ["compact", "paper"])
def test_the_shipped_stages_look_like_what_they_are_called(name):
    clean, y, _, states = _stages(name)
    before = np.mean((y - clean) ** 2)
    for state in states:
        for part in ("u", "x"):
            image = np.asarray(state[part])
            assert np.mean((image - clean) ** 2) < before, part
            assert image.min() > -0.2 and image.max() < 1.2
        gradient = np.asarray(state["g"])
        for axis, channel in ((2, 0), (1, 1)):
            wanted = np.roll(clean, -1, axis=axis) - clean
            correlation = np.corrcoef(gradient[..., channel].ravel(), wanted.ravel())
            assert correlation[0, 1] > 0.7


def test_the_classifier_of_compact_sees_less_of_compression_from_stage_to_stage():
    *_, states = _stages("compact")
    probabilities = [float(np.asarray(state["probability"])[0]) for state in states]
    assert probabilities[0] > 0.9 > probabilities[-1]


def test_the_descent_of_paper_takes_out_what_its_classifier_saw():
    _, y, network, states = _stages("paper")
    seen = float(np.asarray(network.classifier(image_gradient(y)))[0, 0])
    for state in states:
        assert float(np.asarray(state["probability"])[0]) < 0.3 < 0.8 < seen


@pytest.mark.parametrize("name", [n for n, p in PRESETS.items() if p.weights])
def test_patterns_that_no_photograph_has_do_not_run_away(name):
    rows, columns = np.indices((96, 96))
    patterns = [rows % 2, (rows + columns) % 2, (rows // 8 + columns // 8) % 2]
    patterns.append(np.random.default_rng(0).integers(0, 2, (96, 96)))
    network = DualPriorNetwork.from_preset(name)
    channels = network.deblocker.channels
    y = np.repeat(np.stack(patterns)[..., None], channels, axis=-1).astype(np.float32)
    assert np.abs(np.asarray(network(y)) - y).max() < 1
