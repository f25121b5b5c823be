"""The Python client sends files to the real server, over links that break."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import Attachment, Client, Message, PlazaRefused, Rest, Unreachable
from plaza_client import rest_uploads as module
from protocol.uploads import UploadState
from server.config import Config
from tests.e2e.site import Person, Site, copy_of, serving
from tests.files import image_file, video_file


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.person("ada")


@pytest.fixture
async def rest(site: Site, ada: Person) -> AsyncIterator[Rest]:
    async with Rest(site.url, access_token=ada.token) as rest:
        yield rest


async def fetched(site: Site, url: str) -> bytes:
    async with httpx.AsyncClient() as http:
        return (await http.get(site.url + url)).content


async def test_bytes_paths_and_pieces(site: Site, rest: Rest, tmp_path: Path) -> None:
    content = os.urandom(700_000)
    (tmp_path / "cards.bin").write_bytes(content)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 100_000):
            yield content[at : at + 100_000]

    for sent in (content, tmp_path / "cards.bin", pieces()):
        upload = await rest.upload(sent, alt="Cards", part_bytes=300_000)
        assert upload.state is UploadState.READY
        assert upload.media is not None
        assert upload.alt == "Cards"
        assert upload.name == ("cards.bin" if isinstance(sent, Path) else "")
        assert await fetched(site, upload.media.url) == content
    assert len(await rest.uploads()) == 3


async def test_it_goes_on_where_the_connection_broke(
    site: Site, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(1_000_000)
    breaks = iter([True, False, True, False, False, False, False, False])
    whole = module._pieces
    sent = 0

    async def breaking(content: bytes | Path, start: int, stop: int) -> AsyncIterator[bytes]:
        nonlocal sent
        break_off = next(breaks)
        async for piece in whole(content, start, stop):
            sent += len(piece)
            yield piece
            if break_off:
                raise httpx.WriteError("the link broke")

    monkeypatch.setattr(module, "_pieces", breaking)
    monkeypatch.setattr(module, "READ_BYTES", 50_000)
    upload = await rest.upload(content, part_bytes=400_000)
    assert upload.media is not None
    assert await fetched(site, upload.media.url) == content
    assert sent < 1_150_000  # nothing much was sent twice


async def test_a_server_that_is_gone_is_given_up(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> AsyncIterator[bytes]:
        raise httpx.WriteError("no link")
        yield b""

    monkeypatch.setattr(module, "_pieces", never)
    monkeypatch.setattr(module.FullJitter, "next", lambda _: 0.0)
    with pytest.raises(Unreachable):
        await rest.upload(b"cards")


async def test_what_is_refused_is_not_tried_again(rest: Rest) -> None:
    with pytest.raises(PlazaRefused) as caught:
        await rest.upload(b"")
    assert caught.value.code == "bad_request"
    broken = await rest.upload(image_file("PNG")[:100])
    assert broken.state is UploadState.FAILED
    assert broken.problem
    with pytest.raises(PlazaRefused) as caught:
        await rest.show_upload(1)
    assert caught.value.code == "not_found"


async def test_a_video_is_waited_for(rest: Rest, tmp_path: Path) -> None:
    path = video_file(tmp_path / "engine.avi", "avi", "mpeg4", None)
    upload = await rest.upload(path)
    assert upload.state is UploadState.PROCESSING
    ready = await rest.upload_ready(upload.id, within=60)
    assert ready.media is not None
    assert ready.media.type == "video/mp4"


async def test_it_is_described_and_deleted(rest: Rest) -> None:
    upload = await rest.upload(b"cards", name="a.txt")
    assert (await rest.describe_upload(upload.id, alt="Cards")).alt == "Cards"
    await rest.delete_upload(upload.id)
    assert upload.id not in [each.id for each in await rest.uploads()]


async def test_it_is_attached_to_a_message(site: Site, ada: Person, rest: Rest) -> None:
    bob = await site.person("bob")
    upload = await rest.upload(image_file("JPEG", (800, 600)), name="engine.jpg", alt="An engine")
    async with (
        Client(site.url, token=ada.token) as adas,
        Client(site.url, token=bob.token) as bobs,
    ):
        room = await adas.create_room("group", "Engines", members=[int(bob.id)])
        await adas.send(room.id, "", attachments=[Attachment(id=str(upload.id))])
        async with asyncio.timeout(10):
            async for event in bobs.events():
                if isinstance(event, Message):
                    break
    (attachment,) = event.attachments
    assert (attachment.name, attachment.alt) == ("engine.jpg", "An engine")
    assert (attachment.width, attachment.height) == (800, 600)
    assert attachment.thumbnail is not None
    assert (await fetched(site, attachment.thumbnail)).startswith(b"RIFF")
