"""The page that holds all tables and figures."""

from collections.abc import Sequence
from pathlib import Path

_INTRODUCTION = """# The paper, and what was measured here

Fu, Wang, Liu, Han, Zha, "Learning Dual Priors for JPEG Compression Artifacts Removal",
ICCV 2021. For each of its tables and figures: the command, our figures, and what
differs. `compact`, the network measured here, is a small one of the paper's kind,
trained for seven hours on two CPU cores and for seven minutes on an accelerator. At the
paper's size, nine minutes on the accelerator were too short
([notes](../experiments/NOTES.md#paper-on-an-accelerator)).
"""


def section(title: str, command: str, text: str) -> str:
    """Markdown of one table or figure.

    Args:
        title: Its heading.
        command: What makes it.
        text: Its body.
    """
    return f"## {title}\n\n    {command}\n\n{text.strip()}\n"


def page(folder: Path, names: Sequence[str]) -> str:
    """Markdown of all sections that lie in `folder`, in the order of `names`."""
    files = [folder / f"{name}.md" for name in names]
    sections = [file.read_text() for file in files if file.exists()]
    return "\n".join([_INTRODUCTION, *sections])
