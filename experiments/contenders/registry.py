"""The contenders at equal cost: the baselines and the ablations.

Ablations change the network around the paper's de-blocker, made small: two of its units
at half the resolution. `compact` has another de-blocker, and is a contender, too.
Each has about 300,000 multiply-accumulates a pixel, or the size published if that is
less; the ablations of K and J have what these cost. TNRD's compute is in its influence
functions, which do not count as multiply-accumulates: it is reduced, too. All numbers
are ours.
"""

import functools
from collections.abc import Callable

import keras

from dual_prior.network.deblocker import Deblocker
from experiments.contenders.ablations import ablated
from experiments.contenders.baselines.arcnn import arcnn
from experiments.contenders.baselines.dcsc import dcsc
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.baselines.ista import ista
from experiments.contenders.baselines.lpio import lpio
from experiments.contenders.baselines.memnet import memnet
from experiments.contenders.baselines.rdn import rdn
from experiments.contenders.baselines.rnan import rnan
from experiments.contenders.baselines.tnrd import tnrd


def units() -> Deblocker:
    """The paper's de-blocker, made small."""
    return Deblocker(
        features=98,
        num_units=2,
        reduced=16,
        dilations=(1, 2, 3),
        scale=2,
        name="deblocker",
    )


def _changed(
    deblocker: Callable[[], keras.layers.Layer] = units, **changes
) -> Callable[[str | None], keras.Model]:
    return lambda classifier: ablated(classifier, deblocker=deblocker(), **changes)


# By name, what makes a model from the path of a trained classifier. Baselines know of
# no classifier.
BASELINES = {
    "ARCNN": lambda _: arcnn(),
    "TNRD": lambda _: tnrd(stages=4, filters=24, bumps=15),
    "DnCNN": lambda _: dncnn(depth=10),
    "LPIO": lambda _: lpio(),
    "DCSC": lambda _: dcsc(iterations=8, features=48),
    "MemNet": lambda _: memnet(blocks=3, recursions=2, features=48),
    "RNAN": lambda _: rnan(blocks=3, features=30),
    "RDN": lambda _: rdn(blocks=3, layers=4, growth=28, features=36),
}
DUAL_PRIOR = {"dual prior": _changed()}
PYRAMID = {"dual prior, pyramid": ablated}
PYRAMID_WITHOUT = {
    "pyramid without classifier": functools.partial(ablated, num_descent_steps=0)
}
DEBLOCKERS = {
    "l1 sparsity": _changed(deblocker=ista),
    "DnCNN as de-blocker": _changed(
        deblocker=functools.partial(dncnn, depth=6, batch_normalization=False)
    ),
    **PYRAMID,
}
STAGES = {f"K = {k}": _changed(num_stages=k) for k in (1, 3, 5, 7)}
PRIORS = {
    "without classifier": _changed(num_descent_steps=0),
    "J = 3": _changed(num_descent_steps=3),
    "no gradient term": _changed(gradient_term=False),
    "random classifier": lambda _: ablated(None, deblocker=units()),
}
CONTENDERS = BASELINES | DUAL_PRIOR | DEBLOCKERS | STAGES | PRIORS | PYRAMID_WITHOUT
