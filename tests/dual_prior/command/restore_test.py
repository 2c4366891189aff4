import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from dual_prior.files import plan
from tests.conftest import made_picture
from tests.dual_prior.conftest import darkening
from tests.dual_prior.fakes import Darkening, raising, with_restore


def test_writes_a_png_beside_the_input_and_prints_it(run, photo):
    before = photo.read_bytes()
    code, out, err = run("restore", photo)
    result = photo.with_name("photo.restored.png")
    assert (code, err) == (0, "")
    assert "88x72, colour JPEG 4:2:0 of quality about 12" in out and str(result) in out
    assert Image.open(result).format == "PNG"
    assert 4.5 < darkening(photo, result) < 5.5
    assert photo.read_bytes() == before


def test_a_grey_jpeg_gives_a_grey_png(run, tmp_path):
    Image.fromarray(made_picture()).save(tmp_path / "grey.jpg", quality=20)
    assert run("restore", tmp_path / "grey.jpg")[0] == 0
    assert Image.open(tmp_path / "grey.restored.png").mode == "L"


def test_output_is_a_file_for_one_input(run, photo, tmp_path):
    assert run("restore", photo, "--output", tmp_path / "new" / "clean.png")[0] == 0
    assert (tmp_path / "new" / "clean.png").is_file()


def test_output_is_a_folder_for_several_inputs(run, photo, tmp_path):
    other = tmp_path / "other.jpeg"
    other.write_bytes(photo.read_bytes())
    code, out, _ = run("restore", photo, other, "--output", tmp_path / "results")
    assert code == 0 and len(out.splitlines()) == 3  # and the sum
    names = sorted(os.listdir(tmp_path / "results"))
    assert names == ["other.restored.png", "photo.restored.png"]


def test_output_with_a_slash_is_a_folder_for_one_input(run, photo, tmp_path):
    assert run("restore", photo, "--output", f"{tmp_path}/results/")[0] == 0
    assert os.listdir(tmp_path / "results") == ["photo.restored.png"]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.avif", "AVIF"),
        ("a.webp", "WEBP"),
        ("a.tif", "TIFF"),
        ("a.jpg", "JPEG"),
        ("a.PNG", "PNG"),
    ],
)
def test_the_suffix_of_the_output_sets_its_format(run, photo, tmp_path, name, format):
    assert run("restore", photo, "--output", tmp_path / name)[0] == 0
    assert Image.open(tmp_path / name).format == format


def test_the_format_flag_holds_for_all_results(run, photo):
    assert run("restore", photo, "--format", "webp")[0] == 0
    assert Image.open(photo.with_name("photo.restored.webp")).format == "WEBP"


def test_the_summary_lists_skipped_files_and_failures(run, photo, tmp_path):
    for name in ("a.gif", "b.gif", "shot.png.bak"):
        (tmp_path / name).touch()
    code, out, _ = run("restore", tmp_path)
    assert code == 0
    assert out.splitlines()[-1].startswith("1 picture: 1 restored. ")
    assert out.endswith(". Passed over: 2 .gif, 1 .bak\n")
    for number in range(20):
        (tmp_path / f"broken{number}.jpg").touch()
    code, _, err = run("restore", tmp_path, "--overwrite")
    lines = err.splitlines()
    assert code == 1 and lines[20] == "dual-prior: 20 failed:"
    assert lines[21:] == lines[:20]
    _, out, _ = run("restore", tmp_path, "--overwrite", "--json")
    summary = json.loads(out.splitlines()[-1])["summary"]
    assert summary["passed_over"] == {".gif": 2, ".bak": 1}
    assert len(summary["failures"]) == summary["failed"] == 20


