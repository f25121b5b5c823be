"""Profiles: shown, changed and found. For REST, one function a route."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from math import inf
from typing import Any

import asyncpg

from feed_push import profile_rules as rules
from feed_push.markdown import render
from persistence import graph, profile_search, profiles
from persistence.database import Database
from persistence.profile_search import Place
from protocol.errors import BAD_REQUEST, FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import MAX_ID, Id
from protocol.posts import Person, Profile, Visibility
from protocol.times import from_ms

BEST = Place(inf, MAX_ID)
"""Before all people that are found."""

# Field -> what makes its stored form.
_CLEAN: dict[str, Callable[[Any], Any]] = {
    "display_name": rules.clean_display_name,
    "pronouns": rules.clean_pronouns,
    "bio": rules.clean_bio,
    "location": rules.clean_location,
    "website": rules.clean_website,
    "interests": rules.clean_interests,
}
_IMAGES = {"avatar": "avatar_id", "banner": "banner_id"}
_FOR_MODERATORS = {"verified"}


class Profiles:
    """What accounts show of themselves.

    Args:
        database: keeps it.
        clock: Unix time in milliseconds.
        pull_followers: see `persistence.graph.follow`.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], int], pull_followers: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._pull_followers = pull_followers

    async def show(self, viewer: Id, account: Id) -> Profile:
        """A profile as an account sees it. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            return await _existing(connection, viewer, account)

    async def change(self, caller: Id, account: Id, changes: Mapping[str, Any]) -> Profile:
        """Change a profile: one's own, or as a moderator whether it is verified.

        Args:
            changes: the fields of `server.rest.people_bodies.ProfileChanges` that are given.

        Raises:
            PlazaError: forbidden, not_found; bad_request: a field breaks its rules.
        """
        columns = self._columns(changes)
        async with self._database.transaction() as connection:
            await _refuse_others(connection, caller, account, changes)
            if changes.get("visibility") == Visibility.PUBLIC:
                await graph.accept_all(connection, account, pull_followers=self._pull_followers)
            for field in _IMAGES.keys() & changes.keys():
                await _show_image(connection, account, field, changes[field])
            if columns and not await profiles.change(connection, account, columns):
                raise PlazaError(NOT_FOUND, graph.NOBODY)
            return await _existing(connection, caller, account)

    async def by_username(self, viewer: Id, name: str) -> Person | None:
        """The account with a username, in any case."""
        async with self._database.connection() as connection:
            return await profile_search.by_username(connection, viewer, name)

    async def by_prefix(
        self, viewer: Id, prefix: str, *, after: str, limit: int
    ) -> tuple[list[Person], str | None]:
        """Accounts whose usernames begin so, by name, and the name that the next page is after."""
        async with self._database.connection() as connection:
            found = await profile_search.by_prefix(
                connection, viewer, prefix, after=after, limit=limit + 1
            )
        page = found[:limit]
        return page, page[-1].username if len(found) > limit else None

    async def search(
        self, viewer: Id, text: str, *, after: Place | None, limit: int
    ) -> tuple[list[Person], Place | None]:
        """People whose names are like a text, the best first, and what the next page is after."""
        wanted = unicodedata.normalize("NFC", text).strip().removeprefix("@")
        if not wanted or not wanted.isprintable():  # in no name
            return [], None
        async with self._database.connection() as connection:
            found = await profile_search.search(
                connection, viewer, wanted, after=after or BEST, limit=limit + 1
            )
        page = found[:limit]
        return [person for _, person in page], page[-1][0] if len(found) > limit else None

    def _columns(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be written. Raises PlazaError bad_request."""
        columns = {
            _IMAGES.get(field, field): _CLEAN[field](value) if field in _CLEAN else value
            for field, value in changes.items()
        }
        if "bio" in columns:
            columns["bio_html"] = render(columns["bio"])
        birthday: date | None = columns.get("birthday")
        if birthday is not None:
            rules.check_birthday(birthday, today=from_ms(self._clock()).date())
        return columns


async def _existing(connection: asyncpg.Connection, viewer: Id, account: Id) -> Profile:
    profile = await profiles.profile(connection, viewer, account)
    if profile is None:
        raise PlazaError(NOT_FOUND, graph.NOBODY)
    return profile


async def _refuse_others(
    connection: asyncpg.Connection, caller: Id, account: Id, changes: Mapping[str, Any]
) -> None:
    if caller != account and not changes.keys() <= _FOR_MODERATORS:
        raise PlazaError(FORBIDDEN, "This is not your profile. Change your own.")
    looks_after = caller != account or changes.keys() & _FOR_MODERATORS
    if looks_after and not await profiles.is_moderator(connection, caller):
        raise PlazaError(FORBIDDEN, "Only moderators say who is verified. Leave it out.")


async def _show_image(
    connection: asyncpg.Connection, account: Id, field: str, image: Id | None
) -> None:
    if not await profiles.show_image(connection, account, image, purpose=field):
        raise PlazaError(
            BAD_REQUEST,
            f"{field} is no image of yours that is ready. Upload one, and wait until it is.",
        )
