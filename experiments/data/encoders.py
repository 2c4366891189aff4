"""The JPEG encoders that pictures are compressed with in training and measuring.

Most files were written by libjpeg-turbo (most programs), by mozjpeg (web sites; its own
tables, and trellis quantization, which changes coefficients to save bytes), by jpegli
(Google's; adaptive quantization within one table), or by a camera or an editor with its
own tables. libjpeg-turbo comes with Pillow; the others with `pip install
dual-prior[encoders]`.

Progressive files hold the same coefficients as baseline ones, so they are not used.
"""

import dataclasses
import importlib.util
import io
from typing import Any

import numpy as np
from PIL import Image

from dual_prior.jpeg.table_plane import Tables

LIBJPEG, MOZJPEG, JPEGLI = "libjpeg-turbo", "mozjpeg", "jpegli"
_PACKAGES = {LIBJPEG: "PIL", MOZJPEG: "pyvips", JPEGLI: "pyjpegli"}

# Rows and columns of the picture that share a sample of chroma.
SUBSAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}

# The tables that mozjpeg offers: 0 is libjpeg's, 3 its own default, 2 and 4 are tuned
# for the measures MS-SSIM and PSNR-HVS-M. Those left out are flat, or very coarse.
_MOZJPEG_TABLES = (3, 3, 3, 0, 2, 4)


