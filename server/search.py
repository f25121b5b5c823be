"""Searching the messages of the rooms that one is in."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from persistence import accounts, search
from persistence.database import Database
from persistence.search import Phrase, Place, Position, Wanted
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.events import Message
from protocol.ids import Id
from protocol.names import fold_username
from protocol.records import Fragment, Record
from rooms.search import Choice, Query, fragments, parse
from server.indexer import Indexer

CATCH_UP_SECONDS = 1.0
# Searches at the same time: each takes a connection to the database for up to some 100 ms, and the
# others of the pool are for those who talk.
AT_ONCE = 3


class Hit(Record, frozen=True):
    """A message that was found, as its room's log shows it now, and what of it was searched for."""

    room: Id
    message: Message
    fragments: list[Fragment]


class Search:
    """Finds messages.

    Args:
        database: is read from.
        indexer: brings the index up to date.
    """

    def __init__(self, database: Database, indexer: Indexer) -> None:
        self._database = database
        self._indexer = indexer
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def messages(
        self, account: Id, text: str, *, after: Position | None, limit: int
    ) -> tuple[list[Hit], Position | None]:
        """Messages of the rooms that an account is in, best first, and where the next page starts.

        Everything that was written before is among what is searched, unless it is too much to be
        indexed in a second.

        Args:
            text: in the language of rooms/search.py.
            after: where the last page ended; None: the first page.

        Raises:
            PlazaError: bad_request; unavailable.
        """
        query = parse(text)
        async with self._turns:
            found = await self._find(account, query, after=after, limit=limit + 1)
        hits = []
        for message, _ in found[:limit]:
            # It may have been edited or deleted since it was indexed.
            shown = None if message.deleted else fragments(message.body, query.terms)
            if shown is not None:
                hits.append(Hit(room=message.room, message=message, fragments=shown))
            await asyncio.sleep(0)  # a long body takes milliseconds
        return hits, found[limit - 1][1] if len(found) > limit else None

    async def _find(
        self, account: Id, query: Query, *, after: Position | None, limit: int
    ) -> list[tuple[Message, Position]]:
        async with self._database.connection() as connection:
            places = await search.places(connection, account)
            senders = await accounts.accounts_by_username(connection, _names(query.senders))
        wanted = _wanted(query, account, places, senders)
        if not wanted.rooms:
            return []
        late = {place.id for place in places if place.is_behind}.intersection(wanted.rooms)
        if late and after is None:
            await self._indexer.catch_up(late, within=CATCH_UP_SECONDS)
        async with self._database.connection() as connection:
            return await search.find(connection, account, wanted, after=after, limit=limit)


def _wanted(
    query: Query, account: Id, places: Sequence[Place], senders: Mapping[str, Id]
) -> Wanted:
    """A query with ids for names. Raises PlazaError (bad_request) for a name that names nobody."""
    rooms = [place.id for place in places]
    named = {one: _places_named(one.name, places) for one in query.rooms}
    if included := [found for one, found in named.items() if not one.negated]:
        rooms = [room for room in rooms if any(room in found for found in included)]
    excluded = set().union(*(found for one, found in named.items() if one.negated))
    by = {one: _sender(one.name, account, senders) for one in query.senders}
    return Wanted(
        rooms=[room for room in rooms if room not in excluded],
        phrases=[Phrase(term.words, term.is_prefix, term.negated) for term in query.terms],
        senders=[sender for one, sender in by.items() if not one.negated],
        but_senders=[sender for one, sender in by.items() if one.negated],
        before=query.before,
        after=query.after,
    )


def _places_named(name: str, places: Sequence[Place]) -> set[Id]:
    title = name.removeprefix("#").casefold()
    peer = _folded(name) if name.startswith("@") else None
    found = {
        place.id
        for place in places
        if str(place.id) == name
        or (peer is not None and place.peer == peer)
        or (place.title is not None and " ".join(place.title.split()).casefold() == title)
    }
    if not found:
        raise PlazaError(
            BAD_REQUEST,
            f"You are in no room called {_quoted(name)}. Give its title, such as "
            'in:"The garden", its id, or in:@ada for a conversation with ada.',
        )
    return found


def _names(senders: Iterable[Choice]) -> set[str]:
    return {name for sender in senders if (name := _folded(sender.name)) is not None}


def _sender(name: str, account: Id, senders: Mapping[str, Id]) -> Id:
    if name.casefold() == "me":  # too short to be a username
        return account
    folded = _folded(name)
    if folded is None or folded not in senders:
        raise PlazaError(
            BAD_REQUEST,
            f"There is no account called {_quoted(name)}. Give a username, such as from:ada, or "
            "from:me.",
        )
    return senders[folded]


def _folded(name: str) -> str | None:
    try:
        return fold_username(name.removeprefix("@"))
    except ValueError:
        return None


def _quoted(name: str) -> str:
    return f'"{name[:50]}"'
