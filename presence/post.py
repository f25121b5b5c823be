"""What each connection is told, collected and handed over in one piece.

A connection that reads too slowly is not told for now. What it would have been told is kept, the
latest of each account and room: no more than there are such that concern it. It gets that when it
has caught up.
"""

from collections.abc import Iterable

from presence.ports import Observer
from presence.sight import Sight
from protocol.ids import Id

# A write to a socket costs as much as telling so many things: 5 us against 0.2.
WRITE = 25


class Post:
    """Letters to observers.

    Attributes:
        work: what `deliver` has to do, in things told; a connection counts as WRITE of them.
        sent: events that were handed over since the start, times connections.
    """

    __slots__ = ("_kept", "_letters", "sent", "work")

    def __init__(self) -> None:
        self._letters: dict[Observer, dict[Id, Sight]] = {}
        self._kept: dict[Observer, dict[Id, Sight]] = {}
        self.work = 0
        self.sent = 0

    def tell(self, observers: Iterable[Observer], sight: Sight) -> None:
        """Let observers know; of the same subject the latest counts."""
        letters, subject = self._letters, sight.subject
        for observer in observers:
            letter = letters.get(observer)
            if letter is None:
                letters[observer] = {subject: sight}
                self.work += WRITE
            else:
                letter[subject] = sight
            self.work += 1

    def retry(self) -> None:
        """Try again to tell those who were too slow."""
        for observer in self._kept:
            self._letters.setdefault(observer, {})

    def deliver(self) -> None:
        """Hand everything over."""
        letters, self._letters, self.work = self._letters, {}, 0
        for observer, letter in letters.items():
            if kept := self._kept.pop(observer, None):
                letter = kept | letter  # noqa: PLW2901
            wire = observer.wire
            if not letter:
                continue
            if observer.offer(b"".join([sight.frame(wire) for sight in letter.values()])):
                self.sent += len(letter)
            else:
                self._kept[observer] = letter

    def take_back(self, observer: Observer) -> dict[Id, Sight]:
        """What is kept for an observer; it is not told of it any more."""
        return self._kept.pop(observer, {})

    def drop(self, observer: Observer, subjects: Iterable[Id]) -> None:
        """Do not tell an observer what is kept for it of some subjects: it wants it no more."""
        kept = self._kept.get(observer, {})
        for subject in subjects:
            kept.pop(subject, None)
