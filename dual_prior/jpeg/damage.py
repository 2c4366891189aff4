"""Damage in JPEG files that decoders paint over without a word."""

import subprocess
import sys

from dual_prior.jpeg.header import without_profile

# What TurboJPEG says of its own limits. Anything else, where another decoder gives a
# picture, is damage.
_LIMITS = ("tj", "Could not determine", "Unsupported", "Requested feature")
_UNUSUAL_SAMPLING = "Could not determine subsampling"
_BAD_PROFILE = "Corrupt JPEG data: bad ICC marker"

# Python itself may have to say something before and after.
_AROUND = "dual-prior: what OpenCV says"
_OPENCV = """
import sys, cv2, numpy
data = numpy.frombuffer(sys.stdin.buffer.read(), numpy.uint8)
print(sys.argv[1], file=sys.stderr, flush=True)
cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
print(sys.argv[1], file=sys.stderr, flush=True)
"""


def jpeg_damage(data: bytes) -> str | None:
    """What libjpeg warns of when it decodes `data`, a JPEG file, or None."""
    message = _message(data)
    if message == _BAD_PROFILE:  # no pixel is touched by that, but it hides the rest
        message = _message(without_profile(data))
    if _UNUSUAL_SAMPLING in message:
        return _opencv_message(data)
    return message if message and not message.startswith(_LIMITS) else None


def _message(data: bytes) -> str:
    import simplejpeg

    try:
        # All is decoded but for the last step, which is done at an eighth.
        simplejpeg.decode_jpeg(data, colorspace="GRAY", min_factor=8, strict=True)
    except ValueError as error:
        return str(error)
    return ""


def _opencv_message(data: bytes) -> str | None:
    """The same from OpenCV's libjpeg, which takes any sampling factors.

    It prints its warnings, so that another process is the place to collect them. Such
    files are rare: the time to start one does not matter.
    """
    # -P: a cv2.py in the current folder is not OpenCV.
    done = subprocess.run(
        [sys.executable, "-P", "-c", _OPENCV, _AROUND],
        input=data,
        capture_output=True,
    )
    if done.returncode:  # Python's own trouble is no damage
        return None
    _, said, _ = done.stderr.decode(errors="replace").split(f"{_AROUND}\n")
    return said.splitlines()[0] if said else None
