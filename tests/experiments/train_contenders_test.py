"""Training of contenders, as a person runs it, on tiny data."""

from tests.experiments.binary import run


def test_contenders_are_trained_with_the_shipped_classifier(tiny_data, tmp_path):
    arguments = (
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        *("--seeds=0", "--minutes=0.001"),
    )
    code, out, err = run("train_contenders", "--contenders=K = 1", *arguments)
    assert code == 0, err
    assert "s a step" in out and "dB" in out
    assert (tmp_path / "classifier.weights.h5").exists()
    assert (tmp_path / "k-1-0" / "result.json").exists()
    code, _, err = run("train_contenders", "--contenders=GAN", *arguments)
    assert code == 1 and "got 'GAN'" in err and "Traceback" not in err
