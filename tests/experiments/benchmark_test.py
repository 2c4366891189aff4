"""The benchmark, as a person runs it, on tiny data."""

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
        *("--folder=2", "--large=0.1", "--repeats=1"),
        *("--preset=photo", "--notraining"),
    )
    assert code == 0, err
    assert out == output.read_text()
    for row in ("network / DnCNN's architecture", "a process each", "as one batch"):
        assert row in out
    code, _, err = run("benchmark", f"--data_dir={tmp_path / 'data'}", "--folder=9")
    assert code == 1 and "expected at most 3" in err and "Traceback" not in err
