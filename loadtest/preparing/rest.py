"""People and rooms on any server, over REST: as its users would make them, only faster."""

from collections.abc import Sequence
from functools import partial

from loadtest.crowd.orders import Person
from loadtest.endpoint import TargetError
from loadtest.preparing.accounts import Progress, RestAccounts
from loadtest.preparing.accounts_file import AccountsFile
from loadtest.preparing.calls import Calls, each
from loadtest.preparing.rooms import RestRooms
from loadtest.scenario import Rooms
from plaza_client.errors import PlazaRefused


class RestPreparation:
    """Makes what a scenario needs, on a server that somebody runs.

    Args:
        url: of the server.
        accounts: those of former runs, and where new ones are kept.
        progress: is told what is being made, and how far that is.
    """

    def __init__(self, url: str, accounts: AccountsFile, progress: Progress) -> None:
        self._url = url
        self._accounts = RestAccounts(url, accounts, progress)
        self._progress = progress
        # Of whom we know more than that they are newcomers.
        self._in_rooms: set[str] = set()
        self._following: set[str] = set()

    async def people(self, count: int) -> list[Person]:
        """See Preparation."""
        async with Calls(self._url) as calls:
            accounts = await self._accounts.ready(calls, count)
        return [
            Person(account=one.id, token=one.access_token, refresh_token=one.refresh_token)
            for one in accounts
        ]

    async def rooms(self, people: Sequence[Person], rooms: Rooms) -> list[Person]:
        """See Preparation. Dms of an earlier run stay, as nobody can leave them."""
        newcomers = self._accounts.newcomers - self._in_rooms
        self._in_rooms |= {person.account for person in people}
        async with Calls(self._url) as calls:
            making = RestRooms(calls, people, newcomers=newcomers, progress=self._progress)
            return await making.with_rooms(rooms)

    async def follow(self, people: Sequence[Person], follows: int) -> None:
        """See Preparation."""
        accounts = [person.account for person in people]
        wanted = min(follows, len(people) - 1)
        circle = accounts + accounts[:wanted]
        async with Calls(self._url) as calls:

            async def stand(number: int) -> None:
                person, next_ones = people[number], circle[number + 1 : number + 1 + wanted]
                before = await self._followed(calls, person)
                for account in before.difference(next_ones):
                    await self._set_follow(calls, person, account, "DELETE")
                for account in next_ones:
                    if account not in before:
                        await self._set_follow(calls, person, account, "PUT")

            done = partial(self._tell, "Following", len(people))
            await each(stand, range(len(people)), done=done)

    async def _followed(self, calls: Calls, person: Person) -> set[str]:
        """Whom somebody follows already."""
        is_newcomer = person.account in self._accounts.newcomers
        if is_newcomer and person.account not in self._following:
            self._following.add(person.account)
            return set()
        path = f"/accounts/{person.account}/following"
        followed = await calls.items(path, token=person.token)
        return {str(account["id"]) for account in followed}

    async def _set_follow(self, calls: Calls, person: Person, account: str, method: str) -> None:
        try:
            await calls.call(method, f"/accounts/{account}/follow", token=person.token)
        except PlazaRefused as refusal:
            raise TargetError(f"An account cannot follow another one: {refusal}") from None

    def _tell(self, what: str, of: int, done: int) -> None:
        self._progress(what, done, of)
