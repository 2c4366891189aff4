import json
import os

import numpy as np
import pytest
from PIL import Image

from tests.dual_prior.fakes import Darkening


def _snapshot(folder):
    return {
        path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
        for path in folder.rglob("*")
    }


@pytest.fixture
def folder(photo, tmp_path):
    """Two pictures, one that has its result, and one that cannot be read."""
    (tmp_path / "done.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "done.restored.png").touch()
    (tmp_path / "broken.jpg").touch()
    Image.fromarray(np.zeros((1000, 600), np.uint8)).save(tmp_path / "wide.png")
    return tmp_path


def test_a_dry_run_lists_what_would_be_done_and_writes_nothing(run, folder):
    before = _snapshot(folder)
    more = ("--output", folder / "new", "--compare", folder / "drawn")
    (folder / "broken.jpg").unlink()
    before.pop(folder / "broken.jpg")
    before[folder] = before.get(folder)
    before.pop(folder)
    code, out, err = run("restore", folder, *more, "--dry-run")
    lines = out.splitlines()
    assert (code, err) == (0, "") and _snapshot(folder) == before
    assert lines[1] == (
        f"{folder}/photo.jpg (88x72, colour JPEG 4:2:0 of quality about 12) -> "
        f"{folder}/new/photo.restored.png  0.0 megapixels"
    )
    assert lines[2].endswith("new/wide.restored.png  0.6 megapixels")
    assert lines[3].startswith("3 pictures: 3 planned. 0.6 megapixels would take about")


def test_a_dry_run_reports_failures_and_skips(run, folder):
    before = _snapshot(folder)
    code, out, err = run("restore", folder, "--dry-run", "--json")
    assert code == 1 and _snapshot(folder) == before
    *records, last = map(json.loads, out.splitlines())
    statuses = [record["status"] for record in records]
    assert statuses == ["failed", "skipped", "planned", "planned"]
    summary = last["summary"]
    assert (summary["planned"], summary["failed"], summary["skipped"]) == (2, 1, 1)
    assert summary["megapixels"] == pytest.approx(0.6 + 88 * 72 / 1e6)
    assert summary["expected_seconds"] >= 0 and "broken.jpg: empty file" in err


def test_a_picture_too_large_for_the_memory_fails_in_a_dry_run_too(run, tmp_path):
    Image.new("L", (9000, 9000)).save(tmp_path / "a.png")
    code, _, err = run("restore", tmp_path, "--dry-run", "--max-memory", "1.2")
    assert code == 1 and "max_memory allows 1.2: raise it" in err


def test_the_time_is_that_of_one_tile_for_all_pixels_of_all_tiles(run, tmp_path):
    Image.new("L", (1024, 512)).save(tmp_path / "a.png")
    Image.new("L", (512, 512)).save(tmp_path / "b.png")
    sizes = []

    class Slow(Darkening):
        def restore(self, image, on_tile=None, *_):
            sizes.append(image.shape)
            return super().restore(image)

    arguments = ("restore", tmp_path, "--dry-run", "--json")
    _, out, _ = run(*arguments, load=lambda _: Slow(pause=0.5))
    assert sizes == [(512, 512)] * 2
    expected = json.loads(out.splitlines()[-1])["summary"]["expected_seconds"]
    assert 1.5 <= expected < 4


def test_an_empty_run_loads_no_network(run, photo):
    photo.write_bytes(b"")
    assert run("restore", photo, "--dry-run", load=pytest.fail)[0] == 1


def test_in_place_losses_are_an_error(run, photo):
    Image.fromarray(np.zeros((16, 16, 4), np.uint8), "CMYK").save(photo)
    code, _, err = run("restore", photo, "--in-place", "--dry-run")
    assert code == 1 and "not replaced: CMYK" in err


def test_a_dry_run_to_standard_output_writes_no_picture_there(run, photo):
    code, out, _ = run("restore", photo, "--output", "-", "--dry-run")
    assert code == 0 and "-> standard output  0.0 megapixels" in out
    assert os.listdir(photo.parent) == ["photo.jpg"]


def test_a_cluster_is_not_measured(run, photo):
    code, _, err = run("restore", photo, "--dry-run", "--cluster", "auto")
    assert code == 2 and "--dry-run measures this machine" in err
