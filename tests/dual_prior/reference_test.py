"""The reference of the public names: their examples run, and pdoc has no warnings."""

import doctest
import runpy
import warnings

import numpy as np
import pytest
from PIL import Image

import dual_prior
from dual_prior.jpeg import codec
from tests.conftest import ROOT, made_picture


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """The photo.jpg that the examples read, in a folder that they may write to."""
    monkeypatch.chdir(tmp_path)
    rgb = np.stack([made_picture(48, 64, seed) for seed in range(3)], axis=-1)
    Image.fromarray(rgb).save("photo.jpg", quality=30)


@pytest.mark.parametrize("name", dual_prior.__all__)
def test_each_public_name_has_examples_and_they_run(name, photo):
    names = {"dual_prior": dual_prior, "np": np}
    names |= {"jpeg": dual_prior.jpeg, "metrics": dual_prior.metrics}
    described = codec if name == "jpeg" else getattr(dual_prior, name)
    tests = doctest.DocTestFinder().find(described, name, globs=names)
    assert any(test.examples for test in tests)
    for test in tests:
        output: list[str] = []
        doctest.DocTestRunner().run(test, out=output.append)
        assert not output, "".join(output)


def test_the_reference_is_written_without_warnings(tmp_path):
    pytest.importorskip("pdoc")
    script = runpy.run_path(str(ROOT / "docs" / "reference.py"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        script["write"](tmp_path)
    page = (tmp_path / "dual_prior.html").read_text()
    for name in dual_prior.__all__:
        assert f'id="{name}"' in page or f"dual_prior/{name}.html" in page, name
