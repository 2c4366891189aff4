"""Runs notebooks, stores their outputs, and writes the gallery.

    python notebooks/run.py [NAME ...]

The default is all of them. The picture of the cell with the tag "gallery" goes to
gallery/NAME.webp.
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
WIDTH = 800  # of a picture of the gallery, pixels, at most


def run(path: Path) -> None:
    """Runs a notebook in its folder, and stores what its cells returned."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=1800, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times, which differ each time
    nbformat.write(notebook, path)
    for cell in notebook.cells:
        if "gallery" in cell.metadata.get("tags", []):
            write_picture(cell, FOLDER / "gallery" / f"{path.stem}.webp")


def write_picture(cell: nbformat.NotebookNode, path: Path) -> None:
    """The last picture that a cell returned, small."""
    *_, png = (o.data["image/png"] for o in cell.outputs if "image/png" in o.data)
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.thumbnail((WIDTH, WIDTH))
    path.parent.mkdir(exist_ok=True)
    picture.save(path, quality=90)


if __name__ == "__main__":
    names = sys.argv[1:] or [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
    for name in names:
        run(FOLDER / f"{name}.ipynb")
