"""The contenders at equal cost: the baselines, and `compact`.

Each has about 300,000 multiply-accumulates a pixel, or the size published if that is
less. TNRD's compute is in its influence functions, which do not count as
multiply-accumulates: it is reduced, too. All numbers are ours.
"""

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.baselines.arcnn import arcnn
from experiments.contenders.baselines.dcsc import dcsc
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.baselines.lpio import lpio
from experiments.contenders.baselines.memnet import memnet
from experiments.contenders.baselines.rdn import rdn
from experiments.contenders.baselines.rnan import rnan
from experiments.contenders.baselines.tnrd import tnrd
from experiments.training.classifier_model import load_classifier


def _untrained_compact(classifier: str | None) -> DualPriorNetwork:
    network = DualPriorNetwork.from_preset("compact", weights=None)
    if classifier is not None:
        load_classifier(network, classifier)
    return network


# By name, what makes a model from the path of a trained classifier, or None. Baselines
# know of no classifier.
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
COMPACT = "compact"
CONTENDERS = BASELINES | {COMPACT: _untrained_compact}
