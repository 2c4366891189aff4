"""The dual prior network with one thing changed, as in Table 2 and Figure 8.

All of them are small, about 25,000 multiply-accumulates a pixel and stage, so that two
cores can train them to the end. Those with another de-blocker begin with random
weights; those with another unfolding or prior begin with the trained weights of the
first of them, `START`. All numbers are ours.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import skimage.data
from keras import ops

from dual_prior import jpeg
from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.operators import image_gradient
from dual_prior.network.prior_effect import FINEST
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.baselines.ista import ista

# From the preset of a trained stage, `START`, which de-blockers do not need.
Make = Callable[[Any], DualPriorNetwork]

_MOVE = 1 / 255  # of g, root mean square, where lambda2 and eta are held
_HELD_ETA, _HELD_QUALITY = 0.1, 20

# Where those of `compact` began.
_SCALARS: dict[str, Any] = {
    "alpha_init": 10.0,
    "beta_init": 0.1,
    "lambda2_init": 0.001,
    "eta_init": 0.01,
}

_DEBLOCKERS: dict[str, Callable[[], keras.layers.Layer | dict[str, Any]]] = {
    "pyramid": lambda: {"features": (48, 64, 96), "depths": (1, 2, 2), "scale": 2},
    "the paper's units": lambda: Deblocker(
        features=57, num_units=1, reduced=16, dilations=(1, 2, 3), scale=2,
        name="deblocker",
    ),
    "DnCNN": lambda: dncnn(depth=5, features=30, batch_normalization=False),
    "l1 sparsity": lambda: ista(iterations=7, features=20),
}  # fmt: skip


def _with_deblocker(name: str, start: str | None) -> DualPriorNetwork:
    """One stage with J = 0 around an untrained de-blocker; f_s of `compact`."""
    del start
    return DualPriorNetwork.from_preset(
        "compact", num_stages=1, num_descent_steps=0, deblocker=_DEBLOCKERS[name](),
        **_SCALARS,
    )  # fmt: skip


def _changed(start: str, **changes) -> DualPriorNetwork:
    """The network at `start` with these changes; K = 2, J = 1 unless they say so."""
    unfolded = {"num_stages": 2, "num_descent_steps": 1}
    return DualPriorNetwork.from_preset(start, **unfolded | changes)


def _without_the_gradient_term(start: str) -> DualPriorNetwork:
    # Near 0, beta removes g and the gradient of x from Eq. 10.
    network = _changed(start, beta_init=1e-9)
    for stage in network.stages:
        stage.solver.beta.trainable = False
    return network


def _with_random_classifier(network: DualPriorNetwork) -> DualPriorNetwork:
    for weight in network.classifier.weights:
        if len(weight.shape) > 1:
            weight.assign(keras.initializers.HeNormal()(weight.shape))
    return network


def held_on():
    """The compressed photograph of `held`, in parts `[64, 64, 64, 1]`, in [0, 1]."""
    luma = jpeg.luma(skimage.data.astronaut())
    parts = jpeg.compress(luma, _HELD_QUALITY).reshape(8, 64, 8, 64).swapaxes(1, 2)
    return ops.convert_to_tensor(parts.reshape(64, 64, 64, 1).astype(np.float32) / 255)


def held(network: DualPriorNetwork) -> DualPriorNetwork:
    """Fixes the scalars so that g moves and x follows it, which training gives up.

    beta is such that x takes half of the finest gradients of g; lambda2 and eta are
    such that the J steps would move g by one grey level (root mean square) on parts of
    a compressed photograph, if the derivative stayed as it is there.
    """
    y = held_on()
    g = image_gradient(y)
    _, slope = value_and_input_gradient(network.classifier, g)
    slope = float(np.sqrt(np.mean(np.square(ops.convert_to_numpy(slope))))) * 64**2
    for stage in network.stages:
        steps = max(1, stage.descent.num_steps)
        alpha = float(ops.convert_to_numpy(stage.solver.alpha.value()))
        for scalar, value in (
            (stage.solver.beta, (1 + alpha) / FINEST),
            (stage.descent.lambda2, _MOVE / (steps * _HELD_ETA * slope)),
            (stage.descent.eta, _HELD_ETA),
        ):
            scalar.logarithm.assign(float(np.log(value)))
            scalar.trainable = False
    return network


# By name, what makes a model from the preset of a trained stage, `START`.
ONE, WHOLE, WITHOUT, RANDOM = "K = 1", "K = 2", "J = 0", "random classifier"
HELD_WITHOUT, HELD_WITH = "held: J = 0", "held: J = 1"
STAGES: dict[str, Make] = {
    f"K = {k}": functools.partial(_changed, num_stages=k) for k in (1, 2, 3, 5, 7)
}
PRIORS: dict[str, Make] = {
    WITHOUT: functools.partial(_changed, num_descent_steps=0),
    "J = 3": functools.partial(_changed, num_descent_steps=3),
    RANDOM: lambda start: _with_random_classifier(_changed(start)),
    "no gradient term": _without_the_gradient_term,
}
HELD: dict[str, Make] = {
    HELD_WITHOUT: lambda start: held(_changed(start, num_descent_steps=0)),
    HELD_WITH: lambda start: held(_changed(start)),
    "held: J = 3": lambda start: held(_changed(start, num_descent_steps=3)),
    "held: random classifier": lambda start: held(
        _with_random_classifier(_changed(start))
    ),
}
DEBLOCKERS: dict[str, Make] = {
    f"de-blocker: {name}": functools.partial(_with_deblocker, name)
    for name in _DEBLOCKERS
}
START, PAPERS_UNITS, *_ = DEBLOCKERS
ABLATIONS = DEBLOCKERS | STAGES | PRIORS | HELD
