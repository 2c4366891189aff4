"""Pictures in a store of objects: fsspec's, in memory."""

import io
import json
import sys

import pytest
from PIL import Image

import dual_prior
from dual_prior.cli import main
from dual_prior.files.address import Address, located
from tests.conftest import made_picture
from tests.dual_prior.fakes import Darkening

fsspec = pytest.importorskip("fsspec")


def jpeg(seed=0):
    stream = io.BytesIO()
    Image.fromarray(made_picture(32, 40, seed)).save(stream, "JPEG", quality=60)
    return stream.getvalue()


@pytest.fixture
def store():
    """A store with two pictures, a damaged one, and another file."""
    store = fsspec.filesystem("memory")
    names = (
        "a.jpg",
        "sub/b.JPG",
        "sub/.hidden.jpg",
        ".trash/c.jpg",
        "old.restored.png",
    )
    store.pipe({f"/bucket/in/{name}": jpeg(seed) for seed, name in enumerate(names)})
    store.pipe("/bucket/in/sub/broken.jpg", b"\xff\xd8\xffno picture")
    store.pipe("/bucket/in/notes.txt", b"notes")
    store.pipe("/bucket/inside.jpg", jpeg())
    yield store
    store.rm("/bucket", recursive=True)


def restore(*words):
    return main(["restore", *map(str, words)], load=Darkening)


def test_pictures_are_restored_from_a_store_into_it_as_from_folders(
    store, tmp_path, capsys
):
    code = restore("memory://bucket/in", "--output", "memory://bucket/out", "--json")
    *lines, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert code == 1
    assert {(line["input"], line["output"], line["status"]) for line in lines} == {
        (
            f"memory://bucket/in/{source}",
            result and f"memory://bucket/out/{result}",
            how,
        )
        for source, result, how in (
            ("a.jpg", "a.restored.png", "restored"),
            ("sub/b.JPG", "sub/b.restored.png", "restored"),
            ("sub/broken.jpg", None, "failed"),
        )
    }
    assert summary["summary"]["passed_over"] == {".txt": 1}
    store.get("/bucket/in", f"{tmp_path}/", recursive=True)
    restore(tmp_path / "in", "--output", tmp_path / "out")
    for name in ("a.restored.png", "sub/b.restored.png"):
        assert (
            store.cat(f"/bucket/out/{name}") == (tmp_path / "out" / name).read_bytes()
        )
    assert len(store.find("/bucket/out")) == 2


def test_results_in_a_store_are_skipped_unless_overwritten(store, capsys):
    words = ("memory://bucket/in/a.jpg", "--output", "memory://bucket/a.webp")
    assert restore(*words) == 0
    store.pipe("/bucket/a.webp", b"another's")
    assert restore(*words) == 0
    out = capsys.readouterr().out
    assert "a.jpg: skipped (memory://bucket/a.webp exists; --overwrite replaces" in out
    assert store.cat("/bucket/a.webp") == b"another's"
    assert restore(*words, "--overwrite") == 0
    assert store.cat("/bucket/a.webp")[8:12] == b"WEBP"


def test_patterns_and_several_inputs_keep_their_trees(store, tmp_path):
    (tmp_path / "c.jpg").write_bytes(jpeg())
    words = ("memory://bucket/in/**/b.*", tmp_path / "c.jpg", "memory://bucket/in/sub")
    restore(*words, "--output", "memory://bucket/out/", "--compare", tmp_path / "drawn")
    assert store.find("/bucket/out") == [
        "/bucket/out/c.restored.png",
        "/bucket/out/sub/b.restored.png",
    ]
    assert (tmp_path / "drawn" / "sub" / "b.JPG.compared.png").is_file()


