"""Files as bad luck makes them."""

from collections.abc import Iterator

import numpy as np


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged copies of a file: flipped bits, overwritten, cut, repeated."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        broken = bytearray(data)
        if index % 4 == 0:  # a cut
            del broken[rng.integers(len(data)) :]
        elif index % 4 == 1:  # a run of one value
            start, length = rng.integers(len(data)), rng.integers(1, 64)
            broken[start : start + length] = bytes([rng.integers(256)]) * int(length)
        elif index % 4 == 2:  # a part once more, somewhere else
            start, place = rng.integers(len(data), size=2)
            broken[place:place] = data[start : start + int(rng.integers(1, 200))]
        for place in rng.integers(0, max(len(broken), 1), rng.integers(1, 6)):
            if broken:
                broken[place] ^= 1 << rng.integers(8)
        yield bytes(broken)
