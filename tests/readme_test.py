"""What the pages claim: files that they point at, figures that were measured."""

import csv
import re

import pytest

from tests.conftest import ROOT

PAGES = sorted(
    path.relative_to(ROOT)
    for folder in ("", "results", "datasets", "experiments", "dual_prior/weights")
    for path in (ROOT / folder).glob("*.md")
)
SETS = {"Classic5": "classic5", "LIVE1": "live1", "BSD500 val": "bsds500"}
METHODS = {
    "the JPEG": "JPEG",
    "**compact**, measured": "compact",
    "the paper's own, as printed": "Proposed (Table 1)",
}


def tables(text):
    """Of a page of Markdown, each a list of rows of cells, the heading first."""
    for block in re.findall(r"(?:^ *\|.*\n)+", text, re.MULTILINE):
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
        ]
        yield [row for row in rows if set("".join(row)) != {"-"}]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_points_at_is_there(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    for target in targets:
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_every_figure_of_compact_was_measured():
    with open(ROOT / "results" / "table1.csv", newline="") as file:
        measured = {
            (row["method"], row["dataset"], row["quality"]): row
            for row in csv.DictReader(file)
        }
    (table,) = [
        rows
        for rows in tables((ROOT / "README.md").read_text())
        if rows[0][1:] == ["QF", *SETS]
    ]
    assert len(table) == 1 + 3 * len(METHODS)
    for method, quality, *cells in table[1:]:
        for name, cell in zip(SETS.values(), cells, strict=True):
            row = measured[METHODS[method], name, quality]
            expected = [f"{float(row[k]):.2f}" for k in ("psnr", "psnr_b")]
            assert re.findall(r"[\d.]+", cell) == expected, (method, quality, name)


def test_every_figure_of_photo_was_measured():
    with open(ROOT / "results" / "photographs.csv", newline="") as file:
        measured = {
            (row["method"], row["case"]): f"{float(row['psnr']):.2f}"
            for row in csv.DictReader(file)
        }
    (table,) = [
        rows
        for rows in tables((ROOT / "README.md").read_text())
        if rows[0] == ["", "the JPEG", "**photo**"]
    ]
    for title, *cells in table[1:]:
        kind, *qualities = re.findall(r"colour|luma|[1-9]0|95", title)
        twice = "cropped" in title
        cases = ["twice 10 50"] if twice else [f"{kind} {q}" for q in qualities]
        for method, cell in zip(("JPEG", "photo"), cells, strict=True):
            expected = [measured[method, case] for case in cases]
            assert re.findall(r"[\d.]+", cell) == expected, (method, title)


def test_every_figure_of_speed_was_measured():
    measured = dict(
        row
        for rows in tables((ROOT / "results" / "speed.md").read_text())
        for row in rows
    )
    text = (ROOT / "README.md").read_text()
    (paragraph,) = re.findall(r"^Speed of .*?\n\n", text, re.MULTILINE | re.DOTALL)
    paragraph = " ".join(paragraph.split())
    quoted = [
        "network",
        "network / DnCNN's architecture",
        "FLOP a pixel, network",
        "FLOP a pixel, DnCNN",
        "the command, one folder",
        "of the convolution peak, float32",
        "a process each (the first 8)",
        "its share of the peak",
        "2 de-blockers, of the step",
        "time",
        "peak memory of the process",
    ]
    for name in quoted:
        assert measured[name] in paragraph, name
