"""What each connection is told, collected and handed over in one piece: its letter.

A letter that is not handed over now, because it is not yet its turn or because the connection reads
too slowly, is kept, and what comes is added to it: of each account and room the latest. So it never
has more than there are accounts and rooms that concern the connection.
"""

from collections.abc import Iterable
from itertools import islice

from presence.ports import Observer
from presence.sight import Sight
from protocol.ids import Id


class Post:
    """Letters to observers.

    Attributes:
        told: how often somebody was told something, since the start.
        sent: the same, of what was handed over: the latest counts.
    """

    __slots__ = ("_kept", "_letters", "sent", "told")

    def __init__(self) -> None:
        self._letters: dict[Observer, dict[Id, Sight]] = {}
        self._kept: dict[Observer, dict[Id, Sight]] = {}  # who waits longest, first
        self.told = 0
        self.sent = 0

    def tell(self, observers: Iterable[Observer], sight: Sight) -> None:
        """Let observers know."""
        letters, subject, told = self._letters, sight.subject, 0
        for observer in observers:
            told += 1
            letter = letters.get(observer)
            if letter is None:
                letters[observer] = {subject: sight}
            else:
                letter[subject] = sight
        self.told += told

    def deliver(self) -> None:
        """Hand over what was told since the last time, with what was kept for the same ones."""
        letters, self._letters = self._letters, {}
        for observer, letter in letters.items():
            kept = self._kept.pop(observer, None)
            self._hand_over(observer, kept | letter if kept else letter)

    def deliver_some(self, count: int) -> None:
        """Hand over so many letters, and keep the others."""
        letters, self._letters = self._letters, {}
        for observer, letter in letters.items():
            kept = self._kept.get(observer)
            if kept is None:
                self._kept[observer] = letter
            else:
                kept.update(letter)
        for observer in list(islice(self._kept, count)):
            self._hand_over(observer, self._kept.pop(observer))

    def write_to(self, observer: Observer, sights: Iterable[Sight]) -> None:
        """Hand a letter over now."""
        letter = {sight.subject: sight for sight in sights}
        if letter:
            self.told += len(letter)
            self._hand_over(observer, letter)

    def _hand_over(self, observer: Observer, letter: dict[Id, Sight]) -> None:
        wire = observer.wire
        if observer.offer(b"".join([sight.frame(wire) for sight in letter.values()])):
            self.sent += len(letter)
        else:
            self._kept[observer] = letter

    def take_back(self, observer: Observer) -> dict[Id, Sight]:
        """What is kept for an observer; it is not told of it any more."""
        return self._kept.pop(observer, {})

    def drop(self, observer: Observer, subjects: Iterable[Id]) -> None:
        """Do not tell an observer what is kept for it of some subjects: it wants it no more."""
        kept = self._kept.get(observer)
        if kept is not None:
            for subject in subjects:
                kept.pop(subject, None)
            if not kept:
                del self._kept[observer]
