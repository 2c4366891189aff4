"""The benchmark, as a person runs it, on tiny data."""

import re
import shutil

from tests.experiments.binary import run


def test_benchmark_prints_and_writes_how_fast_all_is(tiny_data, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copytree(tmp_path / "data" / "live1", tmp_path / "data" / "cid22")
    output = tmp_path / "speed.md"
    code, out, err = run(
        "benchmark",
        f"--data_dir={tmp_path / 'data'}",
        f"--output={output}",
        *("--folder=1", "--large=0.1", "--repeats=1"),
        *("--preset=photo", "--notraining"),
    )
    assert code == 0, err
    assert out == output.read_text()
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in out.splitlines()]
    rows = {row[0]: row[1] for row in cells if len(row) == 2}
    assert float(rows["network / DnCNN's architecture"]) > 0
    assert re.fullmatch(r"[\d,]+", rows["FLOP a pixel, network"])
    for title in ("the command, one folder", "a process each (the first 1)"):
        assert re.match(r"\d+\.\d+ megapixels/s", rows[title])
    assert re.fullmatch(
        r"[\d.]+ of the time", rows["4 of one size as one batch / one by one"]
    )
    code, _, err = run("benchmark", f"--data_dir={tmp_path / 'data'}", "--folder=9")
    assert code == 1 and "expected at most 3" in err and "Traceback" not in err
