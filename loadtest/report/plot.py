"""What a plot is: lists of numbers, and how they are to be shown.

loadtest/report/page/plots.js reads exactly these structs.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Values = list[float | None]

# Lines get these in turn; those after the last of them the same again, dashed.
COLOURS = "abcdefgh"

# Where the largest is that many times the smallest, a linear axis would show only the largest.
_WIDE = 30
_DIGITS = 4


class Line(Struct, frozen=True, kw_only=True):
    """A line of a plot.

    Attributes:
        label: in the legend.
        colour: the name of a custom property of the page's styles, without "--line-".
        values: one for each place on the axis; None: nothing is known of it.
        dashed: whether it is drawn so.
    """

    label: str
    colour: str
    values: Values
    dashed: bool = False


class Plot(Struct, frozen=True, kw_only=True):
    """One plot.

    Attributes:
        id: of its element.
        title: above it.
        note: what is shown, in some words.
        unit: of all values.
        over: what the axis is.
        from_zero: whether a linear scale begins there: not where growth is what counts.
        log: whether the values are better seen on a logarithmic scale.
        lines: drawn in this order.
    """

    id: str
    title: str
    note: str
    unit: str
    over: Literal["time", "levels"]
    from_zero: bool = True
    log: bool = False
    lines: list[Line]


class Mark(Struct, frozen=True, kw_only=True):
    """A part of the time.

    Attributes:
        row: of its label; those that overlap have rows of their own, the outer one the first.
        moment: whether its beginning is what counts, and not how long it took.
    """

    name: str
    begin: float
    end: float
    row: int
    moment: bool


class Plots(Struct, frozen=True, kw_only=True):
    """Everything that is drawn.

    Attributes:
        times: seconds since the run began.
        runs: what ran at each of them.
        marks: parts of the time.
        levels: of distributions; see spectrum.py.
        plots: in the order in which they are shown.
    """

    times: list[float]
    runs: list[str]
    marks: list[Mark]
    levels: list[float]
    plots: list[Plot]


def line(label: str, number: int, values: Iterable[float | None]) -> Line:
    """A line with the colour that belongs to its number in the plot."""
    return Line(
        label=label,
        colour=COLOURS[number % len(COLOURS)],
        values=[None if value is None else rounded(value) for value in values],
        dashed=number >= len(COLOURS),
    )


def is_wide(lines: Iterable[Line]) -> bool:
    """Whether the values are too different for a linear axis."""
    values = [value for line in lines for value in line.values if value]
    return bool(values) and max(values) > _WIDE * min(values)


def rounded(value: float) -> float:
    """To as many digits as can be seen, so that the page stays small."""
    return float(f"{value:.{_DIGITS}g}") if abs(value) < 10**_DIGITS else round(value)
