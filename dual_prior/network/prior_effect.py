"""How much the semantic-level prior counts: how far g moves, and how x follows it."""

from collections.abc import Iterable, Sequence

import numpy as np
from keras import ops

from dual_prior.network.operators import image_gradient

FINEST = 8.0  # the largest eigenvalue of grad' grad
_GREY_LEVELS = 255.0


def moves_of_g(y, states: Iterable[dict]) -> list[float]:
    """How far each stage moves g from the gradient of its input (Eq. 9).

    Args:
        y: Compressed image `[B, H, W, C]`, in [0, 1].
        states: What the network returns for it with `return_stages`.

    Returns:
        The root mean square a stage, grey levels; 0 without descent.
    """
    moves, x = [], y
    for state in states:
        moved = ops.convert_to_numpy(state["g"] - image_gradient(x))
        moves.append(_GREY_LEVELS * float(np.sqrt(np.mean(np.square(moved)))))
        x = state["x"]
    return moves


def shares_of_g(stages: Sequence) -> list[float]:
    """Which share of the finest gradients of x is that of g, by Eq. 10, a stage.

        8 beta / (1 + alpha + 8 beta)

    The rest is that of y and u. 8 is the largest eigenvalue of grad' grad.

    Args:
        stages: Of a network.

    Returns:
        A share a stage, 0 to 1.
    """
    shares = []
    for stage in stages:
        alpha, beta = (
            float(ops.convert_to_numpy(scalar.value()))
            for scalar in (stage.solver.alpha, stage.solver.beta)
        )
        shares.append(FINEST * beta / (1 + alpha + FINEST * beta))
    return shares
