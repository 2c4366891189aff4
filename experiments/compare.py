"""Compares the scores of two networks on the same pictures.

    python -m experiments.compare runs/one/pictures.csv runs/two/pictures.csv

For each data set, quality and measure: the mean over the pictures of B less A, and the
interval that holds 95 % of 10,000 resamples of the pictures (paired bootstrap, seed 0).
An interval without 0 means a difference that other pictures of the kind would show,
too. Pictures that only one of the files has are left out, and counted.
"""

from pathlib import Path

import numpy as np
from absl import flags

from experiments import binaries
from experiments.measuring.scores import PictureScore, read_picture_csv
from experiments.measuring.tables import aligned

NUM_ARGUMENTS = 2  # A and B, each a pictures.csv of evaluate --output

_METHOD_A = flags.DEFINE_string(
    "method_a", None, "Method of the first. Default: the last in the file."
)
_METHOD_B = flags.DEFINE_string(
    "method_b", None, "Method of the second. Default: the last in the file."
)
_RESAMPLES = 10_000  # ours
_INTERVAL = (2.5, 97.5)  # percent


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The interval that holds 95 % of the means of resampled differences `[N]`.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(differences), size=(_RESAMPLES, len(differences)))
    low, high = np.percentile(differences[drawn].mean(axis=1), _INTERVAL)
    return float(low), float(high)


def comparison(
    a: list[PictureScore], b: list[PictureScore]
) -> tuple[list[list[str]], int]:
    """Rows of the table, and how many pictures only one of the two has."""
    by_picture = [
        {(r.dataset, r.quality, r.picture): r for r in rows} for rows in (a, b)
    ]
    shared = [key for key in by_picture[0] if key in by_picture[1]]
    rows = []
    for dataset, quality in dict.fromkeys(key[:2] for key in shared):
        pairs = [
            [of_file[key].values for of_file in by_picture]
            for key in shared
            if key[:2] == (dataset, quality)
        ]
        for name in pairs[0][0]:
            both = [(x[name], y[name]) for x, y in pairs if name in x and name in y]
            values = np.array(both)
            if len(values) == 0 or not np.all(np.isfinite(values)):
                continue
            low, high = interval(values[:, 1] - values[:, 0])
            of_a, of_b = values.mean(axis=0)
            rows.append(
                [dataset, str(quality or ""), name, str(len(values))]
                + [f"{of_a:.4f}", f"{of_b:.4f}", f"{of_b - of_a:+.4f}"]
                + [f"{low:+.4f} to {high:+.4f}"]
            )
    return rows, len(by_picture[0]) + len(by_picture[1]) - 2 * len(shared)


def _read(file: str, method: str | None) -> list[PictureScore]:
    try:
        rows = read_picture_csv(Path(file).read_text())
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    methods = list(dict.fromkeys(row.method for row in rows))
    if not methods or method not in (None, *methods):
        raise ValueError(
            f"{file}: expected {method or 'a method'}, found "
            f"{', '.join(methods) or 'none'}."
        )
    return [row for row in rows if row.method == (method or methods[-1])]


def main(argv):
    """Reads the files, prints the table."""
    a = _read(argv[1], _METHOD_A.value)
    b = _read(argv[2], _METHOD_B.value)
    rows, alone = comparison(a, b)
    if not rows:
        raise ValueError("Expected pictures measured in both files, found none.")
    header = ["set", "QF", "measure", "pictures", a[0].method, b[0].method]
    table = [[*header, "difference", "95 %"], *rows]
    print(aligned(table, right=range(3, 8)), end="")
    if alone:
        print(f"{alone} pictures are in one of the files only.")


if __name__ == "__main__":
    binaries.run(main, num_arguments=NUM_ARGUMENTS)
