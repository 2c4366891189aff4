"""Colour: luma by the unfolding, then chroma, guided by it. Beyond the paper.

A 4:2:0 file keeps a quarter of the samples of Cb and Cr, and rounds them more coarsely
than luma's. But where colours change, luma nearly always does, too, and it has been
restored by then.

    Y -----------------> DualPriorNetwork --+-----------------------> Y restored
    table of Y --------/                    |
    Cb, Cr ------------------------------> PyramidDeblocker --------> Cb, Cr restored
    tables of Cb, Cr -------------------/

The local mean is subtracted from all inputs of the chroma part. Otherwise it does not
learn: the mean dominates every feature map, and the errors of flat patches, of either
sign, drown the gradient (experiments/NOTES.md).
"""

import os

import keras
from keras import ops

from dual_prior.network import preset_files
from dual_prior.network.operators import local_mean
from dual_prior.network.parts import image_spec, serialized
from dual_prior.network.presets import Preset, RestorationProfile
from dual_prior.network.unfolding import DualPriorNetwork

_CHANNELS = 3  # Y, Cb, Cr
_MEAN_OVER = 33  # ours, pixels: side of the square whose mean is subtracted
_CHROMA_AUX = 3  # restored Y, tables of Cb and of Cr, which jpegli writes apart


@keras.saving.register_keras_serializable(package="dual_prior")
class ColourNetwork(keras.Model):
    """Restores Y, Cb and Cr of a JPEG file.

    Args:
        luma: A network of one channel. Its de-blocker sees the table of Y if its
            `aux_channels` is 1.
        chroma: A `PyramidDeblocker` of 2 channels and `aux_channels` of 3, or any layer
            of that signature.
        dtype: Has no effect: float32. The parts have policies of their own.

    Call arguments:
        planes: Y, Cb and Cr of JFIF (full range), chroma at the size of the picture,
            `[B, H, W, 3]`, float32 in [0, 1]; Cb and Cr are 128 / 255 for grey.
        aux: The planes of their tables, `[B, H, W, 3]`: see
            `dual_prior.jpeg.table_plane`; None for zeros: unknown.

    Returns:
        The restored planes, shaped like `planes`, float32, not clipped. Errors of
        chroma do not train luma.

    Departs from the paper, which restores luma alone.

    Example:
        >>> luma = dual_prior.DualPriorNetwork.from_preset("compact")
        >>> chroma = dual_prior.PyramidDeblocker(
        ...     channels=2, features=(4, 8), depths=(1, 1), aux_channels=3
        ... )
        >>> network = dual_prior.ColourNetwork(luma, chroma)
        >>> tuple(network(np.full((1, 16, 16, 3), 0.5, np.float32)).shape)
        (1, 16, 16, 3)
    """

    def __init__(self, luma: DualPriorNetwork, chroma: keras.layers.Layer, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.luma = luma
        self.chroma = chroma
        self.input_spec = image_spec(_CHANNELS)

    @property
    def aux_channels(self) -> int:
        """Number of planes beside the image."""
        return _CHANNELS

    @property
    def channels(self) -> int:
        """Number of channels."""
        return _CHANNELS

    def build(self, planes_shape, aux_shape=None):
        if not self.luma.built:
            self.luma.build((*planes_shape[:-1], 1))
        if not self.chroma.built:
            shape = planes_shape[:-1]
            self.chroma.build((*shape, _CHANNELS - 1), (*shape, _CHROMA_AUX))

    def call(self, planes, aux=None):
        if aux is None:
            aux = ops.zeros_like(planes)
        luma = self.luma(planes[..., :1], aux=aux[..., :1])
        guided = ops.concatenate([ops.stop_gradient(luma), aux[..., 1:]], axis=-1)
        chroma = planes[..., 1:]
        mean = local_mean(chroma, _MEAN_OVER)
        seen = guided - local_mean(guided, _MEAN_OVER)
        chroma = mean + self.chroma(chroma - mean, seen)
        return ops.concatenate([luma, chroma], axis=-1)

    def compute_output_shape(self, planes_shape, aux_shape=None):
        return planes_shape

    def compute_output_spec(self, planes, aux=None):
        return keras.KerasTensor(planes.shape, "float32")

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike | Preset,
        weights: str | os.PathLike | None = "shipped",
    ) -> "ColourNetwork":
        """See `DualPriorNetwork.from_preset`."""
        return preset_files.load((cls,), preset, weights, {})

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        profile: RestorationProfile | None = None,
        overwrite: bool = False,
    ) -> None:
        """See `DualPriorNetwork.save_to_preset`."""
        # Never compiled, and so without an optimiser.
        network = type(self)(self.luma.with_changes(), self.chroma, name=self.name)
        network.build((None, None, None, _CHANNELS))
        preset_files.save(network, folder, profile or RestorationProfile(), overwrite)

    def get_config(self):
        parts = {"luma": serialized(self.luma), "chroma": serialized(self.chroma)}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("luma", "chroma")
        }
        return cls(**{**config, **parts})


def load_network(
    preset: str | os.PathLike | Preset, weights: str | os.PathLike | None = "shipped"
) -> DualPriorNetwork | ColourNetwork:
    """The network of a preset, of either kind: see `DualPriorNetwork.from_preset`."""
    return preset_files.load((DualPriorNetwork, ColourNetwork), preset, weights, {})


def unfolding_of(network: DualPriorNetwork | ColourNetwork) -> DualPriorNetwork:
    """The part of a network that has stages and a classifier."""
    return network.luma if isinstance(network, ColourNetwork) else network