def installed() -> tuple[str, ...]:
    """The encoders whose packages are installed, libjpeg-turbo first."""
    return tuple(
        encoder
        for encoder, package in _PACKAGES.items()
        if importlib.util.find_spec(package)
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a picture is encoded.

    Attributes:
        encoder: `LIBJPEG`, `MOZJPEG` or `JPEGLI`, whose package writes colour at 4:2:0
            only.
        quality: 1 to 100, as that encoder counts it.
        subsampling: A key of `SUBSAMPLINGS`.
        tables: Luma's and chroma's for libjpeg-turbo, `[2, 8, 8]`; by default those of
            the quality.
        mozjpeg_table: Number of mozjpeg's tables, 0 to 8.
    """

    encoder: str = LIBJPEG
    quality: int = 75
    subsampling: str = "4:2:0"
    tables: np.ndarray | None = None
    mozjpeg_table: int = 3


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The content of a JPEG file.

    Attributes:
        planes: Y, Cb, Cr of the file (full range), chroma upsampled to the size of the
            picture by libjpeg, `[H, W, 3]`, uint8. Cb and Cr of a grey file are 128.
        tables: Of Y, Cb and Cr; steps of 0 for the chroma of a grey file.
    """

    planes: np.ndarray
    tables: Tables


def encode(picture: np.ndarray, settings: Settings) -> bytes:
    """The JPEG file of a picture `[H, W, 3]`, or a grey one `[H, W]`, uint8.

    Raises:
        ValueError: jpegli does not offer these settings.
        ImportError: The encoder is not installed.
    """
    picture = np.ascontiguousarray(picture)
    if settings.encoder == JPEGLI:
        return _jpegli(picture, settings)
    if settings.encoder == MOZJPEG:
        return _mozjpeg(picture, settings)
    options: dict = {"quality": settings.quality}
    if settings.tables is not None:
        options = {"qtables": [table.ravel().tolist() for table in settings.tables]}
    if picture.ndim == 3:
        options["subsampling"] = settings.subsampling
    elif "qtables" in options:
        options["qtables"] = options["qtables"][:1]
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def _mozjpeg(picture: np.ndarray, settings: Settings) -> bytes:
    import pyvips

    height, width = picture.shape[:2]
    image = pyvips.Image.new_from_memory(
        picture.data, width, height, picture.size // (height * width), "uchar"
    )
    return image.jpegsave_buffer(
        Q=settings.quality,
        quant_table=settings.mozjpeg_table,
        subsample_mode="on" if settings.subsampling == "4:2:0" else "off",
        trellis_quant=True,
        overshoot_deringing=True,
    )


def _jpegli(picture: np.ndarray, settings: Settings) -> bytes:
    import pyjpegli

    if picture.ndim != 3 or settings.subsampling != "4:2:0":
        raise ValueError(
            "jpegli: expected a colour picture and 4:2:0, got "
            f"{list(picture.shape)} and {settings.subsampling}."
        )
    height, width = picture.shape[:2]
    return pyjpegli.encode(picture.tobytes(), width, height, settings.quality)


def decode(data: bytes) -> Decoded:
    """Decodes a JPEG file by libjpeg-turbo."""
    image: Any = Image.open(io.BytesIO(data))  # a JpegImageFile
    steps = np.zeros((3, 8, 8), np.uint16)
    for channel, (*_, table) in enumerate(image.layer):
        steps[channel] = np.reshape(image.quantization[table], (8, 8))
    if image.mode == "L":
        plane = np.asarray(image)
        planes = np.stack([plane, *[np.full_like(plane, 128)] * 2], axis=-1)
        return Decoded(planes, Tables(steps))
    image.draft("YCbCr", image.size)  # RGB would be rounded and clipped once more
    (_, *luma, _), (_, *chroma, _) = image.layer[:2]
    columns, rows = (luma[axis] // chroma[axis] for axis in (0, 1))
    return Decoded(np.asarray(image), Tables(steps, (rows, columns)))


def odd_tables(
    quality: int,
    rng: np.random.Generator,
    bases: tuple[float, float] = (14, 18),
    least_growth: float = 0.3,
) -> np.ndarray:
    """Tables about as strong as libjpeg's of a quality, of another shape.

    Cameras and editors have tables of their own; most grow along both frequencies, some
    faster and some slower than libjpeg's. All numbers are ours.

    Args:
        quality: As libjpeg counts, 1 to 99.
        rng: The generator that draws the shape.
        bases: Steps of luma and of chroma at frequency 0 and quality 50.
        least_growth: Of the logarithm of the steps, from the lowest frequency to the
            highest, the smallest that is drawn.

    Returns:
        `[2, 8, 8]`, uint16, 1 to 255.
    """
    frequency = np.add.outer(np.arange(8), np.arange(8)) / 14
    strength = 5000 / quality if quality < 50 else 200 - 2 * quality
    tables = []
    for base in bases:
        shape = base * np.exp(rng.uniform(least_growth, 2.3) * frequency)
        noise = np.exp(rng.normal(0, 0.1, (8, 8)))
        table = np.clip(np.round(shape * noise * strength / 100), 1, 255)
        tables.append(table.astype(np.uint16))
    return np.stack(tables)


def draw_settings(
    rng: np.random.Generator,
    qualities: tuple[int, int] = (5, 100),
    low_bias: float = 1.4,
    grey: bool = False,
    encoders: tuple[str, ...] = (LIBJPEG,),
) -> Settings:
    """Random settings like those of real files; all shares are ours.

    Args:
        rng: The generator that draws them.
        qualities: The lowest and the highest, as libjpeg counts.
        low_bias: Qualities are low + (high - low) u^low_bias, u uniform.
        grey: For a grey picture.
        encoders: To draw from, of those `installed`; libjpeg-turbo takes the share of
            the others.
    """
    low, high = qualities
    quality = round(low + (high - low) * rng.random() ** low_bias)
    subsampling = str(rng.choice(list(SUBSAMPLINGS), p=(0.25, 0.1, 0.65)))
    kind = rng.random()
    if kind < 0.15 and MOZJPEG in encoders:
        return Settings(
            MOZJPEG,
            quality,
            "4:4:4" if subsampling == "4:2:2" else subsampling,
            mozjpeg_table=int(rng.choice(_MOZJPEG_TABLES)),
        )
    if 0.15 <= kind < 0.3 and JPEGLI in encoders and not grey:
        return Settings(JPEGLI, quality)
    tables = None
    if kind > 0.85:
        bases = (14, rng.uniform(12, 30))
        tables = odd_tables(quality, rng, bases=bases, least_growth=0.0)
    return Settings(LIBJPEG, quality, subsampling, tables)
