import json

import pytest

from experiments import trial
from experiments.baselines.dncnn import dncnn
from experiments.contenders import CONTENDERS
from experiments.trial import TrialConfig, run_trial

CONFIG = TrialConfig("tiny", seed=0, minutes=1e-3, patch_size=16, dtype="float32")


@pytest.fixture
def made(monkeypatch):
    """Counts the models made of a contender called tiny."""
    models = []

    def make(classifier):
        models.append(dncnn(3, 4))
        return models[-1]

    monkeypatch.setitem(CONTENDERS, "tiny", make)
    return models


def test_a_trial_is_trained_once_and_read_afterwards(made, tiny_data, tmp_path):
    result = run_trial(CONFIG, str(tiny_data), "", tmp_path)
    assert result.steps >= 1 and result.parameters == made[0].count_params()
    assert result.macs == 9 * (4 + 16 + 4)
    assert len(result.jpeg) == len(result.restored) == 3
    assert list(result.jpeg) == sorted(result.jpeg)  # quality 10, 20, 30
    assert abs(result.gain) < 3
    before = len(made)
    assert run_trial(CONFIG, str(tiny_data), "", tmp_path).gain == result.gain
    assert len(made) == before


def test_a_slower_model_gets_fewer_steps(made, tiny_data, tmp_path, monkeypatch):
    seconds = {"slow": 0.03, "fast": 0.01}
    steps = {}
    for name, value in seconds.items():
        folder = tmp_path / name
        trial.open_run_dir(folder, CONFIG)
        (folder / "seconds_per_step.json").write_text(json.dumps(value))
        steps[name] = run_trial(CONFIG, str(tiny_data), "", folder).steps
    assert steps == {"slow": 2, "fast": 6}


def test_folders_tell_contenders_apart():
    slugs = {
        TrialConfig(name, seed, 1.0).slug for name in CONTENDERS for seed in (0, 1)
    }
    assert len(slugs) == 2 * len(CONTENDERS)
    assert all(slug.replace("-", "").isalnum() for slug in slugs)
