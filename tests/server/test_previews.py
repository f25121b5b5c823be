"""Link previews over a real database and real servers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from persistence.database import Database
from persistence.post_reader import visible_post
from persistence.previews import PreviewImage
from protocol.ids import Id
from protocol.posts import PostType, Preview
from server.clock import now_ms
from server.outbound import Outbound
from server.previews import Previews
from tests import social
from tests.server.test_outbound import HERE, Web, page, redirect, web

PAGE = b"""<title>A page</title><meta name="description" content="About looms">
    <meta property="og:image" content="/pic.png"><meta property="og:site_name" content="Looms">"""
PICTURE = PreviewImage(
    key="k1", name="320", type="image/webp", bytes=9, width=320, height=200, blurhash="LEHV6n"
)


class Updated(list[Id]):
    """Remembers which posts were said to have been updated."""

    def updated(self, post: Id) -> None:
        self.append(post)


class Kept:
    """Remembers pictures, and says what has become of them."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self.becomes: PreviewImage | None = PICTURE

    async def keep(self, picture: bytes) -> PreviewImage | None:
        self.pictures.append(picture)
        return self.becomes


class Desk:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.updated = Updated()
        self.kept = Kept()
        self.previews = Previews(
            database,
            Outbound(allowed=HERE, seconds=5),
            self.updated,  # type: ignore[arg-type]
            self.kept,
            clock=now_ms,
        )

    async def post(self, link: str) -> Id:
        async with self.database.connection() as db:
            author = await social.person(db)
            return await social.post(db, author, type=PostType.LINK, link=link)

    async def shown(self, post: Id) -> Preview:
        async with self.database.connection() as db:
            viewer = await social.person(db)
            found = await visible_post(db, viewer, post)
        assert found is not None
        assert found.preview is not None
        return found.preview

    async def later(self, what: str) -> None:
        async with self.database.connection() as db:
            await db.execute(f"UPDATE link_previews SET due_at = due_at - interval '{what}'")

    async def jobs(self) -> list[bytes]:
        async with self.database.connection() as db:
            return [
                row["payload"]
                for row in await db.fetch(
                    "SELECT payload FROM pgqueuer WHERE entrypoint = 'upload.erase'"
                )
            ]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


@asynccontextmanager
async def site(answers: dict[str, Callable[[], bytes] | bytes]) -> AsyncIterator[Web]:
    def answer(path: str) -> bytes:
        found = answers.get(path, page(b"", "404 Not Found"))
        return found if isinstance(found, bytes) else found()

    async with web(answer) as served:
        yield served


async def test_a_post_shows_what_its_page_says(desk: Desk) -> None:
    async with site({"/": page(PAGE), "/pic.png": page(b"PNG", kind="image/png")}) as served:
        link = served.url()
        post = await desk.post(link)
        assert await desk.shown(post) == Preview(url=link)
        await desk.previews.fetch(link.encode())
    assert desk.kept.pictures == [b"PNG"]
    assert desk.updated == [post]
    assert await desk.shown(post) == Preview(
        url=link,
        title="A page",
        description="About looms",
        site="Looms",
        image="/media/k1/320",
        blurhash="LEHV6n",
    )


async def test_a_page_is_asked_for_once_a_week(desk: Desk) -> None:
    async with site({"/": page(b"<title>A</title>")}) as served:
        for _ in range(3):
            await desk.previews.fetch(served.url().encode())
        await desk.later("6 days")
        await desk.previews.fetch(served.url().encode())
        assert len(served.requests) == 1
        await desk.later("1 day")
        await desk.previews.fetch(served.url().encode())
        assert len(served.requests) == 2


async def test_a_failure_is_kept_for_an_hour(desk: Desk) -> None:
    async with site({}) as served:
        link = served.url()
        post = await desk.post(link)
        await desk.previews.fetch(link.encode())
        await desk.later("59 minutes")
        await desk.previews.fetch(link.encode())
        assert len(served.requests) == 1
        await desk.later("1 minute")
        await desk.previews.fetch(link.encode())
        assert len(served.requests) == 2
    assert await desk.shown(post) == Preview(url=link)
    assert desk.updated == []


async def test_what_was_known_outlasts_a_failure(desk: Desk) -> None:
    answers = iter([page(b"<title>A</title>"), page(b"", "500 Oh no")])
    async with site({"/": lambda: next(answers)}) as served:
        post = await desk.post(served.url())
        await desk.previews.fetch(served.url().encode())
        await desk.later("7 days")
        await desk.previews.fetch(served.url().encode())
        assert len(served.requests) == 2
        assert (await desk.shown(post)).title == "A"
        await desk.later("59 minutes")
        await desk.previews.fetch(served.url().encode())
        assert len(served.requests) == 2


async def test_who_died_while_asking_blocks_nobody_for_long(desk: Desk) -> None:
    async with site({"/": page(b"<title>A</title>")}) as served:
        async with desk.database.connection() as db:
            await db.execute(
                "INSERT INTO link_previews (digest, url, state, due_at) "
                "VALUES (sha256(convert_to($1, 'UTF8')), $1, 'pending', now() + interval '1 min')",
                served.url(),
            )
        await desk.previews.fetch(served.url().encode())
        assert served.requests == []
        await desk.later("1 minute")
        await desk.previews.fetch(served.url().encode())
        assert len(served.requests) == 1


async def test_a_picture_that_is_replaced_is_erased(desk: Desk) -> None:
    async with site({"/": page(PAGE), "/pic.png": page(b"PNG", kind="image/png")}) as served:
        await desk.previews.fetch(served.url().encode())
        assert await desk.jobs() == []
        desk.kept.becomes = None
        await desk.later("7 days")
        await desk.previews.fetch(served.url().encode())
        assert await desk.jobs() == [b"k1"]


@pytest.mark.parametrize(
    "picture",
    [
        page(b"<svg/>", kind="image/svg+xml"),
        page(b"", "404 Not Found"),
        redirect("http://127.0.0.2/pic.png"),
    ],
)
async def test_a_page_without_a_proper_picture_has_none(desk: Desk, picture: bytes) -> None:
    async with site({"/": page(PAGE), "/pic.png": picture}) as served:
        post = await desk.post(served.url())
        await desk.previews.fetch(served.url().encode())
        shown = await desk.shown(post)
    assert (shown.title, shown.image) == ("A page", None)
    assert desk.kept.pictures == []


async def test_a_page_within_the_network_is_not_asked_for(desk: Desk) -> None:
    async with site({"/": redirect("http://127.0.0.2/")}) as served:
        post = await desk.post(served.url())
        await desk.previews.fetch(served.url().encode())
        await desk.previews.fetch(b"http://169.254.169.254/latest/meta-data/")
        assert await desk.shown(post) == Preview(url=served.url())
