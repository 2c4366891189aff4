"""The pages of tables and figures, and the summary of what each of them found."""

import re
from collections.abc import Sequence
from pathlib import Path

_INTRODUCTION = """# The paper, and what was measured here

Fu, Wang, Liu, Han, Zha, "Learning Dual Priors for JPEG Compression Artifacts Removal",
ICCV 2021. `compact`, the network measured here, is a small one of the paper's kind,
trained for seven hours on two CPU cores and for seven minutes on an accelerator. At the
paper's size, nine minutes on the accelerator were too short
([notes](../experiments/NOTES.md#paper-on-an-accelerator)). Twitter and WeChat, two of
the paper's five test sets, were not available.

Each row below leads to a page with its table or figure, how it was measured, and the
command that makes it; CSV files beside the pages hold all figures.
`python -m experiments.reproduce --all` makes everything again. No network was trained
or chosen on a test set.

| | the paper | measured here | verdict |
|---|---|---|---|
"""

_FINDING = re.compile(
    r"## (?P<title>.*)\n\n.*\n\n- The paper: (?P<paper>.*)\n"
    r"- Measured: (?P<measured>.*)\n- Verdict: (?P<verdict>.*)\n",
)


def finding(*, paper: str, measured: str, verdict: str) -> str:
    """The first lines of a page, which the summary repeats.

    Args:
        paper: What the paper says.
        measured: The figures that bear on it.
        verdict: What they say of it, in a few words.
    """
    lines = {"The paper": paper, "Measured": measured, "Verdict": verdict}
    return "\n".join(
        f"- {name}: {' '.join(text.split())}" for name, text in lines.items()
    )


def section(title: str, command: str, text: str) -> str:
    """Markdown of one table or figure.

    Args:
        title: Its heading.
        command: What makes it.
        text: Its body.
    """
    return f"## {title}\n\n    {command}\n\n{text.strip()}\n"


def summary(folder: Path, names: Sequence[str]) -> str:
    """Markdown: a row a page that lies in `folder`, in the order of `names`."""
    rows = []
    for name in names:
        file = folder / f"{name}.md"
        text = file.read_text() if file.exists() else ""
        if found := _FINDING.match(text):
            cells = (found["paper"], found["measured"], found["verdict"])
            rows.append(f"| [{found['title']}]({file.name}) | {' | '.join(cells)} |")
        elif text:
            title = text.partition("\n")[0].removeprefix("## ")
            rows.append(f"| [{title}]({file.name}) | | not measured yet | |")
    return _INTRODUCTION + "\n".join(rows) + "\n"
