"""Training of ablations, as a person runs it, on tiny data."""

import json

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders import ablations
from tests.experiments.binary import load, run


def test_ablations_begin_with_the_stage_that_was_trained_first(
    tiny_data, tmp_path, monkeypatch
):
    tiny = {"features": (4, 8), "depths": (1, 1)}
    monkeypatch.setitem(ablations._DEBLOCKERS, "pyramid", lambda: tiny)
    monkeypatch.setattr(load("train_ablations"), "alone", lambda f, *a, **k: f(*a, **k))
    flags = (
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        *("--only=J = 0", "--seeds=0", "--steps=5", "--deblocker_steps=5"),
    )
    code, out, err = run("train_ablations", *flags)
    assert code == 0, err
    assert "de-blocker: pyramid" in out and "J = 0" in out
    start = DualPriorNetwork.from_preset(tmp_path / "start")
    assert len(start.stages) == 1 and start.stages[0].descent.num_steps == 0
    config = json.loads((tmp_path / "j-0-0" / "config.json").read_text())["config"]
    assert config["steps"] == 5 and len(config["classifier"]) == 64  # a SHA-256
    code, again, err = run("train_ablations", *flags)  # finished results are read
    assert code == 0 and again.splitlines() == [
        line for line in out.splitlines() if line.endswith(" dB")
    ], err


def test_a_wrong_name_is_one_line(tiny_data):
    code, _, err = run("train_ablations", "--only=K = 9", f"--data_dir={tiny_data}")
    assert code and "--only: expected some of" in err and "got 'K = 9'" in err
