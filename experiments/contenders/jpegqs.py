"""jpegqs, a popular tool: JPEG Quant Smooth, by Ilya Kurdyukov.

Debian has it in the package of that name. It takes a JPEG file and writes one that is
smoother between the blocks, each coefficient within what the file allows.
"""

import shutil
import subprocess

import numpy as np

from dual_prior import jpeg
from dual_prior.jpeg.header import estimate_quality

COMMAND = "jpegqs"
_BEST_QUALITY = 6  # of its settings 1 to 6, the slowest


def is_installed() -> bool:
    """Whether the command is installed."""
    return shutil.which(COMMAND) is not None


def smoothed(data: bytes) -> bytes:
    """A JPEG file as the tool writes it, on one thread.

    Raises:
        subprocess.CalledProcessError: The tool refuses the file.
    """
    command = [COMMAND, "-q", str(_BEST_QUALITY), "-i", "0", "-t", "1", "-", "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def jpegqs(compressed: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The restored plane `[H, W]`, uint8.

    Args:
        compressed: The decoded JPEG `[H, W]`, uint8. Encoded again, it has its old
            coefficients.
        table: Steps of its quantization `[8, 8]`: one of libjpeg's.
    """
    data = jpeg.encode(compressed, estimate_quality(table.ravel()))
    return jpeg.decode(smoothed(data))
