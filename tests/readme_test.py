"""The pages: their links lead somewhere, and their figures were measured."""

import csv
import re

import pytest

from tests.conftest import ROOT

PAGES = sorted(
    path.relative_to(ROOT)
    for folder in ("", "docs", "results", "datasets", "experiments", "notebooks")
    + ("dual_prior/network/presets/*",)
    for path in ROOT.glob(f"{folder}/*.md".lstrip("/"))
)

# Words in the cells around a figure, and their names in results/*.csv.
METHODS = {
    r"\bJPEG\b": "JPEG",
    r"\bcompact\b": "compact",
    r"\bphoto\b": "photo",
    r"\bfast\b": "fast",
    r"\bjpegqs\b": "jpegqs -q6",
    r"\bpaper": "Proposed (Table 1)",
}
SETS = {"Classic5": "classic5", "LIVE1": "live1", "BSD500": "bsds500"}
KINDS = {
    r"colou?r": "colour",
    "luma": "luma",
    "twice|cropped": "twice",
    "drawing": "drawing",
}


def tables(text):
    """Of a page of Markdown, each a list of rows of cells, the heading first."""
    for block in re.findall(r"(?:^ *\|.*\n)+", text, re.MULTILINE):
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
        ]
        yield [row for row in rows if set("".join(row)) - set("-: ")]


def measured():
    """(method, set or kind, quality) and the figures that results/ have of it."""
    with open(ROOT / "results" / "table1.csv", newline="") as file:
        for row in csv.DictReader(file):
            figures = {f"{float(row[name]):.2f}" for name in ("psnr", "psnr_b")}
            yield (row["method"], row["dataset"], row["quality"]), figures
    with open(ROOT / "results" / "photographs.csv", newline="") as file:
        for row in csv.DictReader(file):
            kind, quality, *again = re.split("[,:] ", row["group"] + ", ")
            if "cropped" in again:
                kind, quality = "twice", None
            yield (row["method"], kind, quality), {f"{float(row['psnr']):.2f}"}


def named(patterns, *texts):
    """The names whose pattern matches, in the first text with any match."""
    for text in texts:
        found = {name for p, name in patterns.items() if re.search(p, text)}
        if found:
            return found
    return set()


def claims(page):
    """Each figure in dB of a page's tables, and the methods, sets, qualities near."""
    for heading, *rows in tables(page):
        for row in rows:
            labels = " ".join(cell for cell in row if not re.search(r"\d\.\d\d", cell))
            for title, cell in zip(heading, row, strict=False):
                methods = named(METHODS, title, labels)
                places = named(SETS | KINDS, title, labels)
                own = re.findall(r"\b[1-9]\d\b(?!\.)", title)
                qualities = own or re.findall(r"\b[1-9]\d\b(?!\.)", labels)
                figures = re.findall(r"(?<![\d.])[2-4]\d\.\d\d(?!\d)", cell)
                if methods and places:
                    for figure in figures:
                        yield figure, methods, places, set(qualities)


def test_every_figure_in_a_table_was_measured():
    results = list(measured())
    count = 0
    for page in ("README.md", *(p for p in map(str, PAGES) if p.startswith("docs/"))):
        for figure, methods, places, qualities in claims((ROOT / page).read_text()):
            known = [
                figures
                for (method, place, quality), figures in results
                if method in methods
                and place in places
                and (quality is None or not qualities or quality in qualities)
            ]
            assert figure in set().union(*known), (page, figure, methods, places)
            count += 1
    assert count > 8


def test_table_1_is_that_of_the_csv_file():
    with open(ROOT / "results" / "table1.csv", newline="") as file:
        psnr = {
            (row["method"], f"{row['dataset']} {row['quality']}".strip()): row["psnr"]
            for row in csv.DictReader(file)
        }
    heading, *rows = next(tables((ROOT / "results" / "table1.md").read_text()))
    shown = {
        (row[0], case): cell
        for row in rows
        for case, cell in zip(heading[1:], row[1:], strict=True)
        if cell
    }
    assert shown == {case: f"{float(value):.2f}" for case, value in psnr.items()}


def test_the_presets_have_their_size_and_time():
    with open(ROOT / "results" / "cost.csv", newline="") as file:
        costs = {row["preset"]: row for row in csv.DictReader(file)}
    (table,) = [
        rows
        for heading, *rows in tables((ROOT / "README.md").read_text())
        if heading[:4] == ["preset", "for", "parameters", "time"]
    ]
    assert len(table) == len(costs)
    for name, _, parameters, time, _ in table:
        row = costs[re.findall("`(.*?)`", name)[0]]
        assert parameters == f"{float(row['parameters']) / 1e6:.1f} million"
        assert time == (f"{float(row['time']):.2g}" if row["time"] else "")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_links_of_a_page_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    for target in targets:
        assert (ROOT / page).parent.joinpath(target).exists(), target


def anchors(page):
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_link_to_a_heading_finds_it(page):
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", (ROOT / page).read_text())
    for target, anchor in links:
        path = (ROOT / page).parent / target if target else ROOT / page
        assert anchor in anchors(path), (target, anchor)


@pytest.mark.parametrize("unit", ["ms", "megapixels/s", "GFLOP"])
def test_every_figure_of_speed_was_measured(unit):
    pattern = rf"(?<![\d.])([\d,.]*\d) {unit}\b"
    known = set(re.findall(pattern, (ROOT / "results" / "speed.md").read_text()))
    assert known
    for page in ("README.md", *(p for p in map(str, PAGES) if p.startswith("docs/"))):
        text = " ".join((ROOT / page).read_text().split())
        if "notes" not in page:  # the notes have figures that results/ lacks
            assert set(re.findall(pattern, text)) <= known, page
