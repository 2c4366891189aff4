import dataclasses

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dual_prior.network.operators import image_gradient
from experiments.training import fit
from experiments.training.losses import psnr
from tests.experiments.training import fit_test


def test_the_stages_are_logged_with_the_validated_weights(tmp_path):
    network = fit_test.trainable(num_stages=2)
    schedule = dataclasses.replace(fit_test.SCHEDULE, steps=3)
    network.compile(fit.optimizer(schedule), "mean_absolute_error", metrics=[psnr])
    images = fit_test.VALIDATION[0]
    fit.fit(
        network,
        batch_of=fit_test.pair,
        validation=fit_test.VALIDATION,
        schedule=schedule,
        folder=tmp_path,
        score=lambda metrics: metrics["psnr"],
        title="test",
        watched=images,
    )
    # `network` has the best weights, those of the one validation.
    log = EventAccumulator(str(tmp_path / "tensorboard" / "stages"))
    log.Reload()
    tags = {name: log.Tensors(name) for name in log.Tags()["tensors"]}

    def logged(name):
        (event,) = tags[name]
        return float(tf.make_ndarray(event.tensor_proto))

    states = network(images, return_stages=True)
    x = images
    for k, (stage, state) in enumerate(zip(network.stages, states, strict=True), 1):
        for name, scalar in (
            ("alpha", stage.solver.alpha),
            ("beta", stage.solver.beta),
            ("lambda2", stage.descent.lambda2),
            ("eta", stage.descent.eta),
        ):
            np.testing.assert_allclose(
                logged(f"stage {k}/{name}"), float(np.asarray(scalar.value())), 1e-5
            )
        moved = 255 * np.asarray(state["g"] - image_gradient(keras.ops.array(x)))
        np.testing.assert_allclose(
            logged(f"stage {k}/g moves, grey levels"),
            np.sqrt(np.mean(np.square(moved))),
            rtol=1e-3,
        )
        x = state["x"]
        for name in ("u", "g", "x"):
            (event,) = tags[f"stage {k}/{name}"]
            width, height, *pictures = tf.make_ndarray(event.tensor_proto)
            assert (width, height, len(pictures)) == (b"16", b"16", len(images))
