"""REST: accounts, one's own and others'."""

from msgspec import Struct

from plaza_client.rest_requests import PAGE, ListPage, Requests, shaped
from protocol.records import User


class Account(User, frozen=True):
    """One's own account."""

    email: str | None = None


class Settings(Struct, frozen=True):
    """What one says of oneself.

    Attributes:
        busy: not to be disturbed.
        hidden: shown as offline to everybody.
    """

    busy: bool
    hidden: bool


class PeopleRequests(Requests):
    """The requests about people. Part of Rest."""

    async def me(self) -> Account:
        """One's own account."""
        return shaped(await self._call("GET", "/me"), Account)

    async def account(self, account: int) -> User:
        """An account by its id. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/accounts/{account}"), User)

    async def account_named(self, username: str) -> User | None:
        """An account by its username; None if there is none."""
        answer = await self._call("GET", "/accounts", params={"username": username})
        found = shaped(shaped(answer, ListPage).items, list[User])
        return found[0] if found else None

    async def accounts_beginning_with(self, prefix: str, *, limit: int = 50) -> list[User]:
        """The accounts whose usernames begin so, in the order of the names; 200 at most."""
        params = {"prefix": prefix, "limit": min(limit, PAGE)}
        answer = await self._call("GET", "/accounts", params=params)
        return shaped(shaped(answer, ListPage).items, list[User])

    # --- whom one does not want to hear ----------------------------------------------------------

    async def blocks(self) -> list[User]:
        """The accounts that one has blocked."""
        return shaped(await self._all("/me/blocks"), list[User])

    async def block(self, account: int) -> None:
        """Block an account: neither can write to the other any more. It is not told."""
        await self._call("PUT", f"/me/blocks/{account}")

    async def unblock(self, account: int) -> None:
        """Block an account no longer."""
        await self._call("DELETE", f"/me/blocks/{account}")

    async def mutes(self) -> list[User]:
        """The accounts that one has muted."""
        return shaped(await self._all("/me/mutes"), list[User])

    async def mute(self, account: int) -> None:
        """Mute an account: its messages come, for clients to hide."""
        await self._call("PUT", f"/me/mutes/{account}")

    async def unmute(self, account: int) -> None:
        """Mute an account no longer."""
        await self._call("DELETE", f"/me/mutes/{account}")

    # --- what others see of oneself --------------------------------------------------------------

    async def settings(self) -> Settings:
        """Whether one is shown as busy, or as offline to everybody."""
        return shaped(await self._call("GET", "/me/settings"), Settings)

    async def change_settings(
        self, *, busy: bool | None = None, hidden: bool | None = None
    ) -> Settings:
        """Change the settings: what is None stays as it is. Returns them as they are now."""
        fields = {"busy": busy, "hidden": hidden}
        given = {name: value for name, value in fields.items() if value is not None}
        return shaped(await self._call("PATCH", "/me/settings", given), Settings)