def test_pictures_whose_results_would_be_one_fail_alone(run, photo, tmp_path):
    (tmp_path / "photo.jpeg").write_bytes(photo.read_bytes())
    (tmp_path / "other.jpg").write_bytes(photo.read_bytes())
    code, out, err = run("restore", tmp_path)
    assert code == 1 and "3 pictures: 1 restored, 2 failed" in out
    assert err.count("--long-names or another --output keeps them apart") == 2
    assert (tmp_path / "other.restored.png").is_file()
    assert run("restore", tmp_path, "--long-names")[0] == 0
    assert (tmp_path / "photo.jpeg.restored.png").is_file()


def test_several_results_need_a_folder(run, photo, tmp_path):
    (tmp_path / "b.jpg").write_bytes(photo.read_bytes())
    output = tmp_path / "both.jpg"
    code, _, err = run("restore", photo, tmp_path / "b.jpg", "-o", output)
    assert code == 2 and "both.jpg: expected a folder for several results" in err
    assert not output.exists()
    assert run("restore", tmp_path, "-o", output)[0] == 2
    assert run("restore", photo, tmp_path / "b.jpg", "-o", f"{output}/")[0] == 0


def test_a_quality_is_for_formats_that_have_one(run, photo, tmp_path):
    code, _, err = run("restore", photo, "--quality", "80")
    assert code == 2 and "quality is for JPEG, WebP, AVIF and JPEG XL results" in err
    code, _, err = run("restore", photo, "--subsampling", "420", "-f", "webp")
    assert code == 2 and "subsampling is for JPEG and AVIF results" in err
    for quality, words in (("", ()), ("95", ()), ("95", ("--subsampling", "420"))):
        output = tmp_path / f"a{quality}{len(words)}.jpg"
        more = ("--quality", quality) if quality else ()
        assert run("restore", photo, "-o", output, *more, *words)[0] == 0
    sizes = [(tmp_path / f"{name}.jpg").stat().st_size for name in ("a0", "a950")]
    assert sizes[0] == sizes[1] > (tmp_path / "a952.jpg").stat().st_size
    assert run("restore", photo, "-f", "webp")[0] == 0
    lossless = photo.with_name("photo.restored.webp").stat().st_size
    assert run("restore", photo, "-f", "webp", "--quality", 70, "--overwrite")[0] == 0
    assert photo.with_name("photo.restored.webp").stat().st_size < lossless / 2
    assert run("restore", photo, "--quality", "80", "-f", "jpg")[0] == 0
    assert run("restore", photo, "--quality", "80", "--in-place")[0] == 0


