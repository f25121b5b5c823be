"""The REST client's requests about profiles and the graph, against the real server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import PlazaRefused, Profile, Relationship, Rest, Visibility
from server.config import Config
from tests.e2e.site import Site, copy_of, serving

People = dict[str, tuple[Rest, int]]


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


@pytest.fixture
async def people(site: Site) -> AsyncIterator[People]:
    """Their clients and ids."""
    async with AsyncExitStack() as stack:
        found: People = {}
        for name in ("ada", "bob", "eve"):
            person = await site.person(name)
            rest = await stack.enter_async_context(Rest(site.url, access_token=person.token))
            found[name] = rest, int(person.id)
        yield found


async def refused(code: str, rest: Rest, account: int) -> None:
    with pytest.raises(PlazaRefused) as refusal:
        await rest.profile(account)
    assert refusal.value.code == code


async def test_a_profile_is_changed_and_seen(people: People) -> None:
    (ada, ada_id), (bob, _) = people["ada"], people["bob"]
    changed = await ada.change_profile(
        ada_id,
        display_name="Ada of the Looms",
        bio="*hi*",
        birthday="1990-12-10",
        birthday_visibility=Visibility.FRIENDS,
        interests=["looms"],
    )
    assert isinstance(changed, Profile)
    assert (changed.birthday, changed.interests) == ("1990-12-10", ["looms"])
    seen = await bob.profile(ada_id)
    assert (seen.display_name, seen.bio_html) == ("Ada of the Looms", "<p><em>hi</em></p>")
    assert (seen.birthday, seen.interests) == (None, [])
    assert seen.relationship == Relationship(account=seen.id)
    gone = await ada.change_profile(ada_id, birthday=None, avatar=None)
    assert (gone.birthday, gone.display_name) == (None, "Ada of the Looms")
    with pytest.raises(PlazaRefused) as refusal:
        await ada.change_profile(ada_id, avatar=17)
    assert refusal.value.code == "bad_request"
    with pytest.raises(PlazaRefused) as refusal:
        await bob.change_profile(ada_id, bio="x")
    assert refusal.value.code == "forbidden"


async def test_people_are_found_page_by_page(people: People) -> None:
    for name in ("ada", "bob"):
        rest, account = people[name]
        await rest.change_profile(account, display_name="Konrad Zuse")
    eve = people["eve"][0]
    first = await eve.find_people("zuse", limit=1)
    second = await eve.find_people("zuse", limit=1, cursor=first.next_cursor)
    assert {person.id for person in first.items + second.items} == {
        people["ada"][1],
        people["bob"][1],
    }
    assert second.next_cursor is None


async def test_follows_from_request_to_friendship(people: People) -> None:
    (ada, ada_id), (bob, bob_id), (eve, eve_id) = people.values()
    await ada.change_profile(ada_id, visibility="followers")
    assert (await bob.follow(ada_id)).requested
    await eve.follow(ada_id)
    assert [person.id for person in await ada.follow_requests()] == [eve_id, bob_id]
    assert (await ada.accept_follower(bob_id)).followed_by
    await ada.refuse_follower(eve_id)
    assert await ada.follow_requests() == []
    assert (await ada.follow(bob_id)).friend
    assert [person.id for person in await ada.friends()] == [bob_id]
    assert (await ada.set_close(bob_id)).close
    assert not (await ada.set_close(bob_id, close=False)).close
    assert [person.id for person in (await bob.followers(ada_id)).items] == [bob_id]
    assert [person.id for person in (await bob.following(ada_id)).items] == [bob_id]
    await bob.follow(eve_id)
    await ada.follow(eve_id)
    assert [person.id for person in (await ada.mutuals(eve_id)).items] == [bob_id]
    told = await eve.relationships([ada_id, bob_id, eve_id])
    assert [(standing.account, standing.followed_by) for standing in told] == [
        (ada_id, True),
        (bob_id, True),
    ]
    assert not (await ada.remove_follower(bob_id)).followed_by
    assert not (await bob.unfollow(eve_id)).following


async def test_a_block_ends_it(people: People) -> None:
    (ada, ada_id), (bob, bob_id) = people["ada"], people["bob"]
    await ada.follow(bob_id)
    await bob.follow(ada_id)
    await ada.block(bob_id)
    assert await ada.friends() == []
    assert (await bob.profile(bob_id)).followers == 0
    await refused("not_found", bob, ada_id)
    shown = await ada.profile(bob_id)
    assert shown.relationship == Relationship(account=shown.id, blocked=True)
    with pytest.raises(PlazaRefused) as refusal:
        await ada.follow(bob_id)
    assert refusal.value.code == "blocked"
