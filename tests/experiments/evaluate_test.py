import csv
import io
import re

import cv2
import keras
import numpy as np
import pytest

from dual_prior import jpeg
from dual_prior.jpeg.table_plane import UNKNOWN
from dual_prior.network.colour_network import load_network
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.pictures.reader import read_picture
from dual_prior.restoration.pixels import restore_array
from dual_prior.restoration.restorer import graph_of_pixels
from experiments.data import sources
from experiments.measuring import measures, scores
from experiments.measuring.published import table1
from tests.conftest import made_picture
from tests.experiments.binary import load, run
from tests.experiments.exporting import networks


def _identity(compressed):
    return compressed


def _evaluate(pairs, methods, quality=10):
    named = [(str(i), *pair) for i, pair in enumerate(pairs)]
    return scores.means(scores.evaluate("made", quality, named, methods))


def _measured(clean, restored):
    by = measures.find(measures.PAPER)
    return [measure(clean, restored) for measure in by.values()]


def _cells(table):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]


def _main(*arguments):
    """The lines that the binary prints."""
    code, out, err = run("evaluate", *arguments)
    assert code == 0, err
    return out.splitlines()


def test_scores_are_means_over_the_pictures():
    pairs = []
    for seed in range(3):
        clean = made_picture(seed=seed)
        pairs.append((jpeg.compress(clean, 10), clean))
    (score,) = _evaluate(pairs, {"JPEG": _identity})
    each = np.array([_measured(clean, y) for y, clean in pairs])
    measured = (score.psnr, score.ssim_uniform, score.ssim_gaussian, score.psnr_b)
    np.testing.assert_allclose(measured, each.mean(axis=0), rtol=1e-12)
    assert score.pictures == 3


def test_psnr_b_is_that_of_the_restored_picture():
    clean = made_picture()
    compressed = jpeg.compress(clean, 10)
    jpeg_score, perfect = _evaluate(
        [(compressed, clean)], {"JPEG": _identity, "all": lambda y: clean}
    )
    assert jpeg_score.psnr_b < jpeg_score.psnr
    assert perfect.psnr == float("inf")
    assert perfect.psnr_b > jpeg_score.psnr_b


def test_every_method_is_shown_the_same_compressed_picture():
    clean = made_picture()
    compressed = jpeg.compress(clean, 10)
    seen = []
    methods = {name: lambda y: seen.append(y) or y for name in "ab"}
    _evaluate([(compressed, clean)], methods)
    for plane in seen:
        np.testing.assert_array_equal(plane, compressed)
    assert len(seen) == 2


def test_options_are_rows_of_their_own():
    clean = np.clip(made_picture(), 16, 235)
    compressed = jpeg.compress(clean, 10)
    also = scores.OPTIONS

    def brighter(y):
        return y + np.float32(0.1)

    found = scores.methods("net", brighter, 1, also, 10)
    assert list(found) == [
        "net",
        "net, consistent",
        "net, narrow",
        "net, self_ensemble",
        "net, self_ensemble, consistent",
        "net, self_ensemble, narrow",
    ]
    rows = {s.method: s for s in _evaluate([(compressed, clean)], found)}
    assert rows["net, consistent"].psnr > rows["net"].psnr + 3
    assert rows["net, narrow"].kept >= rows["net, consistent"].kept > rows["net"].kept
    assert rows["net, self_ensemble"].psnr == pytest.approx(rows["net"].psnr, abs=0.05)
    # The compression of such pictures is unknown.
    assert list(scores.methods("net", brighter, 1, also, None)) == [
        "net",
        "net, self_ensemble",
    ]


def test_published_ssim_stands_in_the_column_of_its_window():
    rows = {s.method: s for s in scores.published_scores("classic5", 10)}
    proposed, dncnn = rows["Proposed (Table 1)"], rows["DnCNN (Table 1)"]
    assert (proposed.ssim_uniform, proposed.ssim_gaussian) == (0.8403, None)
    assert (dncnn.ssim_uniform, dncnn.ssim_gaussian) == (None, 0.8026)


