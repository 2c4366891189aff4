import io
import sys

from experiments.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _run(progress, epochs=(0, 1)):
    """The calls of `fit`: two epochs of two steps, each with a validation."""
    progress.on_train_begin()
    for epoch in epochs:
        progress.on_epoch_begin(epoch)
        for batch in (0, 1):
            progress.on_train_batch_end(batch, {"loss": 0.25})
        progress.on_test_begin()
        progress.on_test_end()
        progress.on_epoch_end(epoch, {"loss": 0.25, "val_psnr": 30.5})
    progress.on_train_end()


def test_the_bar_shows_the_progress(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    _run(Progress("phase 1", first_step=0, num_steps=4, steps_per_epoch=2))
    shown = sys.stderr.getvalue()
    places = [shown.index(f"phase 1{what}") for what in (": compiling", ": validating")]
    assert places == sorted(places)
    assert "4/4" in shown and "val_psnr=30.5" in shown and "left=" in shown


def test_a_log_has_a_line_an_epoch(capsys):
    _run(Progress("phase 1", first_step=0, num_steps=4, steps_per_epoch=2))
    compiling, first, second = capsys.readouterr().out.splitlines()
    assert compiling == "phase 1  compiling"
    assert first.startswith("phase 1  step 2/4  loss 0.25  val_psnr 30.5")
    assert "ms/step" in first and first.endswith("left 00:00")
    assert second.startswith("phase 1  step 4/4")


def test_the_time_left_is_that_of_the_whole_run(monkeypatch, capsys):
    seconds = iter(range(0, 1000, 10))  # a step or a validation each 10 s
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))
    progress = Progress(
        "phase 1", first_step=100, num_steps=104, steps_per_epoch=2, later_steps=1000
    )
    _run(progress, epochs=(50, 51))
    *_, last = capsys.readouterr().out.splitlines()
    minutes, _ = last.split("left ")[1].rsplit(":", 1)
    hours = int(minutes.split(":")[0])
    assert 2 <= hours <= 20  # 1000 steps of 10 to 60 s
