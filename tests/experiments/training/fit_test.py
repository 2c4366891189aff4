import dataclasses

import keras
import numpy as np
import pytest

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import LUMA_WEIGHTS
from experiments.data.luma_patches import PatchRecipe, compress_pictures, draw_batch
from experiments.training import fit
from experiments.training.checkpoint import NUM_KEPT, Checkpoints, Standing
from experiments.training.growing import start_from
from experiments.training.losses import psnr
from experiments.training.recipes import RECIPES
from experiments.training.run_dir import open_run_dir
from tests.conftest import made_picture

PICTURES = compress_pictures([made_picture(seed=s) for s in range(2)], (10, 30))
RECIPE = PatchRecipe(patch_size=16, batch_size=2, alignment=8)
SCHEDULE = fit.Schedule(
    steps=12, steps_per_epoch=3, learning_rate=3e-3, cosine=True, ema_momentum=0.9
)
VALIDATION = draw_batch(PICTURES, dataclasses.replace(RECIPE, seed=99), 0)[:2]


def trainable(num_stages=1, features=4, num_units=1, reduced=2):
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(features=features, num_units=num_units, reduced=reduced, scale=2),
        CompressionClassifier(4, (2, 1)),
        num_stages,
        1,
        alpha_init=5.0,
    )
    network.build((None, None, None, 1))
    return network


def _compiled(schedule=SCHEDULE):
    network = trainable()
    network.compile(fit.optimizer(schedule), "mean_absolute_error")
    network.optimizer.build(network.trainable_variables)
    return network


def pair(step):
    return draw_batch(PICTURES, RECIPE, int(step))[:2]


def _convolution():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(1, 3, padding="same")
    return keras.Sequential([keras.Input((None, None, 1)), layer])


def _fit(
    folder,
    batch_of=None,
    schedule=SCHEDULE,
    validation=VALIDATION,
    model=_convolution,  # any trainable model
):
    network = model()
    network.compile(fit.optimizer(schedule), "mean_absolute_error", metrics=[psnr])
    best = fit.fit(
        network,
        batch_of=batch_of or pair,
        validation=validation,
        schedule=schedule,
        folder=folder,
        score=lambda metrics: metrics["psnr"],
        title="test",
    )
    state = [keras.ops.convert_to_numpy(v) for v in network.optimizer.variables]
    return best, state


def _failing_at(step_of_failure, value):
    def batch_of(step):
        compressed, clean = pair(step)
        return (compressed + value if step == step_of_failure else compressed), clean

    return batch_of


