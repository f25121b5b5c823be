"""Who is writing, and when the others are told so.

Clients say it every few seconds while it goes on, and forget by themselves what they hear of
others: so nothing is lost with a connection, and the server needs no timer for it.
"""

from protocol.ids import Id

INTERVAL_MS = 3_000  # between two announcements of the same, at least
HOLDS_MS = 8_000  # how long clients believe one

# Who, where, in which thread.
_Writer = tuple[Id, Id, int | None]


class TypingThrottle:
    """Decides what is announced. Remembers a writer for HOLDS_MS, and no longer."""

    def __init__(self) -> None:
        # When it was announced that somebody writes, oldest first; and whether that still holds.
        self._announced: dict[_Writer, tuple[int, bool]] = {}

    def may_announce(
        self, account: Id, room: Id, thread: int | None, *, active: bool, now: int
    ) -> bool:
        """Whether the others are to be told.

        Args:
            active: they write; or have stopped, which is announced if it was announced that they
                write, and at once.
            now: milliseconds.
        """
        self._forget(now)
        writer = (account, room, thread)
        at, holds = self._announced.get(writer, (None, False))
        if not active:
            if at is None or not holds:
                return False
            # When they began is kept: who stops and goes on is no reason for more announcements.
            self._announced[writer] = (at, False)
            return True
        if at is not None and now - at < INTERVAL_MS:
            return False
        self._announced.pop(writer, None)
        self._announced[writer] = (now, True)
        return True

    def __len__(self) -> int:
        """How many writers are remembered."""
        return len(self._announced)

    def _forget(self, now: int) -> None:
        while self._announced:
            writer, (at, _) = next(iter(self._announced.items()))
            # A clock that was set back would keep everything for as long.
            if 0 <= now - at < HOLDS_MS:
                return
            del self._announced[writer]
