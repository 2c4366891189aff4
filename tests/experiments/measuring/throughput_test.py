import keras
import pytest

from experiments.measuring import throughput


@pytest.mark.parametrize(
    ("in_bfloat16", "chosen"),
    [(400.0, "mixed_bfloat16"), (60.0, "mixed_bfloat16"), (7.0, "float32")],
)
def test_a_precision_done_in_software_is_not_trained_in(
    in_bfloat16, chosen, monkeypatch
):
    peaks = {"mixed_bfloat16": in_bfloat16, "float32": 100.0}
    monkeypatch.setattr(
        throughput, "convolution_peak", lambda dtype, *_, **__: peaks[dtype]
    )
    assert throughput.faster_dtype("mixed_bfloat16") == chosen
    assert throughput.faster_dtype("float32") == "float32"


def test_measuring_leaves_the_policy_as_it_was():
    before = keras.config.dtype_policy().name
    assert throughput.faster_dtype("mixed_bfloat16") in ("mixed_bfloat16", "float32")
    assert keras.config.dtype_policy().name == before


def test_the_peak_counts_operations(monkeypatch):
    # Forward, and backward to the weights; of the second layer to its input, too.
    monkeypatch.setattr(throughput, "training_seconds", lambda *_: 0.5)
    macs = 9 * 4 * 4 * 8 * 8 * 3  # of a layer
    flop = throughput.convolution_peak("float32", 1, 2, 4, side=8, batch_size=3)
    assert flop == pytest.approx(2 * macs * (2 + 3) / 0.5)
