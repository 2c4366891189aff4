"""The dual prior network with one thing changed, as in Table 2 and Figure 8."""

import keras

from dual_prior.network.presets import Preset
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.training.classifier_model import load_classifier


class PlainDeblocker(keras.layers.Layer):
    """Another network in the de-blocker's place.

    Args:
        model: Maps images `[B, H, W, 1]` to images.

    Call arguments, Returns: As `dual_prior.network.deblocker.Deblocker`; there are no
        contexts.
    """

    channels = 1
    num_contexts = 0

    def __init__(self, model: keras.Model, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.model = model

    def build(self, shape):
        del shape  # the model is built

    def call(self, x, contexts=None, return_contexts=False):
        u = self.model(x)
        return (u, keras.ops.zeros((0,))) if return_contexts else u


def ablated(
    preset: Preset,
    classifier: str | None,
    num_stages: int | None = None,
    num_descent_steps: int | None = None,
    deblocker: keras.Model | None = None,
    gradient_term: bool = True,
) -> DualPriorNetwork:
    """The network of `preset`, changed as the arguments say.

    Args:
        classifier: Weights that `train_classifier` wrote; None leaves random ones.
        num_stages: K.
        num_descent_steps: J; 0 is the network without the semantic-level prior.
        deblocker: What takes the de-blocker's place.
        gradient_term: False holds beta at next to 0, so that the solver's gradient term
            and with it g drop out of Eq. 10.

    Raises:
        OSError, ValueError: The classifier cannot be read.
    """
    network = DualPriorNetwork.from_preset(preset, weights=None)
    if classifier is not None:
        load_classifier(network, preset, classifier)
    config = network.get_config()
    config |= {"deblocker": network.deblocker, "classifier": network.classifier}
    if num_stages is not None:
        config["num_stages"] = num_stages
    if num_descent_steps is not None:
        config["num_descent_steps"] = num_descent_steps
    if deblocker is not None:
        config["deblocker"] = PlainDeblocker(deblocker, name="deblocker")
    if not gradient_term:
        config["beta_init"] = 1e-9
    changed = DualPriorNetwork(**config)
    changed.build((None, None, None, preset.channels))
    if not gradient_term:
        for stage in changed.stages:
            stage.solver.beta.trainable = False
    return changed
