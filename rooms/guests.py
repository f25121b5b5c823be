"""Connections that listen to rooms which their accounts are no members of."""

from protocol.ids import Id
from rooms.ports import Receiver


class Guests:
    """Who has subscribed to what. A subscription is a connection's own, and ends with it."""

    def __init__(self) -> None:
        self._rooms: dict[Receiver, set[Id]] = {}

    def add(self, receiver: Receiver, room: Id) -> None:
        """A connection listens as a guest. Idempotent."""
        self._rooms.setdefault(receiver, set()).add(room)

    def discard(self, receiver: Receiver, room: Id) -> bool:
        """A connection is a guest there no more; whether it was. Idempotent."""
        rooms = self._rooms.get(receiver)
        if rooms is None or room not in rooms:
            return False
        rooms.discard(room)
        if not rooms:
            del self._rooms[receiver]
        return True

    def leave(self, receiver: Receiver) -> set[Id]:
        """A connection is gone; where it was a guest."""
        return self._rooms.pop(receiver, set())

    def has(self, receiver: Receiver, room: Id) -> bool:
        """Whether a connection is a guest of a room."""
        return room in self._rooms.get(receiver, ())

    def count(self, receiver: Receiver) -> int:
        """How many rooms a connection is a guest of."""
        return len(self._rooms.get(receiver, ()))