def test_the_convention_of_some_methods_changes_with_the_set():
    # The table calls the set BSD500, its folder is bsds500.
    rows = {s.method: s for s in scores.published_scores("bsds500", 10)}
    assert rows["DnCNN (Table 1)"].ssim_uniform == 0.8006
    assert rows["Proposed (Table 1)"].ssim_uniform == 0.8146
    assert rows["PCA (Table 1)"].ssim_gaussian == 0.7793


def test_no_convention_is_claimed_where_nothing_was_measured():
    rows = scores.published_scores("wechat", None)
    assert all("convention not known" in row.note for row in rows)


@pytest.mark.parametrize("dataset", [*sources.EVALUATION_SETS, *sources.PAIR_SETS])
def test_table_1_has_12_methods_for_every_set_that_can_be_measured(dataset):
    qualities = [None] if dataset in sources.PAIR_SETS else [10, 20, 30]
    for quality in qualities:
        assert len(scores.published_scores(dataset, quality)) == 12


def test_every_row_of_table_1_belongs_to_a_set_that_can_be_measured():
    names = {row.dataset for row in table1()}
    assert names == {*sources.EVALUATION_SETS, *sources.PAIR_SETS}


def test_the_golden_figures_are_printed(shared_data):
    arguments = (f"--data_dir={shared_data}", "--datasets=classic5", "--nopaper")
    (row,) = _cells(_main(*arguments, "--qualities=10")[2:])
    assert row == [
        *("classic5", "10", "JPEG", "5"),
        *("27.8211", "0.7800", "0.7595", "25.2090", "1.0000", ""),
    ]


def test_tables_on_disk_are_those_printed(tiny_data, tmp_path):
    folder = tmp_path / "new" / "out"
    lines = _main(f"--data_dir={tiny_data}", f"--output={folder}")
    written = ["evaluation.csv", "evaluation.md", "pictures.csv"]
    assert all(f"{folder}/{name}" in lines[-1] for name in written)
    markdown = (folder / "evaluation.md").read_text()
    assert markdown.splitlines() == lines[:-1]
    assert len({len(line) for line in lines[:-1]}) == 1  # aligned
    rows = list(csv.DictReader(io.StringIO((folder / "evaluation.csv").read_text())))
    for row, cells in zip(rows, _cells(lines[2:-1]), strict=True):
        assert [row["dataset"], row["quality"], row["method"]] == cells[:3]
        assert float(row["psnr"]) == pytest.approx(float(cells[4]), abs=5e-5)
    assert sorted(path.name for path in folder.iterdir()) == written
    # The means are those of the pictures.
    pictures = scores.read_picture_csv((folder / "pictures.csv").read_text())
    means = {(s.dataset, s.quality, s.method): s.psnr for s in scores.means(pictures)}
    for row in rows:
        if row["pictures"]:
            key = (row["dataset"], int(row["quality"]), row["method"])
            assert float(row["psnr"]) == pytest.approx(means[key])


def test_a_limit_shows_in_the_table(tiny_data):
    arguments = (f"--data_dir={tiny_data}", "--datasets=classic5", "--nopaper")
    assert {c[3] for c in _cells(_main(*arguments)[2:])} == {"2"}
    assert {c[3] for c in _cells(_main(*arguments, "--limit=1")[2:])} == {"1"}


def test_pairs_are_measured_as_they_come(tmp_path):
    clean = made_picture(24, 32)
    for part, plane in (("clean", clean), ("compressed", jpeg.compress(clean, 5))):
        (tmp_path / "twitter" / part).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "twitter" / part / "a.png"), plane)
    lines = _main(f"--data_dir={tmp_path}", "--datasets=twitter")
    measured, *published = _cells(lines[2:])
    expected = _measured(clean, jpeg.compress(clean, 5))
    assert measured[:4] == ["twitter", "", "JPEG", "1"]
    assert measured[4:8] == [f"{value:.4f}" for value in expected]
    assert len(published) == 12


