import csv
import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from experiments.contenders.ablations import ABLATIONS
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.registry import CONTENDERS
from experiments.contenders.trial import TrialConfig, TrialResult, run_trial
from experiments.data.training_pictures import find
from experiments.measuring.published import Row
from experiments.measuring.scores import Score
from experiments.reproduction import (
    ablations,
    cost,
    equal_cost,
    figure1,
    figure5,
    page,
    rivals,
    ssim_windows,
    table1,
)
from experiments.reproduction.inputs import Sources
from experiments.reproduction.registry import ITEMS
from experiments.reproduction.score_cache import remembered
from tests.experiments.training import fit_test

NAMES = ("DnCNN", "compact", "K = 2", "J = 0")


def _holder(name):
    return ABLATIONS if name in ABLATIONS else CONTENDERS


def _tiny(name):
    """A tiny network in place of the contender or ablation of this name."""
    if name in ABLATIONS:
        return lambda _: fit_test.trainable(num_stages=2)
    return lambda _: dncnn(3, 4)


def _kind(name):
    return "ablations" if name in ABLATIONS else "contenders"


@pytest.fixture(scope="module")
def trained(tiny_data, tmp_path_factory):
    """Trials of `NAMES`, two of the first, all of a tiny network; made once."""
    folder = tmp_path_factory.mktemp("trained")
    split = find(["bsds500"], str(tiny_data))
    with pytest.MonkeyPatch.context() as patch:
        for name, seed in [(NAMES[0], 1), *((name, 0) for name in NAMES)]:
            patch.setitem(_holder(name), name, _tiny(name))
            config = TrialConfig(
                contender=name,
                seed=seed,
                patch_size=16,
                dtype="float32",
                **({"steps": 5} if name in ABLATIONS else {"minutes": 1e-4}),
            )
            run_trial(
                config,
                split=split,
                source="",
                seconds=0.01,
                folder=folder / _kind(name) / config.folder,
            )
    return folder


@pytest.fixture
def sources(monkeypatch, tiny_data, trained, tmp_path):
    """With a copy of these trials."""
    for name in CONTENDERS | ABLATIONS:
        monkeypatch.setitem(_holder(name), name, _tiny(name))
    runs = shutil.copytree(trained, tmp_path / "runs")
    folders = runs / _kind("DnCNN"), runs / _kind("K = 2")
    return Sources(str(tiny_data), *folders, tmp_path / "scores", limit=1)


