import io
import sys
import time

from dual_prior.command.report import Reporter
from dual_prior.files.record import Record


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _shown(monkeypatch, total, work):
    """What a terminal shows of work that takes long enough for a bar."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = Reporter(total, patience=0)
    time.sleep(0.15)  # a bar is drawn ten times a second
    work(reporter)
    return terminal.getvalue()


def test_the_tiles_of_a_single_picture_are_its_progress(monkeypatch):
    shown = _shown(monkeypatch, 1, lambda reporter: reporter.on_tile(1, 4))
    assert "1/4" in shown and "tile" in shown


def test_of_several_pictures_the_pictures_are(monkeypatch, capsys):
    def work(reporter):
        reporter.on_tile(1, 4)
        reporter.tell(Record("a.jpg", "a.png", width=10, height=10, seconds=1.0))

    shown = _shown(monkeypatch, 3, work)
    assert "tile 1 of 4" in shown and "1/3" in shown


def test_a_log_has_no_progress(monkeypatch, capsys):
    Reporter(1).on_tile(1, 4)
    assert capsys.readouterr().err == ""
