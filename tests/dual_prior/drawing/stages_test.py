import io

import keras
import numpy as np
import pytest
from PIL import Image

from dual_prior.drawing.stages import stages_png
from dual_prior.network.colour_network import load_network, unfolding_of
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from tests.conftest import made_picture


@pytest.mark.parametrize("preset", ["compact", "photo"])
@pytest.mark.parametrize("size", [(40, 24), (300, 500)])
def test_a_row_a_stage_is_drawn(preset, size, tmp_path):
    keras.utils.set_random_seed(0)
    weights = tmp_path / "some.weights.h5"
    network = load_network(preset, weights=None)
    network.save_weights(weights)
    plane = np.resize(made_picture(), size)
    for image in (plane, np.stack([plane] * 3, axis=-1)):
        sheet = stages_png(Restorer(Options(preset, str(weights))), image)
        drawn = Image.open(io.BytesIO(sheet))
        rows = 1 + len(unfolding_of(network).stages)
        assert drawn.height > rows * min(size[0], 256)
        assert drawn.width > 4 * min(size[1], 256)
