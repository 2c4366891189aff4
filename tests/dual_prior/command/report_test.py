import io
import sys
import time

import pytest

from dual_prior.command.report import Reporter
from dual_prior.files.record import Record


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _shown(monkeypatch, total, work):
    """The output on a terminal of work that takes long enough for a bar."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = Reporter(total, patience=0)
    time.sleep(0.15)  # a bar is drawn ten times a second
    work(reporter)
    return terminal.getvalue()


def test_the_tiles_of_a_single_picture_are_its_progress(monkeypatch):
    shown = _shown(monkeypatch, 1, lambda reporter: reporter.on_tile("a", 1, 4))
    assert "1/4" in shown and "tile" in shown


def test_of_several_pictures_the_pictures_are(monkeypatch, capsys):
    def work(reporter):
        reporter.on_tile("a.jpg", 1, 4)
        reporter.tell(Record("a.jpg", "a.png", width=10, height=10, seconds=1.0))

    shown = _shown(monkeypatch, 3, work)
    assert "tile 1 of 4" in shown and "1/3" in shown


def test_a_log_has_a_line_now_and_then(capsys):
    Reporter(1).on_tile("a.jpg", 1, 4)  # not each time
    assert capsys.readouterr().err == ""
    for total in (1, 3):
        reporter = Reporter(total, pause=0)
        for done in (1, 2, 3, 4):
            reporter.on_tile("a.jpg", done, 4)
        assert capsys.readouterr().err.splitlines() == [
            f"dual-prior: a.jpg: tile {done} of 4" for done in (1, 2, 3)
        ]


@pytest.mark.parametrize("kind", ["quiet", "as_json"])
def test_quiet_and_json_print_no_text(capsys, kind):
    Reporter(1, pause=0, **{kind: True}).on_tile("a.jpg", 1, 4)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99.6, "100 s"), (1500, "25 min"), (9e3, "2.5 h")],
)
def test_a_dry_run_estimates_the_time(capsys, seconds, words):
    reporter = Reporter(1)
    reporter.tell(Record("a.jpg", "a.png", "planned", width=2000, height=1000))
    reporter.close(seconds)
    line, summary = capsys.readouterr().out.splitlines()
    assert line == "a.jpg (2000x1000, None) -> a.png  2.0 megapixels"
    assert summary == f"1 picture: 1 planned. 2.0 megapixels would take about {words}"
