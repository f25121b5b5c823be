"""Latency by percentile, from an HdrHistogram.

The axis is that of HdrHistogram's own plots: 1 / (1 - percentile), logarithmic, so that 99 %,
99.9 % and 99.99 % lie equally far apart. Level 100 is 99 %: one in a hundred takes longer.
"""

import math
from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

_STEPS_PER_DECADE = 24


def levels(most: int) -> list[float]:
    """The levels at which a distribution of so many samples can be read, from 1 on.

    Args:
        most: samples of the largest one. The last level is the first one at which only its
            maximum is left.
    """
    steps = math.ceil(math.log10(max(most, 1)) * _STEPS_PER_DECADE) + 1
    return [10 ** (step / _STEPS_PER_DECADE) for step in range(steps + 1)]


def decode(encoded: str) -> list[tuple[int, int]]:
    """The values of an encoded histogram and how often each came, in ascending order.

    Raises:
        ValueError: it is none.
    """
    try:
        histogram = HdrHistogram.decode(encoded)
    except Exception as error:
        # The library raises many unrelated kinds, zlib's and ctypes' among them.
        raise ValueError("not an encoded HdrHistogram") from error
    return [
        (step.value_iterated_to, step.count_at_value_iterated_to)
        for step in histogram.get_recorded_iterator()
    ]


def read(counts: Iterable[tuple[int, int]], at: list[float]) -> list[float | None]:
    """The values at some levels.

    Args:
        counts: as from `decode`.
        at: levels, ascending.

    Returns:
        for each level its value, up to the first at which only the maximum is left; None beyond.
    """
    ordered = list(counts)
    total = sum(count for _, count in ordered)
    found: list[float | None] = []
    place, passed = 0, ordered[0][1] if ordered else 0
    before = 1.0
    for level in at:
        if before > total:  # the level before had less than one sample beyond it
            found.append(None)
            continue
        while passed < (1 - 1 / level) * total and place + 1 < len(ordered):
            place += 1
            passed += ordered[place][1]
        found.append(float(ordered[place][0]))
        before = level
    return found
