"""Profiles as rows: who sees what of them, and which uploads they show."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest

from persistence import profiles
from persistence.database import Database
from protocol.ids import Id
from protocol.posts import Profile, Visibility
from tests import social

BORN = date(1815, 12, 10)
ROLES = ("stranger", "blocked", "asking", "follower", "friend", "owner", "moderator")


@pytest.fixture
async def db(database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with database.connection() as connection:
        yield connection


async def cast(db: asyncpg.Connection, owner: Id) -> dict[str, Id]:
    """Somebody of each role towards an account."""
    people = {role: await social.person(db, moderator=role == "moderator") for role in ROLES}
    people["owner"] = owner
    await social.block(db, owner, people["blocked"])
    await social.follow(db, people["asking"], owner, accepted=False)
    await social.follow(db, people["follower"], owner)
    await social.befriend(db, people["friend"], owner)
    return people


async def upload(db: asyncpg.Connection, account: Id, **columns: Any) -> Id:
    row = {
        "id": social.new_id(),
        "account_id": account,
        "key": f"key{social.new_id()}",
        "state": "ready",
        "kind": "image",
        "variants": '[{"name": "1080.webp", "type": "image/webp", "bytes": 9}]',
        **columns,
    }
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await db.execute(f"INSERT INTO uploads ({', '.join(row)}) VALUES ({places})", *row.values())
    return Id(row["id"])


ALLOWED = {
    ("public", "public"): {"stranger", "asking", "follower", "friend", "owner", "moderator"},
    ("public", "followers"): {"follower", "friend", "owner", "moderator"},
    ("public", "friends"): {"friend", "owner", "moderator"},
    ("public", "private"): {"owner"},
    ("followers", "public"): {"follower", "friend", "owner", "moderator"},
    ("followers", "friends"): {"friend", "owner", "moderator"},
}


@pytest.mark.parametrize(("account", "field"), ALLOWED)
async def test_birthday_and_interests_are_for_whom_they_are(
    db: asyncpg.Connection, account: str, field: str
) -> None:
    for shown, other in (("birthday", "interests"), ("interests", "birthday")):
        columns: dict[str, Any] = {f"{shown}_visibility": field, f"{other}_visibility": "private"}
        owner = await social.person(
            db, visibility=account, birthday=BORN, interests=["looms"], **columns
        )
        seen: dict[str, set[str]] = {"birthday": set(), "interests": set()}
        for role, person in (await cast(db, owner)).items():
            profile = await profiles.profile(db, person, owner)
            assert (profile is None) is (role == "blocked"), role
            if profile is not None and profile.birthday:
                assert profile.birthday == "1815-12-10"
                seen["birthday"].add(role)
            if profile is not None and profile.interests:
                assert profile.interests == ["looms"]
                seen["interests"].add(role)
        assert seen[shown] == ALLOWED[account, field]
        assert seen[other] == {"owner"}


async def test_everybody_sees_the_rest(db: asyncpg.Connection) -> None:
    ada = await social.person(
        db,
        "ada",
        display_name="Ada L.",
        pronouns="she/her",
        bio="*hi*",
        bio_html="<p><em>hi</em></p>",
        location="London",
        website="https://example.org",
        visibility="followers",
        posts=3,
        verified=True,
    )
    picture = await upload(db, ada, width=100, height=100, alt="A loom")
    await profiles.change(db, ada, {"avatar_id": picture, "banner_id": picture})
    follower, stranger = [await social.person(db) for _ in range(2)]
    await social.follow(db, follower, ada)
    for viewer in (follower, stranger):
        profile = await profiles.profile(db, viewer, ada)
        assert profile is not None
        assert profile.avatar is not None
        assert profile.avatar.endswith("/avatar")
        assert profile.avatar_media is not None
        assert profile.banner == profile.avatar_media
        assert profile.banner.alt == "A loom"
        assert profile.relationship is not None
        assert profile.relationship.following is (viewer == follower)
        assert (profile.posts, profile.followers, profile.following) == (3, 1, 0)
        assert (profile.bio_html, profile.location) == ("<p><em>hi</em></p>", "London")
        assert (profile.website, profile.pronouns) == ("https://example.org", "she/her")
        assert (profile.verified, profile.visibility) == (True, Visibility.FOLLOWERS)
        assert profile.created_at.endswith("Z")
    own = await profiles.profile(db, ada, ada)
    assert own is not None
    assert own.relationship is None


async def test_relationships_are_told_as_they_are(db: asyncpg.Connection) -> None:
    ada = await social.person(db)
    roles = await cast(db, ada)
    await social.mute(db, ada, roles["friend"])
    told = {}
    for role, person in roles.items():
        profile = await profiles.profile(db, ada, person)
        assert profile is not None
        standing = profile.relationship
        told[role] = standing and {
            name
            for name in standing.__struct_fields__
            if name != "account" and getattr(standing, name)
        }
    assert told == {
        "stranger": set(),
        "blocked": {"blocked"},
        "asking": {"requested_by"},
        "follower": {"followed_by"},
        "friend": {"following", "followed_by", "friend", "muted"},
        "owner": None,
        "moderator": set(),
    }


class TestBlocks:
    async def test_who_was_blocked_sees_nobody(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db, display_name="A name", bio="bio") for _ in range(2)]
        await social.block(db, ada, bob)
        assert await profiles.profile(db, bob, ada) is None
        assert await profiles.profile(db, bob, Id(17)) is None

    async def test_who_blocks_sees_the_names(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db, display_name="A name", bio="bio") for _ in range(2)]
        await social.block(db, ada, bob)
        once = await profiles.profile(db, ada, bob)
        # Whether the other one blocks too is not to be seen.
        await social.block(db, bob, ada)
        assert await profiles.profile(db, ada, bob) == once
        assert once is not None
        assert once.relationship is not None
        assert once.relationship.blocked
        assert (once.display_name, once.bio) == ("A name", "")

    async def test_a_moderator_sees_all_the_same(self, db: asyncpg.Connection) -> None:
        ada = await social.person(db, bio="bio")
        moderator = await social.person(db, moderator=True)
        await social.block(db, ada, moderator)
        profile = await profiles.profile(db, moderator, ada)
        assert isinstance(profile, Profile)
        assert profile.bio == "bio"


class TestImages:
    async def uses(self, db: asyncpg.Connection, account: Id) -> set[tuple[int, str]]:
        rows = await db.fetch(
            "SELECT upload_id, purpose FROM upload_uses WHERE used_by = $1", account
        )
        return {(row["upload_id"], row["purpose"]) for row in rows}

    async def test_uses_follow_what_is_shown(self, db: asyncpg.Connection) -> None:
        ada = await social.person(db)
        one, other = [await upload(db, ada) for _ in range(2)]
        for purpose in ("avatar", "banner"):
            assert await profiles.show_image(db, ada, one, purpose=purpose)
        assert await self.uses(db, ada) == {(one, "avatar"), (one, "banner")}
        for _ in range(2):
            assert await profiles.show_image(db, ada, other, purpose="avatar")
        assert await self.uses(db, ada) == {(other, "avatar"), (one, "banner")}
        assert await profiles.show_image(db, ada, None, purpose="banner")
        assert await self.uses(db, ada) == {(other, "avatar")}

    @pytest.mark.parametrize(
        "columns", [{"kind": "video"}, {"state": "processing"}, {"state": "failed"}]
    )
    async def test_only_images_that_are_ready(
        self, db: asyncpg.Connection, columns: dict[str, str]
    ) -> None:
        ada = await social.person(db)
        wrong = await upload(db, ada, **columns)
        assert not await profiles.show_image(db, ada, wrong, purpose="avatar")
        assert await self.uses(db, ada) == set()

    async def test_only_one_s_own(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        bobs = await upload(db, bob)
        assert not await profiles.show_image(db, ada, bobs, purpose="avatar")
        assert not await profiles.show_image(db, ada, Id(17), purpose="avatar")

    async def test_what_is_taken_counts_as_touched(self, db: asyncpg.Connection) -> None:
        ada = await social.person(db)
        old = await upload(db, ada)
        await db.execute("UPDATE uploads SET touched_at = now() - interval '1 year'")
        await profiles.show_image(db, ada, old, purpose="avatar")
        assert await db.fetchval("SELECT touched_at > now() - interval '1 hour' FROM uploads")
