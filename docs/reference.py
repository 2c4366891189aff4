"""Writes the reference of the public names as HTML: python docs/reference.py FOLDER."""

import sys
from pathlib import Path

import pdoc

import dual_prior
from dual_prior.system.streams import start_backend


def write(folder: Path) -> None:
    """Writes a page for each public module; Python shows the warnings of pdoc."""
    for module in (dual_prior, dual_prior.jpeg):
        for name in module.__all__:  # pdoc does not look up names that load lazily
            setattr(module, name, getattr(module, name))
    version = f"dual-prior {dual_prior.__version__}"
    pdoc.render.configure(docformat="google", footer_text=version)
    pdoc.pdoc("dual_prior", output_directory=folder)


if __name__ == "__main__":
    start_backend()
    write(Path(sys.argv[1]))
