"""Damage in JPEG files that decoders conceal silently."""

from dual_prior.jpeg.header import without_profile

# Messages of TurboJPEG about its own limits. Any other message, where another decoder
# succeeds, means damage.
_LIMITS = ("tj", "Could not determine", "Unsupported", "Requested feature")
_BAD_PROFILE = "Corrupt JPEG data: bad ICC marker"


def jpeg_damage(data: bytes) -> str | None:
    """The warning of libjpeg when it decodes `data`, a JPEG file, or None.

    TurboJPEG does not decode unusual sampling factors (as 3x1): damage in the rare
    files that have them is not detected.
    """
    message = _message(data)
    if message == _BAD_PROFILE:  # no pixel is touched by that, but it hides the rest
        message = _message(without_profile(data))
    return message if message and not message.startswith(_LIMITS) else None


def _message(data: bytes) -> str:
    import simplejpeg

    try:
        # All is decoded but for the last step, which is done at an eighth.
        simplejpeg.decode_jpeg(data, colorspace="GRAY", min_factor=8, strict=True)
    except ValueError as error:
        return str(error)
    return ""
