"""How much is measured."""

from typing import NamedTuple


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        members: of the room; more than 10.
        messages: of a sample; a multiple of 64.
        flat_out: likewise, of those that are said flat out.
        echoing: clients that echo.
        echoes: of each of them in a sample; a multiple of 16.
        rounds: samples of each figure.
    """

    members: int
    messages: int
    flat_out: int
    echoing: int
    echoes: int
    rounds: int


FULL = Scale(members=500, messages=192, flat_out=768, echoing=100, echoes=160, rounds=5)
SMALL = Scale(members=20, messages=64, flat_out=256, echoing=5, echoes=32, rounds=1)
