import dataclasses

import numpy as np
import pytest

from experiments.contenders.ablations import ABLATIONS
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.registry import CONTENDERS
from experiments.contenders.trial import TrialConfig, measured_step, run_trial
from experiments.data.training_pictures import find

CONFIG = TrialConfig(
    contender="tiny", seed=0, minutes=1e-3, patch_size=16, dtype="float32"
)


@pytest.fixture
def made(monkeypatch):
    """Counts the models made of a contender called tiny."""
    models = []

    def make(classifier):
        models.append(dncnn(3, 4))
        return models[-1]

    monkeypatch.setitem(CONTENDERS, "tiny", make)
    return models


@pytest.fixture
def run(tiny_data):
    """Returns a function that runs the trial in a folder."""
    split = find(["bsds500"], str(tiny_data))

    def run(folder, seconds=0.02):
        return run_trial(CONFIG, split=split, source="", seconds=seconds, folder=folder)

    return run


def test_a_trial_is_trained_once_and_read_afterwards(made, run, tmp_path):
    result = run(tmp_path)
    assert result.steps >= 1 and result.parameters == made[0].count_params()
    assert result.macs == 9 * (4 + 16 + 4)
    assert len(result.jpeg) == len(result.restored) == 3
    assert list(result.jpeg) == sorted(result.jpeg)  # quality 10, 20, 30
    assert abs(result.gain) < 3
    before = len(made)
    assert run(tmp_path).gain == result.gain
    assert len(made) == before


def test_a_slower_model_gets_fewer_steps(made, run, tmp_path):
    def steps(seconds):
        return run(tmp_path / str(seconds), seconds).steps

    assert (steps(0.03), steps(0.01)) == (2, 6)


def test_a_trial_of_so_many_steps_is_validated_along_the_way(made, tiny_data, tmp_path):
    config = dataclasses.replace(CONFIG, steps=10)
    split = find(["bsds500"], str(tiny_data))
    result = run_trial(config, split=split, source="", folder=tmp_path)
    assert result.steps == 10 and result.seconds_per_step > 0
    assert len(result.validations) == 5
    np.testing.assert_allclose(np.mean(result.pictures, axis=0), result.restored, 1e-4)
    # Timing the steps has not changed the weights.
    assert np.mean(result.restored) == pytest.approx(max(result.validations), abs=0.02)


def test_a_step_is_timed_once(made, tiny_data, tmp_path):
    file = tmp_path / "seconds" / "tiny.json"
    split = find(["bsds500"], str(tiny_data))

    def measured():
        return measured_step(CONFIG, split=split, source="", file=file)

    seconds = measured()
    assert 0 < seconds < 10
    assert measured() == seconds
    assert len(made) == 1


def test_contenders_have_different_folders():
    folders = {
        TrialConfig(contender=name, seed=seed, minutes=1.0).folder
        for name in CONTENDERS | ABLATIONS
        for seed in (0, 1)
    }
    assert len(folders) == 2 * len(CONTENDERS | ABLATIONS)
    assert all(folder.replace("-", "").isalnum() for folder in folders)
