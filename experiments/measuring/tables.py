"""Tables as CSV, and as Markdown that is readable in a terminal, too."""

import csv
import io
from collections.abc import Collection, Iterable, Sequence


def aligned(lines: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Markdown of a table, its columns as wide as their widest cells.

    Args:
        lines: The header and the rows, each as many cells.
        right: Which columns are aligned on the right.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = []
    for line in lines:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        rows.append(f"| {' | '.join(cells)} |")
    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"


def csv_text(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """A header and rows of values as CSV, unrounded; None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue()
