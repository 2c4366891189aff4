"""The pictures that one visitor of the page has dropped, and their results.

Results, and what the page shows of them, are files of a folder that goes when the
visitor does.
"""

import dataclasses
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dual_prior.files import restore as files
from dual_prior.files.plan import plan_job
from dual_prior.files.record import RESTORED, Record
from dual_prior.files.settings import Settings
from dual_prior.pictures.metadata import without_metadata
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.reader import Limits, read_picture
from dual_prior.pictures.writer import encode_picture
from dual_prior.system.signals import raise_if_requested

if TYPE_CHECKING:  # importing it takes seconds
    from dual_prior.restoration.restorer import Restorer

_OWN = Limits(max_file_megabytes=1e6)  # results, which may be uncompressed
_SHOWN_BY_BROWSERS = {".png", ".webp", ".jpg"}


class Stopped(BaseException):
    """The visitor wants no more, or has left: unfinished files are removed."""


@dataclasses.dataclass(frozen=True)
class Item:
    """A picture and its result.

    Attributes:
        source: The file that was dropped.
        folder: Where its result and its views are.
        settings: How it was restored.
        record: The outcome.
    """

    source: Path
    folder: Path
    settings: Settings
    record: Record

    @property
    def is_restored(self) -> bool:
        return self.record.status == RESTORED

    @property
    def result(self) -> Path:
        return Path(self.record.output or "")

    def picture(self) -> Picture:
        """The picture as it was dropped."""
        return _read(self.source, self.settings)

    def views(self) -> tuple[Path, Path]:
        """Files of before and after that browsers show, pixel for pixel."""
        before = self.folder / "before.png"
        after = self.result
        if not before.exists():
            _draw(self.picture(), before)
        if after.suffix not in _SHOWN_BY_BROWSERS:
            after = self.folder / "after.png"
            if not after.exists():
                _draw(read_picture(self.result, _OWN), after)
        return before, after


class Session:
    """The pictures of one visitor.

    Args:
        folder: Where results are written.

    Attributes:
        sources: All files that were dropped.
        items: Those of the last call of `restore`, so far.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.sources: set[Path] = set()
        self.items: list[Item] = []
        self._done: dict[tuple[Path, Settings], Item] = {}
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        """Ends what is at work at the next tile."""
        self._is_stopping.set()

    def restore(
        self,
        sources: Sequence[Path],
        settings: Settings,
        restorer: "Callable[[], Restorer]",
        on_tile: Callable[[str, int, int], None],
    ) -> Iterator[Item]:
        """Restores pictures; those that were restored so before are handed out again.

        Args:
            sources: The files.
            settings: How.
            restorer: Returns what restores.
            on_tile: Called with (name, tiles done, tiles in all) after each tile.

        Raises:
            Stopped: `stop` was called.
        """
        self._is_stopping.clear()
        self.items = []
        for source in sources:
            name = source.name

            def note(done: int, total: int, name: str = name) -> None:
                try:
                    raise_if_requested()
                except BaseException:  # not in this thread, which is the server's
                    self.stop()
                if self._is_stopping.is_set():
                    raise Stopped
                on_tile(name, done, total)

            note(0, 1)
            key = source, settings
            if key not in self._done:
                folder = self.folder / str(len(self._done))
                job = plan_job(source, settings, f"{folder}/")
                record = files.restore(job, restorer, settings, note)
                self._done[key] = Item(source, folder, settings, record)
            self.items.append(self._done[key])
            yield self._done[key]

    def archive(self) -> Path | None:
        """All results in one file; None if there are fewer than two."""
        results = [item.result for item in self.items if item.is_restored]
        if len(results) < 2:
            return None
        path = self.folder / "restored.zip"
        with zipfile.ZipFile(path, "w") as archive:  # which pictures are, compressed
            for result in results:
                twice = sum(other.name == result.name for other in results) > 1
                name = f"{result.parent.name}/{result.name}" if twice else result.name
                archive.write(result, name)
        return path


def _read(path: Path, settings: Settings) -> Picture:
    return read_picture(
        path, settings.limits, strict=settings.strict, salvage=settings.salvage
    )


def _draw(picture: Picture, path: Path) -> None:
    path.write_bytes(encode_picture(without_metadata(picture)))
