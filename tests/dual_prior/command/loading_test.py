import os

import pytest

from dual_prior import cli
from dual_prior.restoration import restorer
from tests.dual_prior.fakes import raising


@pytest.mark.parametrize("command", ["restore", "inspect"])
@pytest.mark.parametrize("error", [ImportError, RuntimeError])  # the latter of JAX
def test_without_a_network_no_picture_is_read(
    photo, tmp_path, capsys, monkeypatch, command, error
):
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    monkeypatch.setattr(restorer, "Restorer", raising(error("no abacus")))
    (tmp_path / "b.jpg").write_bytes(photo.read_bytes())
    assert cli.main([command, str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "'abacus' cannot be used (no abacus)" in err


def test_unusual_keras_settings_are_reported(photo, capsys, monkeypatch):
    monkeypatch.setattr(restorer, "Restorer", raising(TypeError("channels first")))
    assert cli.main(["restore", str(photo)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "(channels first); see keras.json" in err


def test_weights_that_do_not_fit_get_one_line(photo, tmp_path, capsys):
    weights = tmp_path / "some.weights.h5"
    weights.write_bytes(b"no weights")
    assert cli.main(["restore", str(photo), "--weights", str(weights)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "some.weights.h5: not a Keras" in err
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "some.weights.h5"]