def test_pairs_are_cropped_before_they_are_restored(tmp_path):
    clean = made_picture(40, 64)
    for part, plane in (("clean", clean), ("compressed", jpeg.compress(clean, 5))):
        (tmp_path / "wechat" / part).mkdir(parents=True)
        for name in "abc":
            cv2.imwrite(str(tmp_path / "wechat" / part / f"{name}.png"), plane)
    pairs = sources.pairs("wechat", tmp_path)
    crops = [c for *_, c in scores.read_pairs(pairs, None, 24)]
    for (_, compressed, part), again in zip(
        scores.read_pairs(pairs, None, 24), crops, strict=True
    ):
        assert compressed.shape == part.shape == (24, 24)
        np.testing.assert_array_equal(part, again)  # the same at each run
        places = [
            (top, left)
            for top in range(0, 17, 8)
            for left in range(0, 41, 8)
            if np.array_equal(clean[top : top + 24, left : left + 24], part)
        ]
        ((top, left),) = places  # on the grid, and both from there
        whole = jpeg.compress(clean, 5)[top : top + 24, left : left + 24]
        np.testing.assert_array_equal(compressed, whole)
    assert len({part.tobytes() for part in crops}) > 1
    # What is smaller than the crop stays whole.
    assert next(scores.read_pairs(pairs, None, 48))[2].shape == (40, 48)


def test_a_network_is_measured_beside_the_jpeg(tiny, tiny_data, tmp_path):
    weights = tmp_path / "random.weights.h5"
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork.from_preset(tiny, weights=None)
    network.deblocker.tail.bias.assign([0.1])  # random ones change nothing
    network.save_weights(weights)
    lines = _main(
        f"--data_dir={tiny_data}",
        "--datasets=live1",
        "--qualities=10",
        f"--preset={tiny}",
        f"--weights={weights}",
        "--nopaper",
    )
    of_jpeg, of_network = _cells(lines[2:])
    assert (of_jpeg[2], of_network[2]) == ("JPEG", tiny)
    assert of_network[4:8] != of_jpeg[4:8]
    assert all(np.isfinite(float(cell)) for cell in of_network[4:8])


def test_a_folder_of_ones_own_is_measured(tiny_data):
    folder = tiny_data / "bsds500"
    lines = _main(f"--data={folder}", "--qualities=20")
    ((name, quality, method, count, *_),) = _cells(lines[2:])  # of no published method
    assert (name, quality, method, count) == (str(folder), "20", "JPEG", "7")


def brightness(clean, restored):
    """A user's own measure."""
    return restored.mean() - clean.mean()


def broken(clean, restored):
    """Another, which is none."""
    return clean.nothing


def test_measures_of_ones_own_are_columns(tiny_data, tmp_path):
    own = f"{__name__}:brightness"
    lines = _main(
        f"--data={tiny_data / 'live1'}",
        "--qualities=10",
        f"--metrics=psnr,{own}",
        f"--output={tmp_path}",
    )
    header, _, row, _ = (line.split("|") for line in lines)
    cells = {k.strip(): v.strip() for k, v in zip(header[:-2], row[:-2], strict=True)}
    assert cells["SSIM uniform"] == "" and float(cells["PSNR"]) > 20
    assert abs(float(cells[own])) < 1
    (of_picture,) = scores.read_picture_csv((tmp_path / "pictures.csv").read_text())
    assert of_picture.values[own] == pytest.approx(float(cells[own]), abs=5e-5)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("lpips", "some of psnr, .* or module:function; got 'lpips'"),
        ("nowhere:f", "No module named 'nowhere'"),
        ("math:nothing", "math:nothing is missing"),
        ("math:pi", "math:pi is a float"),
        (f"{__name__}:broken", "expected a number of .*broken, got AttributeError"),
    ],
)
def test_a_wrong_measure_is_an_error_of_one_line(tiny_data, metrics, message):
    arguments = (f"--data_dir={tiny_data}", "--datasets=live1", f"--metrics={metrics}")
    code, out, err = run("evaluate", *arguments)
    assert (code, out) == (1, "")
    assert re.search(message, err) and len(err.splitlines()) == 1


