"""Training of contenders, as a person runs it, on tiny data."""

import json

from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.registry import CONTENDERS
from experiments.training.classifier_model import load_classifier
from tests.experiments.binary import load, run


def test_contenders_are_trained_with_the_shipped_classifier(
    tiny_data, tmp_path, monkeypatch
):
    def tiny(weights):
        deblocker = Deblocker(features=4, num_units=1, reduced=2, scale=2)
        network = DualPriorNetwork.from_preset(
            "compact", weights=None, deblocker=deblocker, num_stages=1
        )
        load_classifier(network, weights)
        return network

    monkeypatch.setitem(CONTENDERS, "tiny", tiny)
    monkeypatch.setattr(
        load("train_contenders"), "alone", lambda f, *a, **k: f(*a, **k)
    )
    code, out, err = run(
        "train_contenders",
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        f"--train_data={tiny_data / 'classic5'}",
        *("--contenders=tiny", "--seeds=0", "--minutes=0.001", "--qualities=20,40"),
    )
    assert code == 0, err
    assert "s a step" in out and "dB" in out
    assert (tmp_path / "classifier.weights.h5").exists()
    result = json.loads((tmp_path / "tiny-0" / "result.json").read_text())
    assert len(result["jpeg"]) == 2 and result["jpeg"][0] < result["jpeg"][1]
    config = json.loads((tmp_path / "tiny-0" / "config.json").read_text())["config"]
    assert config["train_pictures"]["names"] == ["1.png"]
