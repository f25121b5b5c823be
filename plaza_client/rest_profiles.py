"""REST: profiles, and who follows whom."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from plaza_client.rest_requests import PAGE, ListPage, Requests, shaped
from protocol.posts import Person, Profile, Relationship


class PeoplePage(Struct, frozen=True):
    """A part of a list of accounts.

    Attributes:
        next_cursor: gives the next part; None at the end.
    """

    items: list[Person]
    next_cursor: str | None = None


class ProfileRequests(Requests):
    """The requests about profiles and the graph. Part of Rest."""

    async def profile(self, account: int) -> Profile:
        """What an account shows of itself. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/accounts/{account}"), Profile)

    async def change_profile(self, account: int, **fields: Any) -> Profile:
        """Change a profile: one's own, unless one is a moderator.

        Args:
            fields: those that change, as the REST interface names them: display_name, pronouns,
                bio, location, website, birthday, interests, birthday_visibility,
                interests_visibility, avatar, banner, visibility; of moderators verified. None
                takes a birthday or picture away.

        Raises:
            PlazaRefused: bad_request, forbidden, not_found.
        """
        for picture in {"avatar", "banner"} & fields.keys():
            if fields[picture] is not None:
                fields[picture] = str(fields[picture])
        return shaped(await self._call("PATCH", f"/accounts/{account}", fields), Profile)

    async def find_people(
        self, text: str, *, limit: int = 50, cursor: str | None = None
    ) -> PeoplePage:
        """People whose username or display name is like a text, the likest first.

        Args:
            limit: 200 at most.
            cursor: of the page before.
        """
        return await self._people("/accounts", limit, cursor, search=text)

    # --- following -------------------------------------------------------------------------------

    async def follow(self, account: int) -> Relationship:
        """Follow an account, or ask to.

        Raises:
            PlazaRefused: not_found; blocked: one has blocked it oneself.
        """
        return await self._relationship("PUT", f"/accounts/{account}/follow")

    async def unfollow(self, account: int) -> Relationship:
        """Follow an account no longer, or withdraw the request."""
        return await self._relationship("DELETE", f"/accounts/{account}/follow")

    async def remove_follower(self, account: int) -> Relationship:
        """Let an account follow oneself no longer."""
        return await self._relationship("DELETE", f"/accounts/{account}/follower")

    async def set_close(self, account: int, close: bool = True) -> Relationship:
        """Hear of an account that one follows before others, or no longer."""
        return await self._relationship("PUT" if close else "DELETE", f"/accounts/{account}/close")

    async def accept_follower(self, account: int) -> Relationship:
        """Let in who asks to follow one. Raises PlazaRefused not_found."""
        return await self._relationship("PUT", f"/me/follow-requests/{account}")

    async def refuse_follower(self, account: int) -> None:
        """Refuse who asks to follow one."""
        await self._call("DELETE", f"/me/follow-requests/{account}")

    async def relationships(self, accounts: Iterable[int]) -> list[Relationship]:
        """How one stands to accounts, 100 at most; those that one cannot see are left out."""
        params = {"account": [str(account) for account in accounts]}
        answer = await self._call("GET", "/me/relationships", params=params)
        return shaped(shaped(answer, ListPage).items, list[Relationship])

    # --- lists, the newest first -----------------------------------------------------------------

    async def followers(
        self, account: int, *, limit: int = 50, cursor: str | None = None
    ) -> PeoplePage:
        """Who follows an account; arguments as those of `find_people`.

        Raises:
            PlazaRefused: not_found, also for an account that lets its followers in one by one
                and has not let one in.
        """
        return await self._people(f"/accounts/{account}/followers", limit, cursor)

    async def following(
        self, account: int, *, limit: int = 50, cursor: str | None = None
    ) -> PeoplePage:
        """Whom an account follows, as `followers`."""
        return await self._people(f"/accounts/{account}/following", limit, cursor)

    async def mutuals(
        self, account: int, *, limit: int = 50, cursor: str | None = None
    ) -> PeoplePage:
        """The followers of an account whom one follows, as `followers`."""
        return await self._people(f"/accounts/{account}/mutuals", limit, cursor)

    async def friends(self) -> list[Person]:
        """Whom one follows and who follow one."""
        return shaped(await self._all("/me/friends"), list[Person])

    async def follow_requests(self) -> list[Person]:
        """Who asks to follow one."""
        return shaped(await self._all("/me/follow-requests"), list[Person])

    async def _relationship(self, method: str, path: str) -> Relationship:
        return shaped(await self._call(method, path), Relationship)

    async def _people(self, path: str, limit: int, cursor: str | None, **params: str) -> PeoplePage:
        query: dict[str, Any] = {"limit": min(limit, PAGE), **params}
        if cursor is not None:
            query["cursor"] = cursor
        return shaped(await self._call("GET", path, params=query), PeoplePage)
