"""Draws what the network does to a picture, stage by stage."""

import numpy as np
from PIL import Image

from dual_prior.drawing.sheet import sheet_png
from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.restoration.restorer import Restorer
from dual_prior.restoration.tiles import GRID

_SIDE = 256  # ours, pixels of the part that is drawn


def stages_png(
    restorer: Restorer, pixels: np.ndarray, tables: Tables = UNKNOWN
) -> bytes:
    """A PNG file of what each stage did to the middle of a picture.

    A row a stage: u (Eq. 8), the horizontal part of g (Eq. 9) and how far it moved, the
    derivative of the classifier there, x (Eq. 10) and the share of g in its finest
    gradients, with the energy of Eq. 4 and the probability.

    Args:
        restorer: The owner of the network.
        pixels: `[H, W]` or `[H, W, 3]`, uint8 or uint16.
        tables: Quantization tables of the JPEG file, as they lie on the pixels.
    """
    import keras

    from dual_prior.network.backend import value_and_input_gradient
    from dual_prior.network.operators import image_gradient
    from dual_prior.network.prior_effect import moves_of_g, shares_of_g
    from dual_prior.restoration.pixels import seen_by

    network = restorer.unfolding
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    top, left = _middle(planes)
    part = planes[top : top + _SIDE, left : left + _SIDE]
    aux = tables.part(top, left).planes(*part.shape[:2])[None, ..., :1]
    y = keras.ops.convert_to_tensor(seen_by(network.channels, part)[None])

    def derivative(g):
        return value_and_input_gradient(network.classifier, g)[1]

    def numpy(tensor):
        return keras.ops.convert_to_numpy(tensor)[0]

    gradient = image_gradient(y)
    # One scale for all stages, so that they can be compared.
    steepest = np.abs(numpy(gradient)).max() or 1.0
    strongest = np.abs(numpy(derivative(gradient))).max() or 1.0
    channels = network.channels
    cells = [
        [
            ("y, the picture", _grey(numpy(y))),
            ("grad y, horizontal", _signed(numpy(gradient), channels, steepest)),
            ("d f_s / d g", _signed(numpy(derivative(gradient)), channels, strongest)),
        ]
    ]
    states = network(y, return_stages=True, aux=aux)
    effects = zip(
        states, moves_of_g(y, states), shares_of_g(network.stages), strict=True
    )
    for k, (state, moved, share) in enumerate(effects, start=1):
        energy, probability = float(numpy(state["energy"])), numpy(state["probability"])
        slope = numpy(derivative(state["g"]))
        cells.append(
            [
                (f"u{k}", _grey(numpy(state["u"]))),
                (
                    f"g{k}, moved {moved:.2g} levels",
                    _signed(numpy(state["g"]), channels, steepest),
                ),
                (
                    f"d f_s / d g, f_s = {float(probability):.3f}",
                    _signed(slope, channels, strongest),
                ),
                (
                    f"x{k}, {share:.0%} of g, energy {energy:.1f}",
                    _grey(numpy(state["x"])),
                ),
            ]
        )
    return sheet_png(cells, min_width=_SIDE)


def _middle(planes: np.ndarray) -> tuple[int, ...]:
    """The place of the part that is drawn, on the grid of blocks."""
    return tuple(max(0, side - _SIDE) // 2 // GRID * GRID for side in planes.shape[:2])


def _grey(image: np.ndarray) -> Image.Image:
    return _as_image(np.clip(image.mean(axis=-1), 0, 1) * 255)


def _signed(field: np.ndarray, channels: int, largest: float) -> Image.Image:
    """The horizontal part of a field, 0 as mid grey; square roots show small values."""
    values = field[..., :channels].mean(axis=-1) / largest
    roots = np.sign(values) * np.sqrt(np.abs(np.clip(values, -1, 1)))
    return _as_image(127.5 + 127.5 * roots)


def _as_image(levels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round(levels).astype(np.uint8))
