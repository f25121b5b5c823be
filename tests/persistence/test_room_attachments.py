"""What messages show: uploads of their senders, as long as the message stands."""

from collections.abc import AsyncIterator

import pytest

from persistence import uploads
from persistence.embedded import EmbeddedPostgres
from protocol.drafts import Draft
from protocol.errors import PlazaError
from protocol.events import Message
from protocol.ids import Id
from protocol.records import Attachment, Role, User
from rooms import conversation
from tests import social
from tests.rooms.town import Town, founded


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def pair(town: Town) -> tuple[User, User]:
    ada, bob = await town.people("ada", "bob")
    return ada, bob


@pytest.fixture
async def room(town: Town, pair: tuple[User, User]) -> Id:
    ada, bob = pair
    return await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})


async def upload(town: Town, owner: User, **columns: str) -> Id:
    async with town.database.connection() as connection:
        return await social.upload(connection, owner.id, **columns)


async def uses(town: Town, upload: Id) -> list[int]:
    async with town.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT used_by FROM upload_uses WHERE upload_id = $1 AND purpose = 'message'", upload
        )
        return [row["used_by"] for row in rows]


def showing(sender: User, room: Id, *ids: object, body: str = "") -> Draft:
    attachments = [Attachment(id=str(each)) for each in ids]
    return conversation.message(sender.id, room, body, attachments=attachments)


async def test_the_server_says_what_is_attached(
    town: Town, pair: tuple[User, User], room: Id
) -> None:
    ada, _ = pair
    variants = (
        '[{"name": "original", "type": "video/mp4", "bytes": 7000},'
        ' {"name": "poster", "type": "image/webp", "bytes": 9}]'
    )
    video = await upload(town, ada, kind="video", variants=variants, blurhash="LEHV6nWB2yk8")
    claimed = Attachment(id=str(video), type="text/html", size=1, url="https://evil.example/")
    draft = conversation.message(ada.id, room, "", attachments=[claimed])
    assert await town.write(draft) == [None]
    (stored,) = (await message(town, room, 2)).attachments
    assert stored == Attachment(
        id=str(video),
        name="engine.webp",
        type="video/mp4",
        size=7000,
        url=f"/media/key-{video}/original",
        thumbnail=f"/media/key-{video}/poster",
        width=640,
        height=480,
        blurhash="LEHV6nWB2yk8",
    )
    assert await uses(town, video) == [draft.event.event_id]


async def test_only_ones_own_that_are_ready_can_be_attached(
    town: Town, pair: tuple[User, User], room: Id
) -> None:
    ada, bob = pair
    own, other = await upload(town, ada), await upload(town, bob)
    waiting = await upload(town, ada, state="processing")
    for wrong in (other, waiting, social.new_id(), "upload-1", "\0", "9" * 30, "-1"):
        (refusal,) = await town.write(showing(ada, room, own, wrong))
        assert isinstance(refusal, PlazaError)
        assert refusal.spec.code == "bad_request"
        assert str(wrong) in refusal.message
    assert await uses(town, own) == []
    plain, refusal, good = await town.write(
        conversation.message(ada.id, room, "plain"),
        showing(ada, room, other),
        showing(bob, room, other),
    )
    assert (plain, good) == (None, None)
    assert isinstance(refusal, PlazaError)
    assert (await message(town, room, 2)).body == "plain"


async def test_a_deleted_message_shows_nothing_any_more(
    town: Town, pair: tuple[User, User], room: Id
) -> None:
    ada, _ = pair
    shared = await upload(town, ada)
    await town.write(showing(ada, room, shared), showing(ada, room, shared, shared))
    assert len(await uses(town, shared)) == 2
    await town.write(conversation.delete(ada.id, room, 2))
    (left,) = await uses(town, shared)
    assert left == (await message(town, room, 3)).event_id
    async with town.database.transaction() as connection:
        assert await uploads.delete(connection, shared) == []
    await town.write(conversation.delete(ada.id, room, 3))
    async with town.database.transaction() as connection:
        assert await uploads.delete(connection, shared) == [shared]


async def test_a_plain_message_asks_for_no_facts() -> None:
    assert conversation.message(Id(1), Id(2), "hi").quick
    assert not showing(User(id=Id(1), username="ada"), Id(2), 3, body="hi").quick


async def message(town: Town, room: Id, seq: int) -> Message:
    found = (await town.log(room))[seq - 1]
    assert isinstance(found, Message)
    return found
