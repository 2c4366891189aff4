import os
from pathlib import Path

import pytest

from dual_prior.files.plan import Job, UsageError, plan_jobs
from dual_prior.files.settings import Settings


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of (empty) pictures and other files, which is where we are."""
    for name in (
        "a.jpg",
        "b.JPEG",
        "notes.txt",
        ".hidden.jpg",
        "a.restored.png",
        "sub/c.png",
        "sub/deep/d.webp",
        ".git/e.jpg",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _plan(*inputs, output=None, compare=None, **settings):
    plan = plan_jobs(inputs, Settings(**settings), output, compare)
    return [
        (str(job.source), str(job.target)) for job in plan.jobs
    ], plan.search.warnings


def test_a_file_gives_its_result_beside_it(tree):
    assert _plan("photos/a.jpg")[0] == [("photos/a.jpg", "photos/a.restored.png")]


def test_a_named_output_is_a_file_for_one_input(tree):
    assert _plan("photos/a.jpg", output="x.webp")[0] == [("photos/a.jpg", "x.webp")]


@pytest.mark.parametrize("output", ["new/", "photos"])
def test_an_output_that_is_a_folder_takes_one_input_too(tree, output):
    expected = str(Path(output, "a.restored.png"))
    assert _plan("photos/a.jpg", output=output)[0] == [("photos/a.jpg", expected)]


def test_a_folder_is_searched_and_its_tree_kept(tree):
    jobs, warnings = _plan("photos", output="out", format="tiff")
    assert jobs == [
        ("photos/a.jpg", "out/a.restored.tif"),
        ("photos/b.JPEG", "out/b.restored.tif"),
        ("photos/sub/c.png", "out/sub/c.restored.tif"),
        ("photos/sub/deep/d.webp", "out/sub/deep/d.restored.tif"),
    ]
    assert warnings == []


def test_without_output_results_lie_beside_their_inputs(tree):
    targets = [target for _, target in _plan("photos")[0]]
    assert "photos/sub/deep/d.restored.png" in targets


def test_quoted_patterns_are_expanded(tree):
    jobs, _ = _plan("photos/**/*.png", "photos/[ab]*", output="out")
    assert [source for source, _ in jobs] == [
        "photos/sub/c.png",  # and not a.restored.png
        "photos/a.jpg",
        "photos/b.JPEG",
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tree):
    (tree / "x[1].jpg").touch()
    assert _plan("x[1].jpg")[0] == [("x[1].jpg", "x[1].restored.png")]


def test_a_pattern_without_matches_is_an_error(tree):
    with pytest.raises(UsageError, match=r"\*.gif: no picture matches"):
        _plan("*.gif")


def test_a_missing_file_is_left_to_the_reader_to_report(tree):
    assert _plan("missing.jpg")[0] == [("missing.jpg", "missing.restored.png")]


def test_a_name_depends_on_its_source_only(tree):
    before = dict(_plan("photos", output="out")[0])
    (tree / "photos" / "sub" / "c.jpg").touch()
    plan = plan_jobs(["photos"], Settings(), "out")
    after = {str(job.source): str(job.target) for job in plan.jobs}
    del before["photos/sub/c.png"]
    assert after == before
    assert [(r.input, r.status, r.output) for r in plan.refused] == [
        ("photos/sub/c.jpg", "failed", None),
        ("photos/sub/c.png", "failed", None),
    ]
    assert plan.refused[0].reason == (
        "photos/sub/c.png would also become out/sub/c.restored.png; --long-names or "
        "another --output keeps them apart"
    )
    assert [target for _, target in _plan("photos/sub", long_names=True)[0]] == [
        "photos/sub/c.jpg.restored.png",
        "photos/sub/c.png.restored.png",
        "photos/sub/deep/d.webp.restored.png",
    ]


def test_results_of_one_name_are_refused_and_the_others_are_not(tree):
    (tree / "a.jpg").touch()
    plan = plan_jobs(["photos/a.jpg", "a.jpg", "photos/sub"], Settings(), "out")
    assert [record.input for record in plan.refused] == ["photos/a.jpg", "a.jpg"]
    assert [str(job.source) for job in plan.jobs] == [
        "photos/sub/c.png",
        "photos/sub/deep/d.webp",
    ]


def test_a_result_that_is_an_input_is_refused_and_the_others_are_not(tree):
    plan = plan_jobs(["photos/a.jpg", "photos/a.restored.png"], Settings())
    assert [record.input for record in plan.refused] == ["photos/a.jpg"]
    assert "is an input" in plan.refused[0].reason
    assert [str(job.source) for job in plan.jobs] == ["photos/a.restored.png"]


def test_results_may_be_named_as_their_sources(tree):
    for name in ("e.bmp", "f.tif", "g.jfif"):
        (tree / "photos" / name).touch()
    jobs = plan_jobs(["photos"], Settings(suffix="", format="same"), "out").jobs
    assert [(str(job.target), job.format) for job in jobs] == [
        ("out/a.jpg", "jpeg"),
        ("out/b.JPEG", "jpeg"),
        ("out/e.png", "png"),  # BMP is not written
        ("out/f.tif", "tiff"),
        ("out/g.jfif", "jpeg"),
        ("out/sub/c.png", "png"),
        ("out/sub/deep/d.webp", "webp"),
    ]
    with pytest.raises(UsageError, match="An empty suffix needs an output folder"):
        _plan("photos", suffix="")


def test_results_of_another_suffix_are_not_restored_again(tree):
    (tree / "photos" / "a_clean.png").touch()
    assert len(_plan("photos", suffix="_clean")[0]) == 4
    assert len(_plan("photos")[0]) == 5


def test_skipped_files_are_counted_by_suffix(tree):
    for name in ("a.gif", "b.GIF", "shot.png.bak", "no_suffix", ".DS_Store"):
        (tree / "photos" / "sub" / name).touch()
    search = plan_jobs(["photos"], Settings()).search
    assert search.passed_over == {
        ".gif": 2,
        ".bak": 1,
        ".txt": 1,
        "without suffix": 1,
    }


def test_a_file_named_twice_is_one_picture(tree):
    jobs = [("photos/a.jpg", "photos/a.restored.png")]
    assert _plan("photos/a.jpg", "photos/../photos/a.jpg")[0] == jobs
    assert len(_plan("photos", "photos/a.jpg", output="out")[0]) == 4


def test_trees_of_several_folders_and_of_patterns_stay_apart(tree):
    (tree / "photos" / "sub" / "a.jpg").touch()
    targets = [target for _, target in _plan("photos/**/a.jpg", output="out")[0]]
    assert targets == ["out/a.restored.png", "out/sub/a.restored.png"]
    os.mkdir("other")
    os.rename("photos/sub", "other/sub")
    jobs = _plan("photos", "other/../other", output="out")[0]
    assert ("photos/a.jpg", "out/photos/a.restored.png") in jobs
    assert jobs[-3][1] == "out/other/sub/a.restored.png"


@pytest.mark.parametrize(("given", "output"), [("", None), ("photos", "")])
def test_an_empty_name_is_not_the_current_folder(tree, given, output):
    with pytest.raises(UsageError, match="got an empty one"):
        _plan(given, output=output)


def test_folders_that_cannot_be_searched_are_reported(tree, monkeypatch):
    def walk(folder, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", f"{folder}/secret"))
        yield str(folder), [], ["a.jpg"]

    monkeypatch.setattr(os, "walk", walk)
    plan = plan_jobs(["photos"], Settings())
    assert plan.search.unsearched == [
        "photos/secret: cannot be searched (Permission denied)"
    ]
    assert len(plan.jobs) == 1


def test_earlier_comparisons_are_not_searched(tree):
    (tree / "photos" / "a.jpg.compared.png").touch()
    assert len(_plan("photos", output="out", compare=Path("photos"))[0]) == 4


def test_comparisons_are_png_files(tree):
    with pytest.raises(UsageError, match="NAME.png, got drawn.jpg"):
        _plan("photos/a.jpg", compare=Path("drawn.jpg"))


@pytest.mark.parametrize("link", [False, True])
def test_an_input_is_never_an_output(tree, link):
    target = "photos/a.jpg"
    if link:
        target = "link.png"
        os.symlink("photos/a.jpg", target)
    with pytest.raises(UsageError, match="only overwritten with --in-place"):
        _plan("photos/a.jpg", output=target)


def test_in_place_writes_over_the_inputs(tree):
    jobs, _ = _plan("photos/a.jpg", "photos/sub", in_place=True)
    assert jobs[0] == ("photos/a.jpg", "photos/a.jpg")
    assert all(source == target for source, target in jobs) and len(jobs) == 3


@pytest.mark.parametrize("output", ["x.png", "-"])
def test_in_place_excludes_an_output(tree, output):
    with pytest.raises(UsageError, match="exclude each other"):
        _plan("photos/a.jpg", output=output, in_place=True)


def test_link_loops_end(tree):
    os.symlink(".", "photos/sub/loop")
    os.symlink("../photos", "photos/again")
    sources = [source for source, _ in _plan("photos", output="out")[0]]
    assert sorted(os.path.realpath(s) for s in sources) == sorted(
        str(tree / "photos" / name)
        for name in ("a.jpg", "b.JPEG", "sub/c.png", "sub/deep/d.webp")
    )


def test_links_that_lead_back_end_in_patterns_too(tree):
    before = _plan("photos/**/*.*", output="out")
    assert len(before[0]) == 4
    os.symlink(".", "photos/sub/loop")
    os.symlink("../photos", "photos/again")
    assert _plan("photos/**/*.*", output="out") == before
    assert _plan("photos/**", output="out") == before


def test_an_invalid_pattern_is_an_error(tree):
    with pytest.raises(UsageError, match="no picture matches|Invalid pattern"):
        _plan("photos/**x/a.jpg")


def test_in_place_a_link_and_its_file_are_one_picture(tree):
    os.symlink("../a.jpg", "photos/sub/cover.jpg")
    assert len(_plan("photos", in_place=True)[0]) == 4
    assert len(_plan("photos", output="out")[0]) == 5


def test_special_files_are_skipped_with_a_warning(tree):
    os.mkfifo("photos/pipe.jpg")
    jobs, warnings = _plan("photos", output="out")
    assert len(jobs) == 4
    assert warnings == ["photos/pipe.jpg: not a regular file, skipped"]


def test_an_empty_folder_is_reported(tree):
    (tree / "empty").mkdir()
    assert _plan("empty") == ([], ["empty: no pictures in this folder"])


def test_odd_names_survive(tree):
    name = os.fsdecode(b"new\nline \xff'\".jpg")
    (tree / name).touch()
    ((source, target),) = _plan(name)[0]
    assert (source, target) == (name, name.removesuffix(".jpg") + ".restored.png")


def test_comparisons_keep_the_tree_and_their_names_apart(tree):
    jobs = plan_jobs(["photos"], Settings(), "out", compare=Path("drawn")).jobs
    assert [str(job.comparison) for job in jobs] == [
        "drawn/a.jpg.compared.png",
        "drawn/b.JPEG.compared.png",
        "drawn/sub/c.png.compared.png",
        "drawn/sub/deep/d.webp.compared.png",
    ]
    (tree / "a.jpg").touch()
    plan = plan_jobs(["photos/a.jpg", "a.jpg"], Settings(), compare=Path("drawn"))
    first, second = plan.refused
    assert "a.jpg would also become drawn/a.jpg.compared.png" in first.reason


@pytest.mark.parametrize("in_place", [False, True])
def test_a_comparison_never_overwrites_an_input_or_a_result(tree, in_place):
    (tree / "p.png").touch()
    with pytest.raises(UsageError, match="is an input|both become"):
        _plan("p.png", in_place=in_place, compare=Path("p.png"))
    if not in_place:
        with pytest.raises(UsageError, match="both become"):
            _plan("p.png", output="x.png", compare=Path("x.png"))


def test_names_are_cut_to_what_file_systems_take(tree):
    name = "ä" * 125 + ".jpg"  # 254 bytes
    (tree / name).touch()
    (job,) = plan_jobs([name], Settings(), compare=Path("drawn")).jobs
    for path in (job.target, job.comparison):
        assert len(os.fsencode(path.name)) in (254, 255)
    assert job.target.name.endswith("ä.restored.png")


def test_a_jpeg_is_found_whatever_it_is_called(tree):
    for name in ("f1", "f2.gif"):
        (tree / "photos" / "sub" / name).write_bytes(b"\xff\xd8\xff\xe0")
    sources = [source for source, _ in _plan("photos/sub", output="out")[0]]
    assert sources[1:3] == ["photos/sub/f1", "photos/sub/f2.gif"]


def test_copies_of_pictures_are_not_searched(tree):
    for name in ("a.jpg.orig", "photo.png.bak"):
        (tree / "photos" / name).write_bytes(b"\xff\xd8\xff\xe0")
    plan = plan_jobs(["photos"], Settings(in_place=True))
    assert len(plan.jobs) == 4 and plan.search.passed_over[".orig"] == 1


def test_without_results_nothing_is_in_the_way(tree):
    plan = plan_jobs(["photos/a.jpg", "photos/a.restored.png"], None)
    assert [job.target for job in plan.jobs] == [None, None]


def test_standard_input_goes_to_standard_output_or_a_file(tree):
    def jobs(*inputs, output=None):
        return plan_jobs(inputs, Settings(), output).jobs

    assert jobs("-") == jobs("-", output="-") == [Job(None, None)]
    x = Path("x.png")
    assert jobs("-", output="x.png") == [Job(None, x, copy=x)]
    assert jobs("photos/a.jpg", output="-") == [Job(Path("photos/a.jpg"), None)]
    with pytest.raises(UsageError, match="takes one picture"):
        jobs("photos", output="-")
    for inputs, output, in_place in (
        (["-", "a.jpg"], None, False),
        (["-"], "photos", False),
        (["-"], None, True),
    ):
        with pytest.raises(UsageError):
            _plan(*inputs, output=output, in_place=in_place)