def test_a_private_picture_has_private_results(run, photo, tmp_path):
    photo.chmod(0o600)
    assert run("restore", photo, "--compare", tmp_path / "drawn.png")[0] == 0
    for name in ("photo.restored.png", "drawn.png"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    photo.chmod(0o444)  # which must not keep a result from being replaced
    assert run("restore", photo, "-f", "webp")[0] == 0
    assert run("restore", photo, "-f", "webp", "--overwrite")[0] == 0


@pytest.mark.parametrize("words", [(), ("--in-place",)])
def test_results_may_have_the_date_of_their_sources(run, photo, words):
    os.utime(photo, (1e9, 1e9))
    assert run("restore", photo, *words, "--preserve-times")[0] == 0
    result = photo if words else photo.with_name("photo.restored.png")
    assert result.stat().st_mtime == 1e9


def test_results_may_be_named_as_their_sources(run, photo, tmp_path):
    output = tmp_path / "out"
    words = ("--suffix=", "--format", "same", "-o", f"{output}/")
    assert run("restore", photo, *words)[0] == 0
    assert Image.open(output / "photo.jpg").format == "JPEG"


def test_an_earlier_result_is_skipped_or_replaced_as_asked(run, photo):
    result = photo.with_name("photo.restored.png")
    result.write_bytes(b"old")
    code, out, err = run("restore", photo)
    assert (code, err) == (0, "") and "skipped" in out and "--overwrite" in out
    assert result.read_bytes() == b"old"
    assert run("restore", photo, "--overwrite")[0] == 0
    assert Image.open(result).size == (88, 72)


def test_quiet_prints_nothing(run, photo):
    assert run("restore", photo, "--quiet") == (0, "", "")


def test_one_broken_file_does_not_stop_the_others(run, photo, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:600])
    code, out, err = run("restore", broken, photo, tmp_path / "missing.jpg")
    assert code == 1 and "3 pictures: 1 restored, 2 failed" in out
    first, second = err.splitlines()
    assert "broken.jpg: " in first and "truncated" in first
    assert "missing.jpg: no such file" in second
    assert sorted(os.listdir(tmp_path)) == [
        "broken.jpg",
        "photo.jpg",
        "photo.restored.png",
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a picture"),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(run, tmp_path, make):
    path = tmp_path / "bad.jpg"
    make(path)
    before = os.listdir(tmp_path)
    code, out, err = run("restore", path)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and str(path) in err
    assert os.listdir(tmp_path) == before


def test_an_unwritable_output_gets_one_line(run, photo, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = run("restore", photo, "--output", tmp_path / "file" / "x.png")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and "x.png: cannot be written" in err


def test_an_input_is_never_overwritten(run, photo):
    before = photo.read_bytes()
    code, _, err = run("restore", photo, "--output", photo)
    assert code == 2 and err.count("\n") == 1
    assert "only overwritten with --in-place" in err
    assert photo.read_bytes() == before


def test_in_place_keeps_the_format_and_replaces_the_picture(run, photo):
    before = np.array(Image.open(photo)).astype(int)
    assert run("restore", photo, "--in-place")[0] == 0
    again = Image.open(photo)
    assert again.format == "JPEG" and os.listdir(photo.parent) == ["photo.jpg"]
    assert 4 < (before - np.array(again)).mean() < 6


def test_in_place_a_failure_changes_nothing(run, photo):
    broken = photo.read_bytes()[:700]
    photo.write_bytes(broken)
    assert run("restore", photo, "--in-place")[0] == 1
    assert photo.read_bytes() == broken


def test_a_folder_is_restored_with_its_tree(run, photo, tmp_path):
    deep = tmp_path / "in" / "sub"
    deep.mkdir(parents=True)
    (deep / "a.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "in" / "b.png").write_bytes(b"broken")
    code, out, err = run("restore", tmp_path / "in", "--output", tmp_path / "out")
    assert code == 1 and "b.png" in err
    assert (tmp_path / "out" / "sub" / "a.restored.png").is_file()
    assert "2 pictures: 1 restored, 1 failed" in out.splitlines()[-1]


def test_json_is_one_line_a_picture(run, photo, tmp_path):
    broken = tmp_path / "broken\n.jpg"
    broken.write_bytes(b"")
    code, out, _ = run("restore", photo, broken, photo.parent / "no.jpg", "--json")
    first, second, third, last = map(json.loads, out.splitlines())
    assert code == 1
    assert last["summary"] == {
        **{"restored": 1, "copied": 0, "skipped": 0, "failed": 2, "passed_over": {}},
        "failures": [f"{r['input']}: {r['reason']}" for r in (second, third)],
    }
    assert (first["status"], first["width"], first["quality"]) == ("restored", 88, 12)
    assert first["probability"] == 0.75 and first["output"].endswith("restored.png")
    assert (second["status"], second["input"]) == ("failed", str(broken))
    assert "empty file" in second["reason"]
    assert third["reason"] == "no such file or directory"


def test_names_are_escaped_on_the_terminal(run, photo, tmp_path):
    odd = tmp_path / os.fsdecode(b"line\nbreak\xff.jpg")
    odd.write_bytes(photo.read_bytes())
    code, out, err = run("restore", odd)
    assert (code, err) == (0, "") and len(out.splitlines()) == 1
    assert "line\\nbreak\\udcff.jpg" in out
    odd.write_bytes(b"")
    _, out, err = run("restore", odd, "--overwrite")
    assert err.count("\n") == 1 and "line\\nbreak" in err


def test_clean_pictures_are_left_alone(run, photo, tmp_path):
    class Fake(Darkening):
        def probability(self, image):
            return 0.01 if image.mean() < 50 else 0.9

    dark = tmp_path / "dark.png"
    Image.fromarray(made_picture() // 8).save(dark)
    code, out, _ = run("restore", dark, photo, load=Fake)
    assert code == 0
    assert "dark.png: skipped (no trace of JPEG, probability 0.01" in out
    assert not (tmp_path / "dark.restored.png").exists()
    assert (tmp_path / "photo.restored.png").is_file()
    words = ("restore", dark, photo, "--output", tmp_path / "new")
    code, out, _ = run(*words, "--dry_run", "--json", load=Fake)
    planned, _, summary = map(json.loads, out.splitlines())
    assert code == 0 and planned["status"] == "to copy"
    assert planned["output"] == str(tmp_path / "new" / "dark.restored.png")
    assert summary["summary"]["megapixels"] == pytest.approx(88 * 72 / 1e6)
    code, out, _ = run(*words, load=Fake)
    assert code == 0 and "2 pictures: 1 restored, 1 copied." in out
    assert "new/dark.restored.png  copied (no trace of JPEG, probability 0.01" in out
    assert (tmp_path / "new/dark.restored.png").read_bytes() == dark.read_bytes()
    code, out, _ = run("restore", dark, "--always", load=Fake)
    assert code == 0 and (tmp_path / "dark.restored.png").is_file()


def test_before_and_after_are_drawn(run, photo, tmp_path):
    assert run("restore", photo, "--compare", tmp_path / "both.png")[0] == 0
    assert Image.open(tmp_path / "both.png").width > 2 * 88
    run("restore", photo, "--overwrite", "--compare", tmp_path / "drawn")
    assert os.listdir(tmp_path / "drawn") == ["photo.jpg.compared.png"]


def test_one_drawing_is_for_one_picture(run, photo, tmp_path):
    code, _, err = run("restore", photo, tmp_path / "b.jpg", "--compare", "both.png")
    assert code == 2 and "one image for 2 pictures. For several" in err


def test_a_result_and_its_comparison_are_two_files(run, photo, tmp_path):
    both = tmp_path / "both.png"
    code, _, err = run("restore", photo, "--output", both, "--compare", both)
    assert code == 2 and "The result and the comparison would both become" in err


def test_a_comparison_that_cannot_be_written_costs_the_result_too(run, photo, tmp_path):
    # With it, the next run would skip the picture, and never draw.
    compare = photo / "drawn.png"
    code, _, err = run("restore", photo, "--compare", compare)
    assert code == 1 and "drawn.png: cannot be written" in err
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_formats_not_written_in_place_fail_early(run, tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(made_picture()).save(path)
    before = path.read_bytes()
    code, _, err = run("restore", path, "--in-place", load=pytest.fail)
    assert code == 1 and "BMP cannot be written in place" in err
    assert path.read_bytes() == before


@pytest.mark.parametrize("depth", ["8", "16"])
def test_a_picture_that_a_format_cannot_hold_fails_early(run, tmp_path, depth):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((9, 9, 4), 99, np.uint8)).save(path)
    if depth == "16":
        path = tmp_path / "a.jpg"
        Image.fromarray(made_picture()).save(path)
    arguments = ["--in-place", "--depth", "16"] if depth == "16" else []
    arguments = arguments or ["--output", str(tmp_path / "b.jpg")]
    code, _, err = run("restore", path, *arguments, load=pytest.fail)
    wanted = {"8": "JPEG has no alpha", "16": "jpeg has no 16 bits"}[depth]
    assert code == 1 and wanted in err


def test_in_place_a_second_run_resumes(run, photo, tmp_path):
    assert run("restore", photo, "--in-place", "--strip")[0] == 0
    (tmp_path / "second.jpg").write_bytes(photo.read_bytes())  # marked, as a copy is
    Image.fromarray(made_picture()).save(tmp_path / "third.jpg", quality=30)
    once = photo.read_bytes()
    code, out, _ = run("restore", tmp_path, "--in-place")
    assert code == 0 and "2 skipped" in out and "1 restored" in out
    assert "restored before; --overwrite restores it again" in out
    assert photo.read_bytes() == once
    assert run("restore", photo, "--in-place", "--overwrite")[0] == 0
    assert photo.read_bytes() != once


def test_in_place_a_picture_without_room_for_the_mark_is_unchanged(run, photo):
    exif = Image.Exif()
    exif[0x010E] = "x" * 65_480  # with the rest of EXIF, just under a segment
    image = Image.open(photo)
    image.save(photo, exif=exif)
    before = photo.read_bytes()
    code, _, err = run("restore", photo, "--in-place")
    assert code == 1 and "no room for the mark" in err
    assert photo.read_bytes() == before
    assert run("restore", photo)[0] == 0  # into another file


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("photo.jpg", ["--in-place"], "photo.jpg: changed while it was restored"),
        (
            "photo.restored.png",
            [],
            "another program meanwhile; --overwrite",
        ),
    ],
)
def test_files_that_others_write_meanwhile_are_not_replaced(
    run, photo, name, options, message
):
    path = photo.with_name(name)

    def restore(image):
        path.write_bytes(b"precious")
        return image

    code, _, err = run("restore", photo, *options, load=with_restore(restore))
    assert code == 1 and message in err
    assert path.read_bytes() == b"precious"


def test_a_folder_with_the_name_of_a_result_does_not_count_as_one(run, photo):
    photo.with_name("photo.restored.png").mkdir()
    code, _, err = run("restore", photo)
    assert code == 1 and "cannot be written (is a directory)" in err


def test_a_write_protected_original_stays(run, photo):
    photo.chmod(0o444)
    before = photo.read_bytes()
    code, _, err = run("restore", photo, "--in-place")
    assert code == 1 and "write-protected" in err and photo.read_bytes() == before


def test_a_long_name_is_restored_and_one_too_long_does_not_stop_the_others(
    run, photo, tmp_path
):
    long = tmp_path / ("n" * 246 + ".jpg")
    long.write_bytes(photo.read_bytes())
    code, _, err = run("restore", tmp_path / ("m" * 300 + ".jpg"), long, photo)
    assert code == 1 and err.count("\n") == 1 and "too long" in err.lower()
    assert len(list(tmp_path.glob("*.restored.png"))) == 2


def test_every_line_of_the_log_is_one_line(run, photo, tmp_path):
    folder = tmp_path / "line\nbreak"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photo.read_bytes())
    os.mkfifo(folder / "b.jpg")
    run("restore", folder)
    code, out, err = run("restore", folder)
    assert code == 0 and "skipped" in out
    assert out.count("\n") == err.count("\n") == 1
    code, _, err = run("restore", folder, "--output", folder / "a.jpg" / "x")
    assert "line\\nbreak" in err and err.count("\n") == 2


def test_a_picture_is_not_written_to_the_terminal(run, photo, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = run("restore", photo, "--output", "-")
    assert (code, out) == (2, "") and "use > FILE" in err


def test_metadata_travel_unless_stripped(run, photo, tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.open(photo).save(photo, quality=50, exif=exif)
    run("restore", photo, "--output", tmp_path / "a.png")
    run("restore", photo, "--output", tmp_path / "b.png", "--strip")
    assert Image.open(tmp_path / "a.png").getexif()[0x010F] == "a camera"
    assert b"a camera" not in (tmp_path / "b.png").read_bytes()


def test_a_file_name_that_is_too_long_is_an_error(run):
    code, _, err = run("restore", 300 * "a" + "/*.jpg")
    assert code == 2 and "aaa/" not in err.split(": ")[0]
    assert err.endswith(": file name too long\n") and "standard output" not in err


def test_a_deleted_current_folder_is_an_error(run, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, _, err = run("restore", "photo.jpg")
    assert (code, err) == (
        2,
        "dual-prior: the current folder: no such file or directory\n",
    )


def test_alpha_is_kept(run, tmp_path):
    image = Image.fromarray(np.stack([made_picture()] * 3, axis=-1))
    alpha = made_picture(seed=5)
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "a.png")
    run("restore", tmp_path / "a.png")
    again = Image.open(tmp_path / "a.restored.png")
    np.testing.assert_array_equal(np.array(again)[..., 3], alpha)


def test_limits_can_be_raised(run, tmp_path):
    Image.fromarray(np.zeros((2000, 1000), np.uint8)).save(tmp_path / "a.png")
    code, _, err = run("restore", tmp_path / "a.png", "--max-megapixels", 1)
    assert code == 1 and "--max-megapixels raises the limit" in err
    assert run("restore", tmp_path / "a.png", "--max-megapixels", 2)[0] == 0


def test_salvage_and_strict_decide_over_damaged_files(run, photo, tmp_path):
    photo.write_bytes(photo.read_bytes()[:-200])
    assert run("restore", photo)[0] == 1
    code, _, err = run("restore", photo, "--salvage")
    assert code == 0 and "warning: truncated: what was left is restored" in err
    assert run("restore", photo, "--strict", "--salvage", "--overwrite")[0] == 1


def test_special_files_in_a_folder_are_passed_over(run, photo, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    code, _, err = run("restore", tmp_path)
    assert code == 0 and "pipe.jpg: not a regular file, skipped" in err


def test_too_little_memory_gets_one_line(run, photo):
    code, _, err = run("restore", photo, load=with_restore(raising(MemoryError)))
    assert code == 1 and err.startswith(f"dual-prior: {photo}: not enough memory")
    assert err.count("\n") == 1
    assert os.listdir(photo.parent) == ["photo.jpg"]


def test_a_crop_tries_a_part_under_a_name_of_its_own(run, photo, tmp_path):
    code, out, err = run("restore", photo, "--crop", "40x32+16+8")
    result = tmp_path / "photo.40x32+16+8.restored.png"
    assert (code, err) == (0, "") and "(40x32, colour JPEG" in out
    with Image.open(photo) as whole, Image.open(result) as part:
        assert part.size == (40, 32)
        expected = np.asarray(whole, int)[8:40, 16:56] - 5
        np.testing.assert_array_equal(np.asarray(part), expected.clip(0))
    code, out, _ = run("restore", tmp_path)  # the whole has no result yet
    assert code == 0 and Image.open(tmp_path / "photo.restored.png").size == (88, 72)
    code, _, err = run("restore", photo, "--crop", "9x9+9+9", "-o", tmp_path / "b.png")
    assert code == 0 and "warning: cropped to 16x16+8+8, on the grid" in err
    code, _, err = run("restore", photo, "--crop", "9x9+900+9", "--overwrite")
    assert code == 1 and "photo.jpg: the crop 9x9+900+9 is outside of its 88x72" in err
    assert run("restore", photo, "--crop", "9x9", "--overwrite")[0] == 2
    assert run("restore", photo, "--crop", "9x9+0+0", "--in-place")[0] == 2


def test_a_package_that_is_missing_is_named(run, photo, tmp_path, monkeypatch):
    needed = {"jxl": "another[package]"}
    monkeypatch.setattr(plan, "missing_package", needed.get)
    code, _, err = run("restore", photo, "-o", tmp_path / "a.jxl")
    assert code == 2 and "jxl results need pip install 'another[package]'" in err
    (tmp_path / "b.jxl").write_bytes(photo.read_bytes())
    assert run("restore", tmp_path / "b.jxl", "-f", "same")[0] == 0
    assert (tmp_path / "b.restored.png").exists()
