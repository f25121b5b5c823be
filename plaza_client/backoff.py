"""How long to wait before the next try: exponential backoff with full jitter.

After a server restart all its clients come back; what spreads them is randomness, not waiting. Of
the variants compared in Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog,
2015), full jitter, a uniform draw from zero to the exponential bound, needs the fewest calls.
"""

from collections.abc import Callable


class FullJitter:
    """The delays of one series of tries.

    Args:
        random: uniform on [0, 1), such as random.random.
        base: bound of the first delay, in seconds; it doubles with every try.
        cap: bound of all delays, in seconds.
    """

    __slots__ = ("_base", "_bound", "_cap", "_random")

    def __init__(self, random: Callable[[], float], *, base: float, cap: float) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"0 < base <= cap must hold, not {base} and {cap}")
        self._random = random
        self._base = base
        self._cap = cap
        self._bound = base

    def next(self) -> float:
        """The seconds to wait before the next try."""
        bound = self._bound
        self._bound = min(self._cap, 2 * bound)
        return self._random() * bound

    def reset(self) -> None:
        """Start over: a try has succeeded."""
        self._bound = self._base
