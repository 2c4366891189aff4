"""The error for a picture that cannot be read or written."""

import os

from dual_prior.system.text import shown


class PictureError(OSError):
    """A picture cannot be read or written; one line that names it and the reason.

    Example:
        >>> try:
        ...     dual_prior.read_picture("missing.jpg")
        ... except dual_prior.PictureError as error:
        ...     print(error)
        missing.jpg: no such file or directory
    """

    def __init__(self, name: str | os.PathLike, reason: str):
        super().__init__(f"{shown(name)}: {' '.join(reason.split())}")
        self._parts = name, reason

    def __reduce__(self):  # so that it can be pickled
        return type(self), self._parts
