import zipfile

import numpy as np
import pytest
from PIL import Image

from dual_prior.files.settings import Settings
from dual_prior.pictures.reader import read_picture
from dual_prior.web.session import Session, Stopped
from tests.conftest import made_picture
from tests.dual_prior.fakes import Darkening


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(made_picture()).save(path, quality=30)
    return path


@pytest.fixture
def session(tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    return Session(folder)


def restored(session, sources, restorer=Darkening, on_tile=lambda *_: None, **settings):
    return list(session.restore(sources, Settings(**settings), restorer, on_tile))


@pytest.mark.parametrize("format", ["png", "tiff", "webp", "jpeg"])
def test_views_are_before_and_after_as_browsers_show_them(format, session, photo):
    (item,) = restored(session, [photo], format=format)
    before, after = item.views()
    assert {before.suffix, after.suffix} <= {".png", ".webp", ".jpg"}
    for view, file in ((before, photo), (after, item.result)):
        planes = read_picture(view).pixels
        grey = planes if planes.ndim == 2 else planes[..., 0]
        wanted = read_picture(file).pixels
        wanted = wanted if wanted.ndim == 2 else wanted[..., 0]
        np.testing.assert_array_equal(grey, wanted)


def test_a_picture_is_not_restored_twice_with_the_same_settings(session, photo):
    calls = []

    def restorer():
        calls.append(1)
        return Darkening()

    (first,) = restored(session, [photo], restorer)
    (again,) = restored(session, [photo], restorer)
    (other,) = restored(session, [photo], restorer, strength=0.5)
    assert first is again and len(calls) == 2
    assert first.result.exists() and first.result != other.result


def test_a_clean_picture_is_not_shown_as_restored(session, tmp_path):
    class Clean(Darkening):
        def probability(self, image):
            return 0.01

    Image.fromarray(made_picture()).save(tmp_path / "chart.png")
    (left,) = restored(session, [tmp_path / "chart.png"], Clean)
    assert left.record.status == "copied" and not left.is_restored
    assert session.archive() is None
    always = Settings(always=True)
    again, *_ = restored(
        session, [tmp_path / "chart.png"], lambda: Clean(always), always=True
    )
    assert again.is_restored


def test_the_archive_holds_each_result_under_a_name_of_its_own(
    session, photo, tmp_path
):
    (tmp_path / "twin").mkdir()
    twin = tmp_path / "twin" / photo.name
    twin.write_bytes(photo.read_bytes())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    restored(session, [photo, broken])
    assert session.archive() is None  # of one
    *_, last = restored(session, [photo, broken, twin])
    with zipfile.ZipFile(session.archive()) as archive:
        names = archive.namelist()
        assert len(set(names)) == 2
        assert archive.read(names[1]) == last.result.read_bytes()


def test_a_session_that_is_stopped_leaves_nothing_unfinished(session, photo):
    class Stopping(Darkening):
        def restore(self, image, on_tile=None, *_):
            session.stop()
            on_tile(1, 2)

    with pytest.raises(Stopped):
        restored(session, [photo], Stopping)
    assert not [path for path in session.folder.rglob("*") if path.is_file()]
    (item,) = restored(session, [photo])
    assert item.is_restored
