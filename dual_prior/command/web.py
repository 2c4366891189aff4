"""`dual-prior web`."""

import argparse
import functools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dual_prior.files.plan import UsageError
from dual_prior.files.settings import Settings
from dual_prior.restoration.options import Options
from dual_prior.system.text import one_line


def web(arguments: argparse.Namespace, load: Callable) -> int:
    """Serves the page until Ctrl-C; the exit code. Args: as for `restore`.

    Raises:
        UsageError: gradio is not installed, or the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="dual-prior-") as folder:
        # Read by gradio when it is imported.
        os.environ["GRADIO_TEMP_DIR"] = os.path.realpath(folder)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        try:
            from dual_prior.web.page import launch, page
        except ModuleNotFoundError as error:
            raise UsageError(
                'web needs gradio: pip install "dual-prior[web]"'
            ) from error
        blocks = page(arguments.settings, _restorers(load), Path(folder))
        try:
            address = launch(
                blocks,
                port=arguments.port,
                opens_browser=not arguments.no_browser,
                max_file_size=int(arguments.settings.max_file_size * 1e6),
            )
        except OSError as error:
            raise UsageError(f"--port {arguments.port}: {one_line(error)}") from error
        print(f"The page is at {address} and ends with Ctrl-C.", flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return 0
        finally:
            blocks.close(verbose=False)


def _restorers(load: Callable) -> Callable:
    """Returns a function that makes a `Restorer`; the last network stays loaded."""
    loaded = functools.lru_cache(maxsize=1)(load)

    def restorer(settings: Settings):
        network = loaded(Options(preset=settings.preset, weights=settings.weights))
        network.options = settings
        return network

    return restorer
