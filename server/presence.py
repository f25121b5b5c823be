"""Presence: who is here, told to those whom it concerns."""

from collections.abc import Iterable, Mapping

from protocol.commands import Command
from protocol.ids import Id
from protocol.records import Room
from rooms.ports import Receiver
from server.dispatch import Handler


class Presences:
    """Answers `presence`, `watch` and `unwatch`. A rooms.ports.Attendance."""

    def __init__(self) -> None:
        self.handlers: Mapping[type[Command], Handler] = {}

    def arrived(self, account: Id, receiver: Receiver, rooms: Iterable[Room]) -> None:
        """A connection has settled."""

    def left(self, account: Id, receiver: Receiver) -> None:
        """A connection is gone."""

    def entered(self, account: Id, room: Room) -> None:
        """Somebody has become a member."""

    def removed(self, account: Id, room: Id) -> None:
        """Somebody is a member no longer."""

    def resized(self, room: Id, members: int) -> None:
        """A room has another number of members."""
