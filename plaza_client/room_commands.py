"""What a client does with rooms and their members."""

from collections.abc import Iterable

from plaza_client.asking import Asking
from protocol.commands import (
    Ban,
    CreateRoom,
    Invite,
    Join,
    Kick,
    Leave,
    Mute,
    Notify,
    Promote,
    Rename,
    SlowMode,
    Unban,
    Unmute,
)
from protocol.events import Ok, RoomAnswer
from protocol.ids import Id
from protocol.records import Level, Role, Room, RoomKind


class RoomCommands(Asking):
    """The commands about rooms. Part of Client, whose docstring says what they raise."""

    async def create_room(
        self,
        kind: RoomKind | str,
        title: str | None = None,
        members: Iterable[int] = (),
        *,
        nonce: str | None = None,
    ) -> Room:
        """Create a room; the dm of a pair is created once, and then returned.

        Args:
            kind: dm, group or channel.
            title: of a group or channel.
            members: account ids besides one's own; of a dm the other one.
            nonce: of an earlier try whose outcome is unknown; a new one by default.
        """
        command = CreateRoom(
            id=0,
            kind=RoomKind(kind),
            title=title,
            members=[Id(account) for account in members],
            nonce=nonce or next(self._nonces),
        )
        answer = await self._ask(command, RoomAnswer)
        return self._room_list.rooms.setdefault(answer.room.id, answer.room)

    async def join(self, room: int) -> Ok:
        """Join a channel."""
        return await self._do(Join(id=0, room=Id(room)))

    async def leave(self, room: int) -> Ok:
        """Leave a room."""
        return await self._do(Leave(id=0, room=Id(room)))

    async def invite(self, room: int, account: int) -> Ok:
        """Make an account a member."""
        return await self._do(Invite(id=0, room=Id(room), account=Id(account)))

    async def kick(self, room: int, account: int) -> Ok:
        """Remove a member."""
        return await self._do(Kick(id=0, room=Id(room), account=Id(account)))

    async def promote(self, room: int, account: int, role: Role | str) -> Ok:
        """Give a member another role, up or down."""
        command = Promote(id=0, room=Id(room), account=Id(account), role=Role(role))
        return await self._do(command)

    async def rename(self, room: int, title: str) -> Ok:
        """Give a room another title."""
        return await self._do(Rename(id=0, room=Id(room), title=title))

    async def ban(self, room: int, account: int, *, seconds: int | None = None) -> Ok:
        """Remove an account, member or not, and keep it out: for so many seconds, or for good."""
        return await self._do(Ban(id=0, room=Id(room), account=Id(account), seconds=seconds))

    async def unban(self, room: int, account: int) -> Ok:
        """Let a banned account come back."""
        return await self._do(Unban(id=0, room=Id(room), account=Id(account)))

    async def mute(self, room: int, account: int, *, seconds: int | None = None) -> Ok:
        """Keep a member from writing: for so many seconds, or for good."""
        return await self._do(Mute(id=0, room=Id(room), account=Id(account), seconds=seconds))

    async def unmute(self, room: int, account: int) -> Ok:
        """Let a muted member write again."""
        return await self._do(Unmute(id=0, room=Id(room), account=Id(account)))

    async def slow_mode(self, room: int, seconds: int) -> Ok:
        """Make plain members wait so long between two messages; 0: no longer."""
        return await self._do(SlowMode(id=0, room=Id(room), seconds=seconds))

    async def notify(self, room: int, level: Level | str) -> Ok:
        """Say which messages of a room one wants to be told about: all, mentions or none."""
        return await self._do(Notify(id=0, room=Id(room), level=Level(level)))
