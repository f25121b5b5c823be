"""Receiving: bounds, restarts, several senders at once; and the sweep."""

import asyncio
import contextlib
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from persistence import uploads as rows
from persistence.database import Database
from protocol.errors import PlazaError
from protocol.ids import Id, IdMint
from protocol.uploads import UploadState
from server import spool as spool_module
from server import uploads as uploads_module
from server.background import Background
from server.config import Config
from server.jobs import Jobs
from server.sections import Server
from server.sections import Uploads as Settings
from server.uploading import Uploading, uploading
from server.uploads import OffsetConflict
from tests import social
from tests.files import image_file, video_file

MIB = 2**20


@asynccontextmanager
async def running(database: Database, folder: Path, **settings: Any) -> AsyncIterator[Uploading]:
    """The parts of uploads, as one process has them."""
    config = Config(server=Server(data_dir=str(folder)), uploads=Settings(**settings))
    background = Background()
    async with uploading(
        config,
        database,
        jobs=Jobs(database),
        background=background,
        mint=IdMint(7),
        clock=lambda: 1_800_000_000_000,
    ) as parts:
        yield parts
        await background.cancel()


@pytest.fixture
async def parts(database: Database, tmp_path: Path) -> AsyncIterator[Uploading]:
    async with running(database, tmp_path) as parts:
        yield parts


@pytest.fixture
async def ada(database: Database) -> Id:
    async with database.connection() as connection:
        return await social.person(connection, "ada")