def test_a_run_taken_up_again_ends_bit_for_bit_where_it_would_have(tmp_path):
    best, state = _fit(tmp_path / "whole", model=trainable)

    class Killed(Exception):
        pass

    def killed(step):
        if step == 8:
            raise Killed("Killed")
        return pair(step)

    with pytest.raises(Exception, match="Killed"):
        _fit(tmp_path / "parts", killed, model=trainable)
    assert list((tmp_path / "parts" / "checkpoints").iterdir())
    steps = []
    best_again, state_again = _fit(
        tmp_path / "parts",
        lambda step: steps.append(int(step)) or pair(step),
        model=trainable,
    )
    assert min(steps) > 0  # it did go on, and did not begin anew
    assert best_again == best
    for value, expected in zip(state_again, state, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_finished_run_is_only_read(tmp_path):
    best, _ = _fit(tmp_path)

    def no_batches(step):
        raise AssertionError("trained again")

    assert _fit(tmp_path, no_batches)[0] == best


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    tmp_path, damage, caplog
):
    network = _compiled()
    checkpoints = Checkpoints(tmp_path)
    for epoch in (1, 2, 3):
        network.deblocker.tail.bias.assign([float(epoch)])
        checkpoints.save(network, Standing(epoch, 10.0 * epoch))
    files = sorted(tmp_path.iterdir())
    assert len(files) == NUM_KEPT
    newest = bytearray(files[-1].read_bytes())
    newest[len(newest) // 2] ^= 0xFF
    files[-1].write_bytes(bytes(newest) if damage is None else damage)
    assert checkpoints.restore(network) == Standing(2, 20.0)
    assert float(np.asarray(network.deblocker.tail.bias)[0]) == 2.0
    assert "damaged" in caplog.text and files[-1].name in caplog.text


def test_no_readable_checkpoint_is_an_error(tmp_path):
    (tmp_path / "epoch-000001.npz").write_bytes(b"")
    network = trainable()
    network.compile("adam", "mean_absolute_error")
    network.optimizer.build(network.trainable_variables)
    with pytest.raises(OSError, match="none of its checkpoints can be read"):
        Checkpoints(tmp_path).restore(network)


def test_whatever_byte_of_its_directory_is_damaged_a_checkpoint_is_found(tmp_path):
    network = _compiled()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(network, Standing(1, 1.0))
    checkpoints.save(network, Standing(2, 2.0))
    newest = tmp_path / "epoch-000002.npz"
    data = newest.read_bytes()
    for place in range(-100, 0):
        damaged = bytearray(data)
        damaged[place] ^= 0x11
        newest.write_bytes(damaged)
        standing = checkpoints.restore(network)
        assert standing in (Standing(1, 1.0), Standing(2, 2.0)), place


def test_weights_that_are_not_finite_are_not_stored(tmp_path):
    # The training loss is from before the last step: only the validation shows it.
    compressed, clean = VALIDATION
    broken = (compressed * np.float32(np.nan), clean)
    with pytest.raises(fit.TrainingDiverged, match="the loss became nan in epoch 1"):
        _fit(tmp_path, None, dataclasses.replace(SCHEDULE, steps=3), broken)
    assert not (tmp_path / "checkpoints").exists()


def test_steps_epochs_and_executions_go_into_each_other(tmp_path):
    with pytest.raises(ValueError, match="whole epochs of 3, got 10"):
        dataclasses.replace(SCHEDULE, steps=10)
    with pytest.raises(ValueError, match="at least one step, got 0"):
        dataclasses.replace(SCHEDULE, steps=0)
    with pytest.raises(ValueError, match="whole executions, got 2"):
        dataclasses.replace(SCHEDULE, steps_per_execution=2)
    short = dataclasses.replace(SCHEDULE, steps=2)
    assert (short.epochs, short.epoch_steps) == (1, 2)
    seen = []
    _fit(tmp_path, lambda step: seen.append(int(step)) or pair(step), short)
    assert set(seen) == {0, 1}


def test_a_run_that_made_nothing_may_be_begun_otherwise(tmp_path):
    open_run_dir(tmp_path, RECIPE)
    other = dataclasses.replace(RECIPE, seed=5)
    open_run_dir(tmp_path, other)
    (tmp_path / fit.BEST_WEIGHTS).touch()
    with pytest.raises(ValueError, match="seed: 5 stored, 0 given"):
        open_run_dir(tmp_path, RECIPE)


def test_differences_from_an_earlier_run_are_named(tmp_path):
    recipe = RECIPES["compact"].network
    open_run_dir(tmp_path, recipe)
    (tmp_path / fit.BEST_WEIGHTS).touch()
    first, second = recipe.phases
    shorter = dataclasses.replace(first, steps=5)
    with pytest.raises(ValueError, match=r"\(phases.0.steps: 11000 stored, 5 given"):
        open_run_dir(tmp_path, dataclasses.replace(recipe, phases=(shorter, second)))
    with pytest.raises(ValueError, match=r"\(phases.1: {.*} stored, None given"):
        open_run_dir(tmp_path, dataclasses.replace(recipe, phases=(first,)))


def test_a_nan_stops_and_keeps_the_last_good_state(tmp_path):
    with pytest.raises(fit.TrainingDiverged, match="the loss became nan in epoch 3"):
        _fit(tmp_path, _failing_at(7, np.float32(np.nan)))
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["epoch-000001.npz", "epoch-000002.npz"]
    network = _convolution()
    network.load_weights(tmp_path / fit.BEST_WEIGHTS)
    assert all(np.all(np.isfinite(np.asarray(w))) for w in network.weights)


def test_unfolding_shares_the_layers_and_copies_the_scalars():
    one = trainable()
    one.stages[0].solver.alpha.logarithm.assign(0.7)
    three = one.with_changes(num_stages=3)
    assert three.deblocker is one.deblocker and three.classifier is one.classifier
    for stage in three.stages:
        np.testing.assert_allclose(np.asarray(stage.solver.alpha.logarithm), 0.7)
    y = VALIDATION[0]
    first = three(y, return_stages=True)[0]
    np.testing.assert_array_equal(np.asarray(first["x"]), np.asarray(one(y)))


def test_the_learning_rate_warms_up_and_falls_to_zero():
    schedule = dataclasses.replace(SCHEDULE, steps=1000, steps_per_epoch=500)
    optimizer = fit.optimizer(schedule)
    rates = []
    for step in (0, 20, 500, 1000):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates[0] == 0 and rates[3] < 1e-8
    np.testing.assert_allclose(rates[1], 3e-3, rtol=1e-5)
    assert rates[1] > rates[2] > rates[3]


def test_a_grey_network_becomes_one_that_restores_the_luma_of_colour():
    grey = trainable()
    rng = np.random.default_rng(0)
    grey.deblocker.tail.kernel.assign(rng.normal(0, 0.1, (4, 4, 1, 4)))
    grey.deblocker.tail.bias.assign([0.1])
    colour = DualPriorNetwork(
        Deblocker(3, features=4, num_units=1, reduced=2, scale=2),
        CompressionClassifier(4, (2, 1)),
        1,
    )
    colour.build((None, None, None, 3))
    start_from(colour, grey)
    rgb = rng.uniform(size=(1, 12, 10, 3)).astype(np.float32)
    luma = rgb @ np.float32(LUMA_WEIGHTS)[:, None]
    change = np.asarray(colour.deblocker(rgb)) - rgb
    expected = np.asarray(grey.deblocker(luma)) - luma
    np.testing.assert_allclose(change, np.repeat(expected, 3, axis=-1), atol=1e-5)
    for part in ("alpha", "beta"):
        values = [getattr(n.stages[0].solver, part).value() for n in (grey, colour)]
        np.testing.assert_array_equal(*map(np.asarray, values))


def test_a_network_starts_from_one_of_its_kind_only():
    with pytest.raises(ValueError, match="Expected the 1 stages"):
        start_from(trainable(), trainable(num_stages=2))
    with pytest.raises(ValueError, match="'reduced': 2.*'reduced': 3"):
        start_from(trainable(), trainable(reduced=3))
    with pytest.raises(ValueError, match="'Deblocker'.*'PyramidDeblocker'"):
        start_from(trainable(), _pyramid((4, 6, 8)))


def _grow(small, large):
    """Asserts that `large`, started from `small`, computes the same, and not back."""
    for weight in small.deblocker.weights:  # biases, too, and a tail that is seen
        weight.assign(np.random.default_rng(1).normal(0, 0.1, weight.shape))
    start_from(large, small)
    y = VALIDATION[0]
    expected = np.asarray(small(y))
    assert np.abs(expected - y).max() > 0.01
    np.testing.assert_allclose(np.asarray(large(y)), expected, atol=1e-6)
    with pytest.raises(ValueError, match="from a smaller one"):
        start_from(small, large)


def test_a_deblocker_starts_from_a_smaller_one_and_computes_the_same():
    large = trainable(features=7, num_units=4)
    _grow(trainable(num_units=2), large)
    # What is new can learn: nothing reads it yet, but it reads.
    units = large.deblocker.units
    assert np.asarray(units[0].convolutions[0].kernel)[:, :, :4, 4:].all()
    assert np.asarray(units[3].convolutions[0].kernel).all()
    with pytest.raises(ValueError, match="from a smaller one"):
        start_from(trainable(), trainable(features=7))


def test_a_pyramid_starts_from_a_narrower_one_and_computes_the_same():
    wide = _pyramid((6, 10, 8))
    _grow(_pyramid((4, 6, 8)), wide)
    # What is new can learn: nothing reads it yet, but it reads.
    assert np.asarray(wide.deblocker.down[0].kernel)[..., :4, 6:].all()


def _pyramid(features):
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        PyramidDeblocker(features=features, depths=(2, 1, 1)),
        CompressionClassifier(4, (2, 1)),
        1,
        alpha_init=5.0,
    )
    network.build((None, None, None, 1))
    return network
