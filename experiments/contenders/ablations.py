"""The dual prior network with one thing changed, as in Table 2 and Figure 8."""

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.training.classifier_model import load_classifier


def ablated(
    classifier: str | None, gradient_term: bool = True, **changes
) -> DualPriorNetwork:
    """The untrained network of `compact` with the changes of the arguments.

    Args:
        classifier: Weights that `train_classifier` wrote; None leaves random ones.
        gradient_term: False fixes beta near 0, so that the solver's gradient term and
            g drop out of Eq. 10.
        **changes: Arguments of `DualPriorNetwork`: `deblocker`, another de-blocker;
            `num_stages`, K; `num_descent_steps`, J, where 0 is the network without the
            semantic-level prior.

    Raises:
        OSError, ValueError: The classifier cannot be read.
    """
    if not gradient_term:
        changes["beta_init"] = 1e-9
    network = DualPriorNetwork.from_preset("compact", weights=None, **changes)
    if classifier is not None:
        load_classifier(network, classifier)
    if not gradient_term:
        for stage in network.stages:
            stage.solver.beta.trainable = False
    return network
