"""Broken files made from good ones, the same ones for the same seed."""

from collections.abc import Iterator

import numpy as np


def mutants(data: bytes, count: int, seed: int = 0, flips: int = 4) -> Iterator[bytes]:
    """Yields `count` copies of `data`, each with `flips` bits turned over."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), flips):
            broken[place] ^= 1 << rng.integers(8)
        yield bytes(broken)