def test_in_place_the_original_can_be_kept_and_is_restored_once(store, capsys):
    original = store.cat("/bucket/in/a.jpg")
    words = ("memory://bucket/in/a.jpg", "--in-place", "--backup", ".orig")
    assert restore(*words) == restore(*words) == 0
    assert "restored before" in capsys.readouterr().out
    assert store.cat("/bucket/in/a.jpg.orig") == original
    assert Image.open(io.BytesIO(store.cat("/bucket/in/a.jpg"))).size == (40, 32)


class Meddler(Darkening):
    """Meanwhile another program writes the picture and the result."""

    def restore(self, *args, **kwargs):
        fsspec.filesystem("memory").pipe("/bucket/in/a.jpg", b"written by another")
        fsspec.filesystem("memory").pipe("/bucket/a.png", b"written by another")
        return super().restore(*args, **kwargs)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--in-place", "--force"], "changed while it was restored"),
        (["--output", "memory://bucket/a.png"], "written by another program meanwhile"),
    ],
)
def test_files_written_meanwhile_by_others_are_kept(store, words, message, capsys):
    assert main(["restore", "memory://bucket/in/a.jpg", *words], load=Meddler) == 1
    assert message in capsys.readouterr().err
    for name in ("in/a.jpg", "a.png"):
        assert store.cat(f"/bucket/{name}") == b"written by another"


def test_an_impossible_file_name_is_an_error(store, capsys):
    store.pipe("/bucket/in//a.jpg", jpeg())
    assert restore("memory://bucket/in", "--output", "memory://bucket/out") == 1
    assert "memory://bucket/in//a.jpg: no path can have" in capsys.readouterr().err
    assert len(store.find("/bucket/out")) == 2


def test_inspect_reads_from_a_store_and_draws_into_it_once(store, capsys):
    words = ["inspect", "memory://bucket/in/a.jpg"]
    assert main(words, load=Darkening) == 0
    assert "memory://bucket/in/a.jpg\n" in capsys.readouterr().out
    store.pipe("/bucket/figure.png", b"another's")
    code = main([*words, "--figure", "memory://bucket/figure.png"], load=Darkening)
    assert code == 2 and "--overwrite replaces it" in capsys.readouterr().err


def test_python_takes_addresses_too(store, monkeypatch):
    monkeypatch.setattr("dual_prior.api._restorer", Darkening)
    result = dual_prior.restore_file("memory://bucket/inside.jpg", strip=True)
    assert result == located("memory://bucket/inside.restored.png")
    assert store.cat("/bucket/inside.restored.png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["memory://bucket/none.jpg"], 1, "none.jpg: no such file or directory"),
        (["memory://bucket/none*.jpg"], 2, "no picture matches this pattern"),
        (["memory://bucket/in", "-o", "ftp://host/out"], 2, "before they are complete"),
        (["memory://bucket/in", "-o", "memory://b/o.png"], 2, "expected a folder"),
        (["memory://bucket/in", "--preserve-times"], 2, "objects get no other date"),
        (["odd://bucket/in"], 2, "odd://bucket/in: Protocol not known: odd"),
    ],
)
def test_wrong_addresses_are_one_line(store, words, code, message, capsys):
    before = store.find("/")
    assert restore(*words) == code
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert store.find("/") == before


@pytest.mark.parametrize(
    "words",
    [["s3://bucket/in"], ["memory://bucket/in", "--output", "s3://bucket/out"]],
)
def test_a_missing_package_is_named(store, words, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert restore(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dual-prior: s3://bucket/") and "s3fs" in line


def test_without_fsspec_the_error_names_the_package(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert restore("s3://bucket/in") == 2
    assert "addresses need pip install fsspec" in capsys.readouterr().err


def test_an_address_survives_what_paths_go_through():
    address = located("memory://bucket/a b#?.jpg")
    assert isinstance(address.parent / "b", Address)
    assert str(address.parent / "b") == "memory://bucket/b"
    assert str(address.absolute()) == str(address.resolve()) == str(address)
    assert not isinstance(located("/bucket/a.jpg"), Address)