def test_every_table_and_figure_of_the_paper_is_made(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(table1, "_TIMED_SIDE", 32)
    monkeypatch.setattr(cost, "_TIMED_SIDE", 32)
    monkeypatch.setattr(rivals, "_PATCHES", 600)
    monkeypatch.setattr(rivals, "_COMPONENTS", 2)
    for name, item in ITEMS.items():
        text = item.make(sources, tmp_path)
        (tmp_path / f"{name}.md").write_text(page.section(item.TITLE, "command", text))
        for picture in tmp_path.glob(f"{name}.png"):
            assert f"]({picture.name})" in text
            assert np.asarray(Image.open(picture)).std() > 1
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    figures = {f"figure{n}" for n in (1, 3, 5, 6, 7, 8)}  # no real/ in there
    assert pictures == figures | {"cost"}
    with open(tmp_path / "table1.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    methods = {row["method"] for row in rows}
    measured = {"JPEG", "compact, consistent", "DnCNN, trained here"}
    assert measured | {"Proposed (Table 1)"} < methods
    assert {row["dataset"] for row in rows} > {"classic5", "live1", "bsds500"}
    with open(tmp_path / "rivals.csv", newline="") as file:
        methods = {row["method"] for row in csv.DictReader(file)}
    assert {"JPEG", "SADCT", "LD", rivals.PCA} <= methods
    summary = page.summary(tmp_path, list(ITEMS)).splitlines()
    rows = {row.partition("](")[2].partition(".")[0]: row for row in summary}
    unmeasured = [name for name in ITEMS if "not measured yet" in rows[name]]
    assert unmeasured == ["table2", "figure4"]  # no such trial; no real/ in there
    assert all(row.count("|") == 5 for row in rows.values() if row.startswith("| ["))


def test_without_trials_nothing_is_claimed(tiny_data, tmp_path):
    nothing = Sources(str(tiny_data), tmp_path, tmp_path, tmp_path, limit=1)
    for name in ("equal_cost", "ablations", "table2", "figure7", "figure8"):
        assert "Not trained yet" in ITEMS[name].make(nothing, tmp_path)


def test_the_training_time_of_contenders_is_shown(sources, tmp_path):
    text = equal_cost.make(sources, tmp_path)
    assert "trained for 0.0001 minutes (float32)" in text


def test_trials_are_found_by_name(sources):
    assert [trial.seed for trial in sources.trials("DnCNN")] == [0, 1]
    (sources.contenders / "dncnn-1").rename(sources.contenders / "dncnn-10")
    assert len(sources.trials("DnCNN")) == 2
    (sources.contenders / "dncnn-10").rename(sources.contenders / "dncnn-1")
    assert sources.trials("RDN") == [] and sources.trained("RDN") is None
    assert sources.trained("DnCNN", 1).count_params() == dncnn(3, 4).count_params()


def test_gains_are_means_with_their_spread_the_best_first():
    trial = TrialResult("a", 0, 10, 0.1, 100, 5.0, (27.0,) * 3, (28.0,) * 3)
    better = dataclasses.replace(trial, restored=(28.5,) * 3)
    trials = {"a": [trial], "b": [trial, better], "c": []}
    *_, first, second = equal_cost.gain_table(trials).splitlines()
    assert first.startswith("| b | 1.250 ± 0.250 | 1.25 / 1.25 / 1.25 | 2 |")
    assert second.startswith("| a | 1.000 | 1.00 / 1.00 / 1.00 | 1 |")


def test_scores_are_cached_until_the_weights_change(tmp_path):
    weights, measured = tmp_path / "weights", []

    def measure():
        measured.append(1)
        return [Score("live1", 10, "net", 1, 27.0 + len(measured), None, 0.8, 25.0)]

    def ask(quality=10):
        folder = tmp_path / "scores"
        (score,) = remembered(folder, measure, weights=weights, quality=quality)
        return score.psnr

    weights.write_bytes(b"first")
    assert [ask(), ask(), ask(20), ask()] == [28.0, 28.0, 29.0, 28.0]
    weights.write_bytes(b"second")
    assert [ask(), ask()] == [30.0, 30.0]


def test_the_summary_has_a_row_a_method_and_a_column_a_case():
    def score(dataset, quality, method, psnr):
        return Score(dataset, quality, method, None, psnr, None, None, 0.0)

    scores = [
        score("live1", 10, "JPEG", 27.77),
        score("live1", 10, "net", 29.254),
        score("twitter", None, "net", 28.0),
    ]
    assert table1.summary(scores).splitlines() == [
        "| method | live1 10 | twitter |",
        "|---|---|---|",
        "| JPEG | 27.77 |  |",
        "| net | 29.25 | 28.00 |",
    ]


def test_distances_are_zero_on_the_line_of_a_convention():
    jpeg = Score("live1", 10, "JPEG", 1, 27.0, 0.80, 0.78, 25.0)
    restored = Score("live1", 10, "compact", 1, 29.0, 0.84, 0.82, 29.0)
    row = Row("RDN", "live1", 10, 28.5, 0.81, "gaussian", 28.0)
    found = ssim_windows.distances(row, jpeg, restored)
    assert found == pytest.approx({"gaussian": 0.0, "uniform": -0.02})
    assert "| RDN | live1 | -0.0" in ssim_windows.table([jpeg, restored])


def test_the_verdict_says_who_wins_and_by_how_much():
    def trial(name, gain):
        return [TrialResult(name, 0, 9, 0.1, 9, 9.0, (27.0,) * 3, (27.0 + gain,) * 3)]

    trials = {
        "RDN": trial("RDN", 1.25), "compact": trial("compact", 0.75), "DCSC": []
    }  # fmt: skip
    said = equal_cost.verdict(trials)
    assert said == "`compact`: 2 of 2, -0.50 dB beside RDN"
    said = equal_cost.verdict(trials | {"RDN": trial("RDN", 0.5)})
    assert said == "`compact`: 1 of 2, +0.25 dB beside RDN"


def test_differences_are_paired_by_picture_and_seed():
    def trial(seed, *gains):
        pictures = tuple((20.0 + n + gain,) * 3 for n, gain in enumerate(gains))
        return TrialResult("", seed, 9, 0.1, 9, 9.0, (), (), (), pictures)

    same, nothing = [0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0]
    assert ablations.difference([trial(0, *same)], [trial(0, *nothing)]) == (
        pytest.approx((0.5, 0.5, 0.5))
    )
    # Seeds that only one of them has are left out.
    some = [trial(0, *same), trial(1, 0.5, 1.5, 0.5, 1.5), trial(2, 9, 9, 9, 9)]
    mean, low, high = ablations.difference(
        some, [trial(0, *nothing), trial(1, *nothing)]
    )
    assert mean == pytest.approx(0.75)
    assert 0.5 <= low < 0.6 and 1 < high <= 1.5
    # Seeds apart by as much as their mean: no interval without 0.
    mean, low, high = ablations.difference(
        [trial(0, *same), trial(1, *nothing)], [trial(0, *nothing), trial(1, *nothing)]
    )
    assert mean == pytest.approx(0.25) and low == 0 and high == 0.5


def test_the_settings_name_all_inputs_of_the_results(sources):
    settings = sources.settings()
    assert settings["weights"]["compact"].startswith("compact-")
    assert settings["trials"]["minutes"] == 1e-4
    assert "seed" not in settings["trials"]
    file = sources.contenders / "compact-0" / "config.json"
    file.write_text(file.read_text().replace('"minutes": 0.0001', '"minutes": 8'))
    with pytest.raises(ValueError, match="trained with different settings"):
        sources.settings()


def test_entropy_and_gradients():
    assert figure1.entropy(np.array([3, 3, 5, 5])) == 1
    assert sorted(figure1.gradients([np.uint8([[1, 5], [2, 9]])])) == [1, 4, 4, 7]


def test_the_summary_keeps_the_order_and_what_was_made_before(tmp_path):
    for name in ("second", "first"):
        found = page.finding(paper="it\nrises", measured=f"{name}: 5", verdict="holds")
        text = page.section(f"The {name}", "command", f"{found}\n\ntext")
        (tmp_path / f"{name}.md").write_text(text)
    (tmp_path / "third.md").write_text(page.section("The third", "command", "text"))
    text = page.summary(tmp_path, ["first", "missing", "second", "third"])
    assert text.splitlines()[-3:] == [
        "| [The first](first.md) | it rises | first: 5 | holds |",
        "| [The second](second.md) | it rises | second: 5 | holds |",
        "| [The third](third.md) | | not measured yet | |",
    ]


def test_the_verdict_on_a_prior_needs_an_interval_without_zero():
    assert ablations.said(0.01, 0.004, 0.02) == "it helps, by 0.010 dB"
    assert ablations.said(-0.01, -0.02, -0.004) == "it harms, by 0.010 dB"
    assert ablations.said(0.01, -0.004, 0.02) == "no difference seen"


def test_a_weak_correlation_is_called_neither():
    said = [figure5.verdict(c) for c in (0.3, 0.05, -0.05, -0.3)]
    assert said == ["holds", "not seen", "not seen", "the other way round"]
