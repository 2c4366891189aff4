"""The output of a run: a line for each picture, and a summary.

A terminal also shows a progress bar; a log gets a line a minute for a long picture.
"""

import dataclasses
import json
import math
import sys
import time

from tqdm import tqdm

from dual_prior.files.record import (
    COPIED,
    FAILED,
    PLANNED,
    RESTORED,
    SKIPPED,
    TO_COPY,
    Record,
)
from dual_prior.system.streams import to_standard_error
from dual_prior.system.text import shown

_SCREEN = 20  # ours: lines that fit on a terminal


class Reporter:
    """Prints records as they come, and a bar below them on a terminal.

    Results go to standard output, warnings and errors to standard error.

    Args:
        total: Number of pictures.
        quiet: Print warnings and errors only.
        as_json: Print each record as one line of JSON instead.
        to_stderr: Print to standard error, since a picture goes to standard output.
        passed_over: Number of files skipped as not being pictures, by suffix.
        patience: Seconds before the bar of a single picture appears.
        pause: Seconds of a picture after which a log, which has no bar, gets a line.
    """

    def __init__(
        self,
        total: int,
        *,
        quiet: bool = False,
        as_json: bool = False,
        to_stderr: bool = False,
        passed_over: dict[str, int] | None = None,
        patience: float = 1,  # ours
        pause: float = 60,  # ours
    ):
        self._passed_over = passed_over or {}
        self._failures: list[str] = []
        self._quiet = quiet
        self._as_json = as_json
        self._out = sys.stderr if to_stderr else sys.stdout
        self._counts = {RESTORED: 0, COPIED: 0, SKIPPED: 0, FAILED: 0}
        self._megapixels = 0.0
        self._started = self._last_line = time.monotonic()
        # JSON is for programs.
        self._pause = pause if not (quiet or as_json) else math.inf
        self._is_single = total == 1
        self._bar = tqdm(
            total=None if self._is_single else total,
            unit="tile" if self._is_single else "picture",
            disable=quiet or not sys.stderr.isatty(),
            leave=False,
            delay=patience if self._is_single else 0,
        )

    @property
    def failures(self) -> int:
        return len(self._failures)

    def on_tile(self, name: str, done: int, total: int) -> None:
        """Shows the progress of a picture."""
        if not sys.stderr.isatty():
            now = time.monotonic()
            if now - self._last_line >= self._pause and done < total:
                self._last_line = now
                self.warn(f"{name}: tile {done} of {total}")
        elif self._is_single:
            self._bar.total = total
            self._bar.update()
        elif total > 1:
            self._bar.set_postfix_str(f"{self._pace()}, tile {done} of {total}")

    def tell(self, record: Record) -> None:
        """Prints a record."""
        self._last_line = time.monotonic()
        self._counts[record.status] = self._counts.get(record.status, 0) + 1
        if record.status in (RESTORED, PLANNED):
            self._megapixels += record.megapixels
        for warning in record.warnings:
            self.warn(f"{record.input}: warning: {warning}")
        if record.status == FAILED:
            self._failures.append(f"{record.input}: {record.reason}")
            self.warn(self._failures[-1])
        if self._as_json:
            self._print(json.dumps(dataclasses.asdict(record)))
        elif not self._quiet and record.status != FAILED:
            self._print(_line(record))
        if not self._is_single:
            self._bar.update()
            self._bar.set_postfix_str(self._pace())

    def warn(self, sentence: str) -> None:
        """Prints a warning or an error."""
        complain(sentence)

    def close(self, expected: float | None = None) -> None:
        """Prints the summary of several pictures, or of skipped files.

        In a long run, failures are listed again, since they have scrolled away.

        Args:
            expected: Of a dry run, whose summary is always printed: the seconds that
                the pictures would take.
        """
        self._bar.close()
        total = sum(self._counts.values())
        if total < 2 and not self._passed_over and expected is None:
            return
        if self._as_json:
            more: dict = {"passed_over": self._passed_over, "failures": self._failures}
            if expected is not None:
                more |= {
                    "megapixels": self._megapixels,
                    "expected_seconds": round(expected, 1),
                }
            self._print(json.dumps({"summary": {**self._counts, **more}}))
        elif not self._quiet:
            if expected is None:
                seconds = time.monotonic() - self._started
                work = f"in {seconds:.0f} s ({self._pace()})"
            else:
                work = f"would take about {_duration(expected)}"
            passed_over = _listed(self._passed_over)
            self._print(
                f"{total} picture{'s' * (total != 1)}: {_listed(self._counts)}. "
                f"{self._megapixels:.1f} megapixels {work}"
                f"{'. Passed over: ' * bool(passed_over)}{passed_over}"
            )
        if total > _SCREEN and self._failures:
            self.warn(f"{len(self._failures)} failed:")
            for failure in self._failures:
                self.warn(failure)

    def _pace(self) -> str:
        seconds = time.monotonic() - self._started
        return f"{self._megapixels / max(seconds, 1e-9):.2f} megapixels/s"

    def _print(self, line: str) -> None:
        tqdm.write(line, file=self._out)
        self._out.flush()


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def complain(sentence: object) -> None:
    """Prints a line on standard error, above the bar if there is one."""
    with to_standard_error():
        tqdm.write(f"dual-prior: {shown(str(sentence))}", file=sys.stderr)


def _line(record: Record) -> str:
    name = shown(record.input)
    if record.status == SKIPPED:
        return f"{name}: skipped ({shown(record.reason or '')})"
    target = shown(record.output or "standard output")
    size = f"{record.width}x{record.height}, {record.kind}"
    if record.status in (COPIED, TO_COPY):
        return f"{name} ({size}) -> {target}  {record.status} ({record.reason})"
    effort = (
        f"{record.megapixels:.1f} megapixels"
        if record.seconds is None
        else f"{record.seconds:.1f} s"
    )
    reason = f" ({record.reason})" if record.reason else ""
    return f"{name} ({size}) -> {target}  {effort}{reason}"
