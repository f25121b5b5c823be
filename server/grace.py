"""The time that the process has for its end: one for all its steps, whichever needs it."""

import asyncio


class Grace:
    """Runs from `begin` on.

    Args:
        seconds: how long.

    Attributes:
        hurried: set when somebody does not want to wait even for that: a second signal.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None
        self.hurried = asyncio.Event()

    def begin(self) -> None:
        """The end has begun. Only the first call counts."""
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + self._seconds

    @property
    def begun(self) -> bool:
        """Whether the end has begun."""
        return self._end is not None

    def left(self, *, at_least: float = 0.0) -> float:
        """The seconds that are left."""
        if self._end is None:
            return max(self._seconds, at_least)
        return max(self._end - asyncio.get_running_loop().time(), at_least)

    async def pause(self, seconds: float) -> None:
        """Wait, unless there is a hurry."""
        try:
            async with asyncio.timeout(seconds):
                await self.hurried.wait()
        except TimeoutError:
            pass
