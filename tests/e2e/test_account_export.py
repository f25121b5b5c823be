"""Everything that is kept of an account comes in a zip, and nothing that is others'."""

import asyncio
import io
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from persistence import account_export
from persistence.account_data import PLACES
from persistence.account_export import FILES, LEFT_OUT
from protocol.ids import Id
from server.config import Config
from server.sections import Limits, Server
from tests.e2e.busy_life import Person, everything, three_people
from tests.e2e.site import Site


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    folder = tempfile.mkdtemp(prefix="plaza-e2e-", dir="/tmp")
    yield Config(server=Server(data_dir=folder), limits=Limits(signups_per_ip_hour=0))
    shutil.rmtree(folder)


@pytest.fixture
async def people(site: Site) -> AsyncIterator[list[Person]]:
    async with three_people(site) as found:
        yield found


async def ready(person: Person) -> dict[str, Any]:
    """An export of somebody's, made."""
    export = await person.ask("POST", "/me/exports")
    async with asyncio.timeout(20):
        while export["state"] != "ready":
            await asyncio.sleep(0.05)
            export = await person.ask("GET", f"/me/exports/{export['id']}")
    return dict(export)


async def fetched(site: Site, export: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient() as anyone:
        return await anyone.get(site.url + export["url"])


async def test_everything_is_in_it(site: Site, people: list[Person]) -> None:
    ada, bob, eve = people
    done = await everything(site, ada, bob, eve)
    await ada.ask("PUT", f"/me/blocks/{eve.id}")
    async with asyncio.timeout(20):
        while not await site.fetch("SELECT FROM account_exports WHERE state = 'ready'"):
            await asyncio.sleep(0.05)
    # The one that was made along the way has not seen all of it.
    await site.fetch("UPDATE account_exports SET at = at - interval '2 hours'")
    export = await ready(ada)
    answer = await fetched(site, export)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) == export["bytes"]

    archive = ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    files = {name: json.loads(archive.read(f"{name}.json")) for name in FILES}
    for covered in PLACES.values():
        assert covered.file is None or files[covered.file], covered.file
    assert all(what in archive.read("README.txt").decode() for what in LEFT_OUT)
    assert files["account"][0]["username"] == ada.name
    bodies = {event["body"] for event in files["room_events"] if event["type"] == "message"}
    assert {"Between us.", "Without a nonce.", "Nobody hears."} <= bodies
    assert "Quite." not in bodies
    assert any(event["stands"] for event in files["room_events"])
    assert {post["status"] for post in files["posts"]} == {"published", "draft", "deleted"}
    assert [edit["content"][:6] for edit in files["post_edits"]] == ["#looms"]
    assert {vote["text"] for vote in files["poll_votes"]} == {"a", "b"}
    assert done.buried in {comment["id"] for comment in files["comments"]}
    (upload,) = files["uploads"]
    (picture,) = (name for name in archive.namelist() if name.startswith("uploads/"))
    assert picture == f"uploads/{upload['id']}-a.png"
    assert archive.read(picture)[:3] == b"\xff\xd8\xff"
    assert "password" not in archive.read("account.json").decode()


async def test_who_asks_again_gets_the_same(site: Site, people: list[Person]) -> None:
    ada, bob, _ = people
    first = await ready(ada)
    assert (await ada.ask("POST", "/me/exports"))["id"] == first["id"]
    assert (await bob.http.get(f"/me/exports/{first['id']}")).status_code == 404
    assert (await ada.http.get(f"/me/exports/{ada.id}")).status_code == 404
    assert (await fetched(site, {"url": "/exports/none"})).status_code == 404
    assert (await fetched(site, {"url": "/exports/%00%C3%A4"})).status_code == 404


async def test_exports_expire(site: Site, people: list[Person]) -> None:
    ada, *_ = people
    export = await ready(ada)
    path = Path(site.config.server.data_dir) / "objects" / export["url"].removeprefix("/")
    assert path.exists()
    await site.fetch(
        "UPDATE account_exports SET at = now() - interval '7 days 1 minute' WHERE id = $1",
        Id(export["id"]),
    )
    async with site.database.transaction() as connection:
        assert await account_export.sweep(connection) == 1
    async with asyncio.timeout(20):
        while path.exists():
            await asyncio.sleep(0.05)
    assert (await ada.http.get(f"/me/exports/{export['id']}")).status_code == 404
    assert (await fetched(site, export)).status_code == 404
