"""The notebooks run from start to end, are stored with outputs, and stay public."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, nbformat.NO_CONVERT)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_a_notebook_runs_on_a_small_picture(path, monkeypatch):
    monkeypatch.setenv("NOTEBOOK_SIDE", "96")
    monkeypatch.setenv("NOTEBOOK_STEPS", "2")
    notebook = read(path)
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()  # raises if a cell does
    streams = [
        output.name
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream"
    ]
    assert "stderr" not in streams


def test_a_notebook_imports_public_names_and_needs_no_set_up(path):
    code = "\n".join(c.source for c in read(path).cells if c.cell_type == "code")
    assert not re.search(r"\b(dual_prior\.\w+ import|import dual_prior\.)", code)
    assert not re.search(r"^[%!]", code, re.MULTILINE)


def test_each_notebook_has_a_picture_in_the_gallery(path):
    assert (path.parent / "gallery" / f"{path.stem}.webp").stat().st_size < 100_000
    assert f"({path.name})" in (path.parent / "README.md").read_text()


def test_a_notebook_is_stored_as_it_ran_once_from_start_to_end(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs and not any(o.output_type == "error" for o in outputs)
    # Nothing of the machine it ran on.
    assert "/home/" not in str(notebook) and str(ROOT) not in str(notebook)


def test_the_stored_tables_are_those_of_results():
    notebook = read(ROOT / "notebooks" / "reproducing_the_paper.ipynb")
    shown = [
        output.data["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]
    for name in ("table1", "ablations", "table2"):
        assert (ROOT / "results" / f"{name}.md").read_text() in shown
