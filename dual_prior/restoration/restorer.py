"""Restores pictures with a network that is loaded only once."""

import functools
from collections.abc import Callable

import numpy as np
from keras import ops

from dual_prior.jpeg.coefficients import Coefficients
from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.jpeg.traces import Trace, find_trace, spread_parts, undone
from dual_prior.jpeg.ycc import RGB_FROM_YCC, to_ycc
from dual_prior.network.backend import compiled
from dual_prior.network.colour_network import (
    ColourNetwork,
    load_network,
    unfolding_of,
)
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.context import in_context, picture_contexts
from dual_prior.restoration.memory import largest_tile
from dual_prior.restoration.options import Options
from dual_prior.restoration.pixels import (
    check_picture,
    restore_array,
    seen_by,
)
from dual_prior.restoration.self_ensemble import self_ensemble
from dual_prior.restoration.symmetries import SYMMETRIES, turn
from dual_prior.restoration.tiles import GRID, OnTile


class Restorer:
    """Restores pictures with one network.

    Args:
        options: How they are restored.

    Raises:
        ValueError: No weights ship with the preset, or they do not fit it.
        OSError: The weights cannot be read.

    Example:
        >>> restorer = dual_prior.Restorer(dual_prior.Options(preset="compact"))
        >>> image = dual_prior.read_picture("photo.jpg").pixels
        >>> restored = restorer.restore(image)
        >>> restored.shape, 0 <= restorer.probability(image) <= 1
        ((48, 64, 3), True)
    """

    def __init__(self, options: Options | None = None):
        self.options = options = options or Options()
        self.network = load_network(
            options.preset,
            "shipped" if options.weights is None else options.weights,
        )

    def restore(
        self,
        image: np.ndarray,
        on_tile: OnTile | None = None,
        num_channels: int | None = None,
        tables: Tables | None = None,
        held: Coefficients | None = None,
        without_network: bool = False,
        trace: Trace | None = None,
    ) -> np.ndarray:
        """Restores a picture, whether it is clean or not.

        Args:
            image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16.
            on_tile: Called with (tiles done, tiles in all) after each tile.
            num_channels: Including alpha, which takes memory, too; by default the
                number of channels of `image`.
            tables: Quantization tables of the JPEG file, as they lie on `image`; None
                to look for traces in `image`.
            held: The coefficients of the file, to clip the result to their cells.
            without_network: Only clip, and guide chroma by luma.
            trace: What `find_trace` finds in `image`; its tables replace `tables`, and
                what came after its compression is undone first.

        Returns:
            Shaped like `image`, of its depth or of `Options.depth`.

        Raises:
            ValueError: `image` has another shape or type.
            MemoryError: It needs more than `Options.max_memory` even in small tiles.
        """
        check_picture(image)
        options = self.options
        if image.ndim == 3 and np.array_equal(
            image, np.broadcast_to(image[..., :1], image.shape)
        ):
            channels = num_channels or 3
            luma = self.restore(
                image[..., 0], on_tile, channels, tables, held, without_network, trace
            )
            return np.repeat(luma[..., None], 3, axis=-1)
        is_unchanged = without_network or not options.strength
        if tables is None:
            tables = UNKNOWN
            trace = None if is_unchanged else find_trace(image)
        tables = trace.tables if trace else tables
        tile = largest_tile(image, options, num_channels, held.nbytes if held else 0)
        part = self.unfolding if image.ndim == 2 else self.network
        network = _unchanged if is_unchanged else self._network_for(part, image, tile)
        if trace and not (trace.is_last or is_unchanged):
            network = _after_undoing(trace, network)
        return restore_array(
            image,
            network,
            channels=part.channels,
            strength=options.strength,
            dtype={None: None, 8: np.uint8, 16: np.uint16}[options.depth],
            tile=tile,
            on_tile=on_tile,
            tables=tables,
            held=held,
        )

    def is_clean(self, probability: float, trace: Trace | None = None) -> bool:
        """Whether a picture counts as clean, unless it is known to come from a JPEG.

        Args:
            probability: Of having been compressed: see `probability`.
            trace: What `find_trace` finds in it.
        """
        options = self.options
        if options.always or trace is not None:
            return False
        clean_below = find_preset(options.preset).profile.clean_below
        return probability < (clean_below or 0)

    @property
    def unfolding(self) -> DualPriorNetwork:
        """The part of the network that has stages and a classifier."""
        return unfolding_of(self.network)

    @functools.cached_property
    def _graphs(self) -> dict[int, Callable]:
        """Compiled on first use, by number of channels: `inspect` does not need any."""
        return {}

    def _graph(self, part: DualPriorNetwork | ColourNetwork) -> Callable:
        if part.channels not in self._graphs:
            graph = graph_of_pixels(part)
            if not part.aux_channels:
                graph = _without_tables(graph)
            self._graphs[part.channels] = graph
        return self._graphs[part.channels]

    def _network_for(self, part, image: np.ndarray, tile: int) -> Callable:
        """The function that restores the tiles of a picture."""
        planes = image[..., None] if image.ndim == 2 else image
        is_tiled = max(planes.shape[:2]) + GRID > tile  # rows to the grid may be added
        if not self.options.ensemble:
            return self._seeing(part, planes, is_tiled)
        # Whole blocks only, so that turned windows lie on the grid, too.
        height, width = (max(GRID, side // GRID * GRID) for side in planes.shape[:2])
        whole = planes[:height, :width]
        return self_ensemble(
            [self._seeing(part, turn(whole, s), is_tiled) for s in range(SYMMETRIES)]
        )

    def _seeing(self, part, planes: np.ndarray, is_tiled: bool) -> Callable:
        """The network; for tiles, with the contexts of the whole picture."""
        deblocker = getattr(part, "deblocker", None)
        if not is_tiled or not isinstance(deblocker, Deblocker):
            return self._graph(part)
        seen = functools.partial(seen_by, part.channels)
        contexts = picture_contexts(part, planes, seen)
        return _without_tables(functools.partial(in_context, part, contexts))

    def probability(self, image: np.ndarray) -> float:
        """f_s: the probability that a picture was compressed, 0 to 1.

        For a large picture, the mean over nine parts of it.

        Raises:
            ValueError: As for `restore`.
        """
        check_picture(image)
        values = []
        for part in spread_parts(image):
            planes = part[..., None] if part.ndim == 2 else part
            seen = seen_by(self.unfolding.channels, planes)
            value = self.unfolding.classifier(image_gradient(seen[None]))
            values.append(float(ops.convert_to_numpy(value)[0, 0]))
        return float(np.mean(values))


def graph_of_pixels(network: DualPriorNetwork | ColourNetwork) -> Callable:
    """A network compiled, as a function of pixels.

    Returns:
        Maps `[1, H, W, C]`, luma or red, green and blue, float32 in [0, 1], to the
        same; a network that uses tables also takes `Tables`.
    """
    graph = compiled(network, network.channels, network.aux_channels)
    if network.aux_channels:
        graph = _with_tables(graph, network.aux_channels)
    return _of_rgb(graph) if isinstance(network, ColourNetwork) else graph


def _unchanged(y: np.ndarray, *_) -> np.ndarray:
    return y


def _after_undoing(trace: Trace, network: Callable) -> Callable:
    """The network, of what the compression of an earlier trace left."""

    def restore(y, tables: Tables):
        # Where the picture begins within a block, the first block is padded.
        padded = [
            0 if of_part else of_picture
            for of_part, of_picture in zip(tables.origin, trace.origin, strict=True)
        ]
        return network(undone(y, tables, padded), tables)

    return restore


def _without_tables(graph: Callable) -> Callable:
    """A function of an image and its tables that does not use them."""
    return lambda y, _: graph(y)


def _with_tables(graph: Callable, aux_channels: int) -> Callable:
    """A function of an image and its tables."""

    def restore(y, tables: Tables):
        aux = tables.planes(*y.shape[1:3])[None, ..., :aux_channels]
        return graph(y, aux)

    return restore


def _of_rgb(graph: Callable) -> Callable:
    """The same of red, green and blue for a function of Y, Cb and Cr."""

    def restore(rgb, tables: Tables):
        planes = to_ycc(rgb, white=1)
        change = ops.convert_to_numpy(graph(planes, tables)) - planes
        return rgb + change @ RGB_FROM_YCC.T

    return restore
