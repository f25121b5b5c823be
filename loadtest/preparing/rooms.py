"""Rooms over REST. Those of an earlier run that are as wanted are used again, the others left."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from msgspec import Struct

from loadtest.crowd.orders import Person
from loadtest.endpoint import TargetError
from loadtest.preparing.accounts import Progress
from loadtest.preparing.calls import Calls, each
from loadtest.preparing.company import Made, companies, joined
from loadtest.scenario import Rooms
from plaza_client.errors import PlazaRefused, WireError
from plaza_client.rest_requests import shaped
from protocol.errors import NOT_FOUND
from protocol.records import Member, Role, Room, RoomKind

R = TypeVar("R")

# Besides its owner, that a room can be created with.
FIRST_MEMBERS = 500
_TITLE = "Load test"


class _Found(Struct):
    """A room of an earlier run.

    Attributes:
        room: as somebody of `people` sees it.
        people: who of ours is in it.
        owner: which of them owns it; None: somebody else does, or nobody.
    """

    room: Room
    people: list[int]
    owner: int | None = None


class RestRooms:
    """Makes rooms for these people.

    Args:
        calls: to the server.
        people: who are in them.
        newcomers: accounts that cannot be in a room yet.
        progress: is told how it goes.
    """

    def __init__(
        self, calls: Calls, people: Sequence[Person], *, newcomers: set[str], progress: Progress
    ) -> None:
        self._calls = calls
        self._people = people
        self._newcomers = newcomers
        self._progress = progress

    async def with_rooms(self, rooms: Rooms) -> list[Person]:
        """The people, in these rooms and no others; but for dms, which nobody can leave.

        Raises:
            TargetError: there cannot be such rooms.
        """
        try:
            wanted = companies(len(self._people), rooms)
        except ValueError as error:
            raise TargetError(str(error)) from None
        kind = RoomKind(rooms.kind)
        found = await self._found()
        alike = _by_company(found, kind)
        made: list[Made | None] = []
        for company in wanted:
            again = alike[frozenset(company)]
            made.append(_as_it_is(again.pop().room) if again else None)
        kept = {one.id for one in made if one is not None}
        await self._leave([one for one in found if str(one.room.id) not in kept])
        missing = [company for company, one in zip(wanted, made, strict=True) if one is None]
        new = iter(await self._create(kind, missing))
        return joined(self._people, wanted, [next(new) if one is None else one for one in made])

    # --- those that are there --------------------------------------------------------------------

    async def _found(self) -> list[_Found]:
        """The rooms that they are in already."""
        old = [
            number
            for number, person in enumerate(self._people)
            if person.account not in self._newcomers
        ]
        rooms_of = await each(self._rooms_of, old, done=self._told("Looking for rooms", len(old)))
        found: dict[int, _Found] = {}
        for number, rooms in zip(old, rooms_of, strict=True):
            for room in rooms:
                one = found.setdefault(room.id, _Found(room, []))
                one.people.append(number)
                if room.role is Role.OWNER:
                    one.owner = number
        return list(found.values())

    async def _rooms_of(self, number: int) -> list[Room]:
        rooms = await self._calls.items("/rooms", token=self._people[number].token)
        return _shaped(rooms, list[Room])

    async def _leave(self, rooms: Iterable[_Found]) -> None:
        """Leave groups and channels."""
        left = [found for found in rooms if found.room.kind is not RoomKind.DM]
        # An owner cannot leave the others without one. So they go first, and who is not ours is
        # sent away: nobody but these accounts has business in such a room.
        goers = [(one, number) for one in left for number in one.people if number != one.owner]
        await each(self._go, goers, done=self._told("Leaving former rooms", len(goers)))
        owned = [found for found in left if found.owner is not None]
        await each(self._close, owned, done=self._told("Closing former rooms", len(owned)))

    async def _go(self, going: tuple[_Found, int]) -> None:
        found, number = going
        person = self._people[number]
        await self._remove(found.room, person.account, token=person.token)

    async def _close(self, found: _Found) -> None:
        assert found.owner is not None
        owner = self._people[found.owner]
        if found.room.members > len(found.people):
            path = f"/rooms/{found.room.id}/members"
            for member in _shaped(await self._calls.items(path, token=owner.token), list[Member]):
                if str(member.account) != owner.account:
                    await self._remove(found.room, str(member.account), token=owner.token)
        await self._remove(found.room, owner.account, token=owner.token)

    async def _remove(self, room: Room, account: str, *, token: str) -> None:
        path = f"/rooms/{room.id}/members/{account}"
        try:
            await self._calls.call("DELETE", path, token=token)
        except PlazaRefused as refusal:
            # Gone already: the answer to a first try was lost.
            if refusal.code != NOT_FOUND.code:
                raise TargetError(f"A former room cannot be left: {refusal}") from None

    # --- new ones --------------------------------------------------------------------------------

    async def _create(self, kind: RoomKind, wanted: Sequence[list[int]]) -> list[Made]:
        done = self._told("Creating rooms", len(wanted))
        made = await each(partial(self._created, kind), wanted, done=done)
        joining = [
            (company[0], number, room.id)
            for company, room in zip(wanted, made, strict=True)
            for number in company[1 + FIRST_MEMBERS :]
        ]
        done = self._told("Filling rooms", len(joining))
        await each(partial(self._join, kind), joining, done=done)
        filled = [len(company) > 1 + FIRST_MEMBERS for company in wanted]
        return [
            await self._looked_at(company[0], room) if is_filled else room
            for company, room, is_filled in zip(wanted, made, filled, strict=True)
        ]

    async def _created(self, kind: RoomKind, company: Sequence[int]) -> Made:
        first, *others = (self._people[number] for number in company[: 1 + FIRST_MEMBERS])
        fields: dict[str, Any] = {"kind": kind, "members": [other.account for other in others]}
        if kind is not RoomKind.DM:
            fields["title"] = _TITLE
        # With a key, a second try finds the room of the first one.
        key = {"Idempotency-Key": uuid4().hex}
        try:
            answer = await self._calls.call(
                "POST", "/rooms", fields, token=first.token, headers=key
            )
        except PlazaRefused as refusal:
            raise TargetError(f"A room cannot be created: {refusal}") from None
        return _as_it_is(_shaped(answer, Room))

    async def _join(self, kind: RoomKind, joining: tuple[int, int, str]) -> None:
        """Bring somebody in: into a group by its owner, into a channel by themselves."""
        owner, number, room = joining
        person = self._people[number]
        actor = person if kind is RoomKind.CHANNEL else self._people[owner]
        fields = {"account": person.account}
        try:
            await self._calls.call("POST", f"/rooms/{room}/members", fields, token=actor.token)
        except PlazaRefused as refusal:
            raise TargetError(f"A room cannot be filled: {refusal}") from None

    async def _looked_at(self, owner: int, room: Made) -> Made:
        token = self._people[owner].token
        return _as_it_is(
            _shaped(await self._calls.call("GET", f"/rooms/{room.id}", token=token), Room)
        )

    def _told(self, what: str, of: int) -> Callable[[int], None]:
        return lambda done: self._progress(what, done, of)


def _by_company(found: Iterable[_Found], kind: RoomKind) -> dict[frozenset[int], list[_Found]]:
    """Rooms in which nobody is but these people, by who that is."""
    by_company = defaultdict(list)
    for one in found:
        if one.room.kind is kind and one.room.members == len(one.people):
            by_company[frozenset(one.people)].append(one)
    return by_company


def _as_it_is(room: Room) -> Made:
    return Made(str(room.id), room.last_seq)


def _shaped(answer: Any, type_: type[R]) -> R:
    try:
        return shaped(answer, type_)
    except WireError as error:
        raise TargetError(str(error)) from None
