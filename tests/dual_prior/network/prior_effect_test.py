from types import SimpleNamespace

import numpy as np
import pytest

from dual_prior.network.fft_solver import FFTSolver
from dual_prior.network.operators import image_gradient
from dual_prior.network.prior_effect import moves_of_g, shares_of_g
from tests.conftest import made_picture


def test_moves_are_measured_from_the_input_of_each_stage():
    y = made_picture()[None, :, :, None].astype(np.float32) / 255
    x = y[:, ::-1]
    states = [
        {"g": image_gradient(y) + 2 / 255, "x": x},
        {"g": image_gradient(x), "x": y},
    ]
    assert moves_of_g(y, states) == pytest.approx([2, 0], abs=1e-4)


def test_shares_are_those_that_the_solver_gives_to_the_finest_gradients():
    stage = SimpleNamespace(solver=FFTSolver(alpha_init=3.0, beta_init=0.2))
    finest = np.float32(np.indices((8, 8)).sum(axis=0) % 2)[None, :, :, None]
    nothing = np.zeros_like(finest)
    x = stage.solver(nothing, nothing, image_gradient(finest))
    (share,) = shares_of_g([stage])
    assert np.ptp(np.asarray(x)) == pytest.approx(share, rel=1e-4)
