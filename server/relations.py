"""How an account stands to others: whom it blocks or mutes, whether it is busy or hidden.

For the socket's commands and for REST alike. What is changed is written, then told to the
account's own devices, and to presence.
"""

from collections.abc import Awaitable, Callable

from persistence import presence, relations
from persistence.database import Database
from persistence.presence import Settings
from persistence.relations import Relation
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.events import RelationChanged, SettingsChanged
from protocol.ids import Id
from protocol.records import User
from rooms.hub import Hub
from server.presence import Presences

_List = Callable[..., Awaitable[list[User]]]


class Relations:
    """Blocks, mutes and settings.

    Args:
        database: keeps them.
        hub: tells the account's devices.
        presences: shows, and hides.
        limit: how many accounts one may block, and mute; 0: any number.
        blocked: is told of each block: by whom, and who is.
    """

    def __init__(
        self,
        database: Database,
        hub: Hub,
        presences: Presences,
        *,
        limit: int,
        blocked: Callable[[Id, Id], None] = lambda *_: None,
    ) -> None:
        self._database = database
        self._hub = hub
        self._presences = presences
        self._limit = limit
        self._blocked = blocked

    async def block(self, account: Id, other: Id) -> None:
        """Block an account.

        Raises:
            PlazaError: bad_request, not_found, forbidden (the list is full).
        """
        _another(account, other)
        async with self._database.transaction() as connection:
            relation = await relations.block(connection, account, other, limit=self._limit)
        self._tell(account, other, relation)
        self._blocked(account, other)

    async def unblock(self, account: Id, other: Id) -> None:
        """Block an account no longer."""
        async with self._database.transaction() as connection:
            relation = await relations.unblock(connection, account, other)
        self._tell(account, other, relation)

    async def mute(self, account: Id, other: Id) -> None:
        """Mute an account; exceptions are those of `block`."""
        _another(account, other)
        async with self._database.transaction() as connection:
            relation = await relations.mute(connection, account, other, limit=self._limit)
        self._tell(account, other, relation)

    async def unmute(self, account: Id, other: Id) -> None:
        """Mute an account no longer."""
        async with self._database.transaction() as connection:
            relation = await relations.unmute(connection, account, other)
        self._tell(account, other, relation)

    async def blocks(self, account: Id, *, after: int, limit: int) -> tuple[list[User], Id | None]:
        """Whom an account has blocked, in the order of their ids, and where the next page is."""
        return await self._page(relations.blocks, account, after, limit)

    async def mutes(self, account: Id, *, after: int, limit: int) -> tuple[list[User], Id | None]:
        """Whom an account has muted, in the order of their ids, and where the next page is."""
        return await self._page(relations.mutes, account, after, limit)

    async def settings(self, account: Id) -> Settings:
        """An account's settings."""
        async with self._database.connection() as connection:
            return await presence.settings(connection, account)

    async def change_settings(
        self, account: Id, *, busy: bool | None, hidden: bool | None
    ) -> Settings:
        """Change an account's settings; None leaves one as it is."""
        async with self._database.connection() as connection:
            settings = await presence.set_settings(connection, account, busy=busy, hidden=hidden)
        if settings.changed:
            self._presences.set(account, busy=settings.busy, hidden=settings.hidden)
            self._hub.tell(account, SettingsChanged(busy=settings.busy, hidden=settings.hidden))
        return settings

    def _tell(self, account: Id, other: Id, relation: Relation) -> None:
        if relation.changed:
            self._presences.block(account, other, blocked=relation.blocked)
            self._hub.tell(
                account,
                RelationChanged(account=other, blocked=relation.blocked, muted=relation.muted),
            )

    async def _page(
        self, read: _List, account: Id, after: int, limit: int
    ) -> tuple[list[User], Id | None]:
        async with self._database.connection() as connection:
            found = await read(connection, account, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None


def _another(account: Id, other: Id) -> None:
    if account == other:
        raise PlazaError(BAD_REQUEST, "That is your own account. Give another one.")
