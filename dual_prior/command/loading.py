"""Loading the network: only this module of the command imports Keras."""

import os

from dual_prior.restoration.options import Options
from dual_prior.system.streams import start_backend
from dual_prior.system.text import one_line


class NoNetworkError(Exception):
    """The network cannot be loaded, so no picture can be restored."""


def load_restorer(options: Options):
    """A `Restorer` of these options.

    Raises:
        NoNetworkError: It cannot be loaded.
    """
    try:
        start_backend()
        from dual_prior.restoration.restorer import Restorer

        return Restorer(options)
    except (OSError, ValueError) as error:
        raise NoNetworkError(one_line(error)) from error
    except (ImportError, KeyError, RuntimeError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise NoNetworkError(
            f"the Keras backend {backend!r} cannot be used ({one_line(error)}); "
            "KERAS_BACKEND=tensorflow and KERAS_BACKEND=jax can."
        ) from error
    except Exception as error:  # caused by an unusual keras.json
        raise NoNetworkError(
            f"the network cannot be made ({one_line(error)}); see keras.json, where "
            "Keras keeps its settings"
        ) from error
