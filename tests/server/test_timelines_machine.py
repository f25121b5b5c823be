"""Whatever happens while somebody reads: the home timeline is what the tables say.

Posts come, go, are held back and shown to fewer people; accounts are followed, left, blocked and
muted, and become too popular to be delivered; the jobs of all that are done late, in any order, or
by half; timelines are trimmed, forgotten and filled again.
"""

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from persistence.database import Database
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility
from tests.server.home_town import DAY, Town, tolerating, town

PEOPLE = 5
DEEDS = (
    *("write",) * 8,
    *("follow",) * 4,
    *("work",) * 6,
    *("turn page",) * 4,
    *(
        "begin delivery",
        "draft",
        "publish",
        "share",
        "quote",
        "unfollow",
        "delete",
        "hold",
        "release",
    ),
    *(
        "show to",
        "mute",
        "unmute",
        "block",
        "unblock",
        "trim",
        "trim",
        "look",
        "look",
        "go away",
        "sweep",
    ),
)
REARRANGING = {"work", "begin delivery", "trim", "sweep", "follow", "unfollow", "release"}
"""After these a timeline is looked at as a whole."""


class Step(NamedTuple):
    deed: str
    one: int
    other: int


STEPS = st.lists(
    st.builds(Step, st.sampled_from(DEEDS), st.integers(0, 99), st.integers(0, 99)),
    min_size=20,
    max_size=30,
)


class Reader:
    """Reads a timeline page by page while things happen, and checks what it gets."""

    def __init__(self, place: Town, viewer: Id) -> None:
        self._town = place
        self._viewer = viewer
        self._before: int | None = None
        self._steady: set[Id] | None = None
        self._seen: list[Id] = []

    async def notice(self) -> None:
        """Something has happened: what was there all the time is still to be seen."""
        if self._steady is not None:
            self._steady &= set(await self._town.home(self._viewer))

    async def turn(self) -> None:
        """Read the next page, or the first one."""
        here = await self._town.home(self._viewer)
        if self._steady is None:
            self._steady = set(here)
        page = await self._town.timelines.latest(self._viewer, before=self._before, limit=3)
        found = [post.id for post in page.posts]
        assert set(found) <= set(here)
        assert not set(found) & set(self._seen)
        self._seen += found
        order = [await self._town.position(post) for post in self._seen]
        assert order == sorted(order, reverse=True)
        missed = self._steady - set(self._seen)
        end = page.after or 0
        assert not [post for post in missed if await self._town.position(post) >= end]
        if page.after is None:
            self.__init__(self._town, self._viewer)  # type: ignore[misc]
        else:
            self._before = page.after


async def take(place: Town, reader: Reader, step: Step) -> None:
    one = place.people[step.one % PEOPLE]
    other = place.people[step.other % PEOPLE]
    post = place.written[step.other % len(place.written)]
    match step.deed:
        case "turn page":
            await reader.turn()
        case "write":
            visibility = (
                list(Visibility)[step.other % 8 % 4] if step.other % 2 else Visibility.PUBLIC
            )
            await place.write(one, visibility=visibility)
        case "draft":
            await place.write(one, status=PostStatus.DRAFT)
        case "publish" | "release":
            await place.change(post, status=PostStatus.PUBLISHED)
        case "share":
            await place.share(one, post)
        case "quote":
            await place.write(one, shared=post)
        case "delete":
            await place.posts.delete(await place.author(post), post)
        case "hold":
            await place.change(post, status=PostStatus.UNDER_REVIEW)
        case "show to":
            await place.change(post, visibility=list(Visibility)[step.one % 4])
        case "follow":
            await place.graph.follow(one, other)
        case "unfollow":
            await place.graph.unfollow(one, other)
        case "mute" | "unmute" | "block" | "unblock" as deed:
            await place.relate(deed, one, other)
        case "work":
            await place.work(step.one)
        case "begin delivery":
            await place.begin_delivery(step.one)
        case "trim":
            await place.deliveries.trim()
        case "sweep":
            await place.deliveries.sweep()
        case "look":
            await place.timelines.latest(one, limit=1)
        case "go away":
            place.now += (20 if step.one % 3 else 35) * DAY


async def open_town(place: Town) -> None:
    """Everybody follows the next two people and reads; the second one is about to be popular."""
    for number, person in enumerate(place.people):
        for step in (1, 2):
            await place.graph.follow(person, place.people[(number + step) % PEOPLE])
        await place.write(person)
        await place.timelines.latest(person, limit=1)
    await place.work_all()


def some(examples: int) -> settings:
    """So many, in the order in which they are found."""
    return settings(
        max_examples=examples,
        # Making a failing example smaller takes longer than a test may.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@some(20)
@given(steps=STEPS)
async def test_any_timeline_is_what_the_tables_say(database: Database, steps: list[Step]) -> None:
    await live_through(database, steps)


@pytest.mark.soak
@some(100)
@given(steps=STEPS)
async def test_many_timelines_are(database: Database, steps: list[Step]) -> None:
    await live_through(database, steps)


async def live_through(database: Database, steps: list[Step]) -> None:
    """Take the steps; every look has to be what the tables say."""
    async with town(database, people=PEOPLE, pull_followers=2, timeline_entries=4) as place:
        await open_town(place)
        reader = Reader(place, place.people[0])
        for step in steps:
            with tolerating:
                await take(place, reader, step)
            await reader.notice()
            if step.deed in REARRANGING:
                viewer = place.people[step.one % PEOPLE]
                assert await place.read(viewer, limit=9) == await place.home(viewer)
        for person in place.people:
            home = await place.home(person)
            assert await place.read(person) == home
            assert set(await place.read_ranked(person)) == set(home)
        await place.work_all()
        for person in place.people:
            assert await place.read(person) == await place.home(person)