async def chunks(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def begin(parts: Uploading, account: Id, length: int | None = None) -> Id:
    return await parts.uploads.begin(account, name="", alt="", length=length)


async def send(parts: Uploading, account: Id, content: bytes) -> Any:
    return await parts.uploads.send(account, await begin(parts, account), chunks(content))


def code(caught: pytest.ExceptionInfo[PlazaError]) -> str:
    return caught.value.spec.code


async def left(database: Database, parts: Uploading, folder: Path) -> tuple[int, int, int]:
    """How many rows, objects and files there are."""
    async with database.connection() as connection:
        count = await connection.fetchval("SELECT count(*) FROM uploads")
    files = [name for name in os.listdir(folder / "receiving") if name.isdecimal()]
    return count, len(await parts.objects.paths()), len(files)


# --- bounds ---------------------------------------------------------------------------------------


async def test_each_kind_has_its_cap(database: Database, ada: Id, tmp_path: Path) -> None:
    caps = {"image_bytes": 20_000, "video_bytes": 40_000, "file_bytes": 60_000}
    async with running(database, tmp_path, **caps) as parts:
        beginnings = {b"\x89PNG\r\n\x1a\n": 20_000, b"OggS\x00": 40_000, b"any": 60_000}
        for beginning, cap in beginnings.items():
            with pytest.raises(PlazaError) as caught:
                await send(parts, ada, beginning + bytes(cap))
            assert code(caught) == "too_large"
            assert f"{cap:,} bytes" in caught.value.message
        with pytest.raises(PlazaError) as caught:
            await begin(parts, ada, 60_001)
        assert code(caught) == "too_large"
        # Declared within the largest cap, and then of a kind with a lower one.
        upload = await begin(parts, ada, 50_000)
        with pytest.raises(PlazaError) as caught:
            await parts.uploads.resume(ada, upload, 0, chunks(b"\x89PNG\r\n\x1a\n"))
        assert code(caught) == "too_large"
        assert await left(database, parts, tmp_path) == (0, 0, 0)


async def test_an_account_has_a_quota(database: Database, ada: Id, tmp_path: Path) -> None:
    async with database.connection() as connection:
        bob = await social.person(connection, "bob")
    async with running(database, tmp_path, account_bytes=1_000) as parts:
        first = await send(parts, ada, b"a" * 600)
        for too_much in (begin(parts, ada, 401), send(parts, ada, b"b" * 401)):
            with pytest.raises(PlazaError) as caught:
                await too_much
            assert code(caught) == "too_large"
        await begin(parts, ada, 400)  # holds its place
        with pytest.raises(PlazaError):
            await send(parts, ada, b"c")
        await send(parts, bob, b"d" * 1_000)
        await parts.uploads.delete(ada, first.id)
        await send(parts, ada, b"e" * 600)


async def test_a_body_is_not_held_in_memory(parts: Uploading, ada: Id, tmp_path: Path) -> None:
    """64 MiB pass, and little more than a buffer is ever there."""
    written = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield os.urandom(65_536)
            written.append(tracemalloc.get_traced_memory()[0])

    upload = await begin(parts, ada)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    done = await parts.uploads.send(ada, upload, body())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.received == 64 * MIB
    assert len(written) == 1024
    assert peak - before < 4 * MIB


async def test_a_silent_sender_is_given_up(
    parts: Uploading, ada: Id, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "IDLE_SECONDS", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"some"
        await asyncio.Event().wait()

    upload = await begin(parts, ada, 100)
    with pytest.raises(PlazaError) as caught:
        await parts.uploads.resume(ada, upload, 0, stuck())
    assert code(caught) == "bad_request"
    assert await parts.uploads.offset(ada, upload) == (4, 100)


async def test_a_full_disk_is_no_bug(
    parts: Uploading, ada: Id, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_module.Appender, "add", full)
    with pytest.raises(PlazaError) as caught:
        await send(parts, ada, b"x")
    assert code(caught) == "unavailable"


# --- going on -------------------------------------------------------------------------------------


class Broken(Exception):
    """The connection ended."""


async def breaking(content: bytes) -> AsyncIterator[bytes]:
    async for chunk in chunks(content, 1_000):
        yield chunk
    raise Broken


async def test_what_came_before_a_break_is_kept_through_a_restart(
    database: Database, ada: Id, tmp_path: Path
) -> None:
    content = os.urandom(300_000)
    async with running(database, tmp_path) as parts:
        upload = await begin(parts, ada, len(content))
        with pytest.raises(Broken):
            await parts.uploads.resume(ada, upload, 0, breaking(content[:123_456]))
    async with running(database, tmp_path) as parts:
        assert await parts.uploads.offset(ada, upload) == (123_456, len(content))
        size = await parts.uploads.resume(ada, upload, 123_456, chunks(content[123_456:]))
        assert size == len(content)
        done = await parts.uploads.show(ada, upload)
        assert done.state is UploadState.READY
        assert done.media is not None
        key = done.media.url.split("/")[2]
        pieces = await parts.objects.read(f"media/{key}/original", 0, size)
        assert b"".join([piece async for piece in pieces]) == content


async def test_a_crash_after_the_last_byte_is_made_up_for(
    database: Database, ada: Id, tmp_path: Path
) -> None:
    content = image_file()
    async with running(database, tmp_path) as parts:
        upload = await begin(parts, ada, len(content))
        with pytest.raises(Broken):  # all is here, and nobody has looked at it
            await parts.uploads.resume(ada, upload, 0, breaking(content))
    async with running(database, tmp_path) as parts:
        assert (await parts.uploads.offset(ada, upload))[0] == len(content)
        assert (await parts.uploads.show(ada, upload)).state is UploadState.READY


async def test_a_crash_while_converting_is_made_up_for_by_the_job(
    database: Database, ada: Id, tmp_path: Path
) -> None:
    content = image_file()
    async with running(database, tmp_path) as parts:
        upload = await begin(parts, ada, len(content))
        with pytest.raises(Broken):
            await parts.uploads.resume(ada, upload, 0, breaking(content))
        async with database.connection() as connection:
            assert await rows.begin_processing(connection, upload, len(content))
    async with running(database, tmp_path) as parts:
        await parts.conversions.run(str(upload).encode())
        assert (await parts.uploads.show(ada, upload)).state is UploadState.READY
        assert await left(database, parts, tmp_path) == (1, 3, 0)


async def test_a_lost_file_is_owned_up_to(parts: Uploading, ada: Id, database: Database) -> None:
    upload = await begin(parts, ada, 10)
    async with database.connection() as connection:
        await rows.begin_processing(connection, upload, 10)
    await parts.conversions.run(str(upload).encode())
    shown = await parts.uploads.show(ada, upload)
    assert shown.state is UploadState.FAILED
    assert "Send it again" in (shown.problem or "")


async def test_who_comes_back_ends_the_request_that_hangs(
    database: Database, parts: Uploading, ada: Id
) -> None:
    """Its connection is dead, and the server has not noticed. Others end nothing."""
    async with database.connection() as connection:
        bob = await social.person(connection, "bob")
    reading = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"01234"
        reading.set()
        await asyncio.Event().wait()

    upload = await begin(parts, ada, 10)
    first = asyncio.create_task(parts.uploads.resume(ada, upload, 0, hanging()))
    await reading.wait()
    with pytest.raises(PlazaError):
        await parts.uploads.offset(bob, upload)
    assert not first.done()
    assert await parts.uploads.offset(ada, upload) == (5, 10)
    with pytest.raises(OffsetConflict):
        await first
    assert await parts.uploads.resume(ada, upload, 5, chunks(b"56789")) == 10


async def test_of_two_servers_one_receives(database: Database, ada: Id, tmp_path: Path) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"01234"
        reading.set()
        await go_on.wait()

    async with running(database, tmp_path) as one, running(database, tmp_path) as other:
        upload = await begin(one, ada, 10)
        first = asyncio.create_task(one.uploads.resume(ada, upload, 0, slow()))
        await reading.wait()
        with pytest.raises(OffsetConflict):
            await other.uploads.resume(ada, upload, 0, chunks(b"xxxxx"))
        go_on.set()
        assert await first == 5


async def test_a_request_that_is_cancelled_leaves_nothing(
    parts: Uploading, ada: Id, database: Database, tmp_path: Path
) -> None:
    reading = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"01234"
        reading.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(parts.uploads.send(ada, await begin(parts, ada), hanging()))
    await reading.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await left(database, parts, tmp_path) == (0, 0, 0)


# --- videos ---------------------------------------------------------------------------------------


async def test_a_video_is_converted_by_a_job(
    database: Database, parts: Uploading, ada: Id, tmp_path: Path
) -> None:
    content = video_file(tmp_path / "a.avi", "avi", "mpeg4", "libmp3lame").read_bytes()
    sent = await send(parts, ada, content)
    assert sent.state is UploadState.PROCESSING
    async with database.connection() as connection:
        (job,) = await connection.fetch("SELECT entrypoint, payload FROM pgqueuer")
    assert (job["entrypoint"], job["payload"]) == ("upload.convert", str(sent.id).encode())
    await asyncio.gather(*(parts.conversions.run(job["payload"]) for _ in range(3)))
    media = (await parts.uploads.show(ada, sent.id)).media
    assert media is not None
    assert (media.kind, media.type) == ("video", "video/mp4")
    assert [variant.name for variant in media.variants] == ["original", "poster"]
    await parts.conversions.run(job["payload"])  # done: nothing happens
    assert await left(database, parts, tmp_path) == (1, 2, 0)


async def test_another_server_converts_what_is_in_the_shared_store(
    database: Database, ada: Id, tmp_path: Path
) -> None:
    content = video_file(tmp_path / "a.mp4", "mp4", "libx264", None).read_bytes()
    url = f"file://{tmp_path}/bucket"
    (tmp_path / "bucket").mkdir()
    async with (
        running(database, tmp_path / "one", store=url) as one,
        running(database, tmp_path / "other", store=url) as other,
    ):
        one.objects.is_shared = other.objects.is_shared = True
        sent = await send(one, ada, content)
        await other.conversions.run(str(sent.id).encode())
        assert (await one.uploads.show(ada, sent.id)).state is UploadState.READY
        assert sorted(path.split("/")[0] for path in await one.objects.paths()) == ["media"] * 2


async def test_what_is_deleted_while_it_is_converted_leaves_no_object(
    database: Database, parts: Uploading, ada: Id, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await send(
        parts, ada, video_file(tmp_path / "a.ogg", "ogg", None, "libopus").read_bytes()
    )
    put = parts.objects.put

    async def put_late(path: str, source: Path | bytes) -> None:
        with contextlib.suppress(PlazaError):
            await parts.uploads.delete(ada, sent.id)
        await put(path, source)

    monkeypatch.setattr(parts.objects, "put", put_late)
    await parts.conversions.run(str(sent.id).encode())
    assert await left(database, parts, tmp_path) == (0, 0, 0)


# --- the sweep ------------------------------------------------------------------------------------


async def age(database: Database, by: timedelta, *uploads: Id) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE uploads SET touched_at = now() - $1::interval WHERE id = ANY($2::bigint[])",
            *(by, list(uploads)),
        )


async def test_what_nothing_shows_is_swept(
    database: Database, parts: Uploading, ada: Id, tmp_path: Path
) -> None:
    sent = [(await send(parts, ada, f"file {n}".encode())).id for n in range(4)]
    shown, old, fresh, released = sent
    begun = await begin(parts, ada, 10)
    with contextlib.suppress(Broken):
        await parts.uploads.resume(ada, begun, 0, breaking(b"01234"))
    async with database.transaction() as connection:
        await rows.use(
            connection, [rows.Use(shown, "post", Id(5)), rows.Use(released, "post", Id(6))]
        )
    await age(database, timedelta(hours=25), shown, old, begun, released)
    async with database.connection() as connection:
        await rows.unuse(connection, "post", Id(6))
    await parts.uploads.sweep()
    async with database.connection() as connection:
        left_over = {row["id"] for row in await connection.fetch("SELECT id FROM uploads")}
        keys = await connection.fetch(
            "SELECT payload FROM pgqueuer WHERE entrypoint = 'upload.erase'"
        )
    assert left_over == {shown, fresh, released}
    assert len(keys) == 2
    for row in keys:
        await parts.conversions.erase(row["payload"])
    assert await left(database, parts, tmp_path) == (3, 3, 0)


async def test_files_that_a_crash_has_left_are_swept(parts: Uploading, tmp_path: Path) -> None:
    receiving = tmp_path / "receiving"
    (receiving / "making-x").mkdir(parents=True)
    (receiving / "making-x" / "original").write_bytes(b"x")
    (receiving / "123").write_bytes(b"x")
    (receiving / "124").write_bytes(b"x")
    long_ago = 1_600_000_000
    for path in (receiving / "making-x", receiving / "123"):
        os.utime(path, (long_ago, long_ago))
    await parts.uploads.sweep()
    assert [path.name for path in receiving.iterdir()] == ["124"]


async def test_what_is_about_to_be_shown_is_not_swept(
    database: Database, parts: Uploading, ada: Id
) -> None:
    upload = (await send(parts, ada, b"cards")).id
    await age(database, timedelta(hours=25), upload)
    async with database.transaction() as connection:
        assert upload in await rows.attachable(connection, ada, [upload])
        await parts.uploads.sweep()
        await rows.use(connection, [rows.Use(upload, "post", Id(5))])
    await parts.uploads.sweep()
    assert (await parts.uploads.show(ada, upload)).id == upload


async def test_who_deletes_waits_for_who_shows(
    database: Database, parts: Uploading, ada: Id
) -> None:
    upload = (await send(parts, ada, b"cards")).id
    async with database.transaction() as connection:
        await rows.attachable(connection, ada, [upload])
        deletion = asyncio.create_task(parts.uploads.delete(ada, upload))
        await _until_waiting(database)
        await rows.use(connection, [rows.Use(upload, "post", Id(5))])
    with pytest.raises(PlazaError) as caught:
        await deletion
    assert code(caught) == "in_use"


async def _until_waiting(database: Database) -> None:
    while True:
        async with database.connection() as connection:
            if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                return


def test_sections_have_bounds() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"workers": 0}, Settings)
