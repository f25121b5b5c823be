"""What one user has of each room's log, and what is wrong with it. Pure.

A log's seqs are dense: 1, 2, 3. What a user hears of a room must go on where it was, across
reconnects too. What a `gap` names is missing until pages of history have brought it.
"""

from collections.abc import Callable, Mapping

from loadtest.crowd.chunks import Room

Wrong = Callable[[str, str], None]

_NOTHING: Mapping[Room, int] = {}


class Hole:
    """Entries from `first` to `last` that have not come; some of them may have, meanwhile."""

    __slots__ = ("came", "first", "last", "room")

    def __init__(self, room: Room, first: int, last: int) -> None:
        self.room = room
        self.first = first
        self.last = last
        self.came: set[int] = set()

    def take(self, seq: int) -> bool:
        """One of them has come; whether it was missing."""
        if not self.lacks(seq):
            return False
        self.came.add(seq)
        while self.first in self.came:  # pages come in order: nothing gathers
            self.came.remove(self.first)
            self.first += 1
        return True

    def lacks(self, seq: int) -> bool:
        """Whether this one is missing."""
        return self.first <= seq <= self.last and seq not in self.came

    @property
    def missing(self) -> int:
        """How many have not."""
        return self.last - self.first + 1 - len(self.came)


class Cursors:
    """One user's places in the logs of its rooms.

    Attributes:
        seen: of each room, the seq up to which everything has come, but for what is in `holes`.
            Whoever hears a run of entries that fits may move it.
        holes: what has been left out; None: nothing.
    """

    __slots__ = ("_shown", "holes", "seen")

    def __init__(self) -> None:
        self.seen: dict[Room, int] = {}
        self.holes: list[Hole] | None = None
        self._shown = _NOTHING

    def begin(self, last_seqs: Mapping[Room, int]) -> None:
        """A first `ready` shows the rooms: what follows counts."""
        self.seen.update(last_seqs)
        self._shown = dict(last_seqs)

    def resume(self) -> None:
        """A later connection: the server knows these cursors, and sends nothing below."""
        self._shown = _NOTHING

    def hear(self, room: Room, seq: int, wrong: Wrong) -> bool:
        """An entry has come.

        Args:
            wrong: called with what is wrong: a kind, and words.

        Returns:
            Whether it is news.
        """
        seen = self.seen.get(room)
        if seen is None:
            return False
        if seq <= seen:
            return self._hear_old(room, seq, wrong)
        if seq > seen + 1:
            wrong("disordered", f"{seq} came where {seen + 1} of {room.id} was due.")
            self._leave_out(Hole(room, seen + 1, seq - 1))
        self.seen[room] = seq
        return True

    def gap(self, room: Room, first: int, last: int, wrong: Wrong) -> None:
        """The server has said that it leaves these out; they are to be fetched."""
        seen = self.seen.get(room)
        if seen is None:
            return
        if first != seen + 1 or last < first:
            wrong("disordered", f"gap {first} to {last} of {room.id} came at {seen}.")
        if last > seen:
            self._leave_out(Hole(room, seen + 1, last))
            self.seen[room] = last

    def fetched(self, room: Room, seq: int) -> bool:
        """An entry was read in history; whether it was missing."""
        return self._fill(room, seq)

    def has(self, room: Room, seq: int) -> bool:
        """Whether an entry has come, or what should be it."""
        return self.seen.get(room, 0) >= seq and not any(
            hole.room is room and hole.lacks(seq) for hole in self.holes or ()
        )

    def missing(self, room: Room, up_to: int) -> int:
        """How many of a room's entries up to this one have not come."""
        seen = self.seen.get(room)
        if seen is None:
            return 0
        holes = sum(hole.missing for hole in self.holes or () if hole.room is room)
        return max(0, up_to - seen) + holes

    def _hear_old(self, room: Room, seq: int, wrong: Wrong) -> bool:
        if self._fill(room, seq):
            return True
        # What a first `ready` shows may come once more: it is in the record already.
        if seq > self._shown.get(room, 0):
            wrong("doubled", f"{seq} of {room.id} came again.")
        return False

    def _leave_out(self, hole: Hole) -> None:
        self.holes = [*(self.holes or ()), hole]

    def _fill(self, room: Room, seq: int) -> bool:
        for hole in self.holes or ():
            if hole.room is room and hole.take(seq):
                if not hole.missing:
                    assert self.holes is not None
                    self.holes = [other for other in self.holes if other is not hole] or None
                return True
        return False