def test_colour_is_measured_as_luma_is(tiny, tiny_data, tmp_path):
    weights = tmp_path / "random.weights.h5"
    DualPriorNetwork.from_preset(tiny, weights=None).save_weights(weights)
    lines = _main(
        f"--data_dir={tiny_data}",
        *("--datasets=live1", "--colour", "--qualities=10,40", f"--preset={tiny}"),
        *("--also=self_ensemble", f"--weights={weights}"),
    )
    rows = _cells(lines[2:])
    assert [row[1:3] for row in rows] == [
        [quality, method]
        for quality in ("10", "40")
        for method in ("JPEG", tiny, f"{tiny}, self_ensemble")
    ]
    (picture,) = sources.evaluation_pictures("live1", tiny_data)
    clean = picture.rgb()
    expected = _measured(clean, jpeg.compress_colour(clean, 10))
    assert rows[0][4:8] == [f"{value:.4f}" for value in expected]
    assert rows[0][8] == ""  # no coefficients are known


@pytest.fixture(scope="module")
def colour_preset(tmp_path_factory):
    """The folder of a small network for colour files."""
    folder = tmp_path_factory.mktemp("presets") / "colour"
    networks.colour().save_to_preset(folder)
    return folder


@pytest.mark.parametrize("colour", [False, True])
def test_a_network_for_colour_files_is_shown_the_tables_of_the_jpeg(
    colour_preset, tiny_data, colour
):
    lines = _main(
        f"--data_dir={tiny_data}",
        *("--datasets=live1", "--qualities=30", f"--preset={colour_preset}"),
        *(["--colour"] if colour else []),
        "--nopaper",
    )
    (picture,) = sources.evaluation_pictures("live1", tiny_data)
    clean = picture.rgb() if colour else picture.luma()
    data = (jpeg.encode_colour if colour else jpeg.encode)(clean, 30)
    read = read_picture(io.BytesIO(data))
    network = load_network(colour_preset)
    part = network if colour else network.luma

    def psnr(tables):
        graph, channels = graph_of_pixels(part), part.channels
        restored = restore_array(read.pixels, graph, channels, tables=tables)
        return measures.psnr(clean, restored)

    (score,) = [cells[4] for cells in _cells(lines[2:]) if cells[2] != "JPEG"]
    assert float(score) == pytest.approx(psnr(read.tables), abs=0.01)
    assert abs(float(score) - psnr(UNKNOWN)) > 0.02


def test_two_files_are_compared_picture_by_picture(tmp_path):
    def file(name, shift):
        rows = [
            scores.PictureScore("live1", 10, str(i), name, {"psnr": 25.0 + i + shift})
            for i in range(9)
        ]
        (tmp_path / f"{name}.csv").write_text(scores.picture_csv(rows[shift > 0 :]))
        return tmp_path / f"{name}.csv"

    code, out, err = run("compare", file("one", 0.0), file("two", 0.5))
    assert code == 0, err
    (cells,) = _cells(out.splitlines()[2:3])
    assert cells[:4] == ["live1", "10", "psnr", "8"]
    assert cells[6] == "+0.5000" and cells[7] == "+0.5000 to +0.5000"
    assert "1 pictures are in one of the files only" in out


def test_the_interval_covers_the_mean_at_its_rate():
    # 95 % of them, by chance between 88 and 100 of 100; a little less of small sets.
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        low, high = load("compare").interval(rng.normal(0.3, 1.0, 30))
        held += low <= 0.3 <= high
    assert 88 <= held <= 100


def test_incomparable_files_are_an_error_of_one_line(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    for files, expected, message in (
        ([tmp_path / "a.csv"] * 2, 1, "expected rows as `evaluate` writes them"),
        ([tmp_path / "no.csv"] * 2, 1, "No such file"),
        ([tmp_path / "a.csv"], 2, "Expected 2 arguments"),
    ):
        code, out, err = run("compare", *files)
        assert (code, out) == (expected, "")
        assert message in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such weights file"), (b"junk", "not a Keras .weights.h5 file")],
)
def test_bad_weights_are_one_line_and_leave_no_file(
    tiny_data, tmp_path, content, message
):
    weights, output = tmp_path / "bad.weights.h5", tmp_path / "out"
    if content is not None:
        weights.write_bytes(content)
    code, _, err = run(
        "evaluate",
        f"--data_dir={tiny_data}",
        "--preset=compact",
        f"--weights={weights}",
        f"--output={output}",
    )
    assert code == 1
    assert message in err
    assert len(err.splitlines()) == 1
    assert list(output.iterdir()) == []
