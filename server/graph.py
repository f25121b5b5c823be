"""Who follows whom, and how accounts stand to each other: for REST, one function a route."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg

from persistence import graph, graph_lists
from persistence.database import Database
from persistence.graph import Follow
from persistence.graph_lists import Listed
from persistence.people import relationships
from protocol.errors import BAD_REQUEST, NOT_FOUND, PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import Person, Relationship

HIDDEN = "There is nothing here that you can see. Check the id."

PeopleFound = tuple[list[Person], Id | None]
_Read = Callable[..., Awaitable[list[Listed]]]


class Graph:
    """Follows and requests.

    What is told of an account that the caller may not meet is what is told of one that is not
    there. Lists come with the place at which their next page begins; None at their end.

    Args:
        database: keeps them.
        mint: makes ids.
        clock: Unix time in milliseconds.
        pull_followers: see `persistence.graph.follow`.
    """

    def __init__(
        self, database: Database, *, mint: IdMint, clock: Callable[[], int], pull_followers: int
    ) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._pull_followers = pull_followers

    async def follow(self, account: Id, other: Id) -> Relationship:
        """Follow an account, or ask to, if it wants to be asked.

        Raises:
            PlazaError: bad_request, not_found, blocked.
        """
        _another(account, other)
        async with self._database.transaction() as connection:
            await graph.follow(
                connection,
                Follow(account, other),
                id=self._mint.mint(self._clock()),
                pull_followers=self._pull_followers,
            )
            return await _relationship(connection, account, other)

    async def unfollow(self, account: Id, other: Id) -> Relationship:
        """Follow an account no longer, or withdraw the request. Raises PlazaError not_found."""
        _another(account, other)
        async with self._database.transaction() as connection:
            await graph.unfollow(connection, Follow(account, other))
            return await _relationship(connection, account, other)

    async def set_close(self, account: Id, other: Id, *, close: bool) -> Relationship:
        """Want to hear of an account first, or no longer.

        Raises:
            PlazaError: bad_request: one does not follow it; not_found.
        """
        _another(account, other)
        async with self._database.transaction() as connection:
            await _relationship(connection, account, other)
            await graph.set_close(connection, Follow(account, other), close=close)
            return await _relationship(connection, account, other)

    async def accept(self, account: Id, follower: Id) -> Relationship:
        """Let in who has asked to follow. Raises PlazaError not_found: nobody has."""
        async with self._database.transaction() as connection:
            await graph.accept(
                connection, Follow(follower, account), pull_followers=self._pull_followers
            )
            return await _relationship(connection, account, follower)

    async def refuse(self, account: Id, follower: Id) -> None:
        """Refuse who has asked to follow. It is not told."""
        async with self._database.transaction() as connection:
            await graph.refuse(connection, Follow(follower, account))

    async def remove_follower(self, account: Id, follower: Id) -> Relationship:
        """Let an account follow oneself no longer. It is not told. Raises PlazaError not_found."""
        _another(account, follower)
        async with self._database.transaction() as connection:
            await graph.unfollow(connection, Follow(follower, account))
            return await _relationship(connection, account, follower)

    async def relationships(self, account: Id, others: Sequence[Id]) -> list[Relationship]:
        """How an account stands to others, in their order, each once; unknown ones are left out."""
        async with self._database.connection() as connection:
            found = await relationships(connection, account, others)
        return [found[other] for other in dict.fromkeys(others) if other in found]

    async def followers(self, viewer: Id, account: Id, *, before: int, limit: int) -> PeopleFound:
        """Who follows an account, the newest first. Raises PlazaError not_found."""
        return await self._listed(graph_lists.followers, viewer, account, before, limit)

    async def following(self, viewer: Id, account: Id, *, before: int, limit: int) -> PeopleFound:
        """Whom an account follows, the newest first. Raises PlazaError not_found."""
        return await self._listed(graph_lists.following, viewer, account, before, limit)

    async def known_followers(
        self, viewer: Id, account: Id, *, before: int, limit: int
    ) -> PeopleFound:
        """Whom the viewer follows of those who follow an account. Raises PlazaError not_found."""
        return await self._listed(graph_lists.known_followers, viewer, account, before, limit)

    async def friends(self, account: Id, *, before: int, limit: int) -> PeopleFound:
        """Whom an account follows and who follow it."""
        async with self._database.connection() as connection:
            return await _page(partial(graph_lists.friends, connection, account), before, limit)

    async def requests(self, account: Id, *, before: int, limit: int) -> PeopleFound:
        """Who asks to follow an account, the newest first."""
        async with self._database.connection() as connection:
            return await _page(partial(graph_lists.requests, connection, account), before, limit)

    async def _listed(
        self, read: _Read, viewer: Id, account: Id, before: int, limit: int
    ) -> PeopleFound:
        async with self._database.connection() as connection:
            if not await graph_lists.may_be_listed(connection, viewer, account):
                raise PlazaError(NOT_FOUND, HIDDEN)
            return await _page(partial(read, connection, viewer, account), before, limit)


async def _page(read: _Read, before: int, limit: int) -> PeopleFound:
    found = await read(before=before, limit=limit + 1)
    page = found[:limit]
    people = [listed.person for listed in page]
    return people, page[-1].position if len(found) > limit else None


async def _relationship(connection: asyncpg.Connection, account: Id, other: Id) -> Relationship:
    found = await relationships(connection, account, [other])
    if other not in found:
        raise PlazaError(NOT_FOUND, graph.NOBODY)
    return found[other]


def _another(account: Id, other: Id) -> None:
    if account == other:
        raise PlazaError(BAD_REQUEST, "That is your own account. Give another one.")
