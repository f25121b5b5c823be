"""Every error code, provoked on a real server.

A code that is new in the catalogue and missing here fails the test of its name.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from protocol import errors
from protocol.errors import ErrorSpec
from protocol.ids import Id
from server.config import Config
from server.sections import Limits, Media
from tests import social
from tests.e2e.device import Device, Fields
from tests.e2e.site import Person, Site, serving
from tests.server import live

PASSWORD = "correct horse battery"
PART = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        limits=Limits(
            unanswered_commands=20,
            log_queue=4,
            request_bytes=4_096,
        )
    )


class Refusal(NamedTuple):
    """An error as the client sees it; `status` over REST alone."""

    code: str
    message: str
    retry_after: float | None
    status: int | None = None


def on_socket(answer: Fields) -> Refusal:
    assert answer["t"] == "error", answer
    return Refusal(answer["code"], answer["message"], answer.get("retry_after"))


async def rest(
    site: Site,
    method: str,
    path: str,
    *,
    person: Person | None = None,
    json: Any = None,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    headers = {**(headers or {}), **({} if person is None else person.bearer)}
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1") as http:
        return await http.request(method, path, json=json, content=content, headers=headers)


async def over_rest(site: Site, method: str, path: str, **options: Any) -> Refusal:
    response = await rest(site, method, path, **options)
    error = response.json()["error"]
    return Refusal(error["code"], error["message"], error.get("retry_after"), response.status_code)


# Code -> what provokes it.
PROVOCATIONS: dict[str, Callable[[Site], Awaitable[Refusal]]] = {}


def provoked_by(spec: ErrorSpec) -> Callable[[Any], Any]:
    return lambda provoke: PROVOCATIONS.setdefault(spec.code, provoke)


# --- people and rooms ----------------------------------------------------------------------------


async def somebody(site: Site) -> Device:
    return await site.device(await site.person())


async def room_of(device: Device, *members: Person, kind: str = "group") -> str:
    ids = [member.id for member in members]
    created = await device.do("create", kind=kind, title="Engines", members=ids)
    return str(created["room"]["id"])


async def begun_upload(site: Site, person: Person) -> str:
    headers = {"Upload-Length": "9"}
    begun = await rest(site, "POST", "/uploads", person=person, headers=headers)
    return str(begun.json()["id"])


async def sign_up(site: Site, username: str, email: str) -> httpx.Response:
    fields = {"username": username, "email": email, "password": PASSWORD}
    return await rest(site, "POST", "/accounts", json=fields)


# --- errors --------------------------------------------------------------------------------------


@provoked_by(errors.BAD_REQUEST)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("send", room=1, body="an id is a string"))


@provoked_by(errors.UNKNOWN_COMMAND)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("sing"))


@provoked_by(errors.HELLO_REQUIRED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await site.connect()).ask("join", room="1"))


@provoked_by(errors.HELLO_REPEATED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).hello("again"))


@provoked_by(errors.UNAUTHORIZED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await site.connect()).hello("no token"))


@provoked_by(errors.TOKEN_EXPIRED)
async def _(site: Site) -> Refusal:
    late = await site.person(age=site.config.auth.access_token_seconds)
    return on_socket(await (await site.connect()).hello(late.token))


@provoked_by(errors.INVALID_CREDENTIALS)
async def _(site: Site) -> Refusal:
    wrong = {"login": "nobody", "password": PASSWORD}
    return await over_rest(site, "POST", "/sessions", json=wrong)


@provoked_by(errors.REFRESH_REUSED)
async def _(site: Site) -> Refusal:
    signed_up = await sign_up(site, "reuser", "reuser@example.org")
    used = {"refresh_token": signed_up.json()["refresh_token"]}
    assert (await rest(site, "POST", "/sessions/refresh", json=used)).status_code == 200
    return await over_rest(site, "POST", "/sessions/refresh", json=used)


@provoked_by(errors.FORBIDDEN)
async def _(site: Site) -> Refusal:
    ada, bob = await somebody(site), await site.person("bob")
    room = await room_of(ada, bob)
    await ada.do("send", room=room, body="mine")
    bobs = await site.device(bob)
    return on_socket(await bobs.ask("edit", room=room, seq=2, body="yours"))


@provoked_by(errors.BANNED)
async def _(site: Site) -> Refusal:
    ada, bob = await somebody(site), await site.person("bob")
    room = await room_of(ada, kind="channel")
    await ada.do("ban", room=room, account=bob.id)
    return on_socket(await (await site.device(bob)).ask("join", room=room))


@provoked_by(errors.BLOCKED)
async def _(site: Site) -> Refusal:
    ada, bob = await site.people("ada", "bob")
    assert (await rest(site, "PUT", f"/me/blocks/{bob.id}", person=ada)).is_success
    return on_socket(await (await site.device(bob)).ask("create", kind="dm", members=[ada.id]))


@provoked_by(errors.MUTED)
async def _(site: Site) -> Refusal:
    ada, bob = await somebody(site), await site.person("bob")
    room = await room_of(ada, bob)
    await ada.do("mute", room=room, account=bob.id, seconds=60)
    return on_socket(await (await site.device(bob)).ask("send", room=room, body="hi"))


@provoked_by(errors.NOT_FOUND)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("history", room="1"))


@provoked_by(errors.METHOD_NOT_ALLOWED)
async def _(site: Site) -> Refusal:
    return await over_rest(site, "DELETE", "/rooms", person=await site.person())


@provoked_by(errors.USERNAME_TAKEN)
async def _(site: Site) -> Refusal:
    fields = {"username": (await site.person()).username.upper(), "email": "a@example.org"}
    return await over_rest(site, "POST", "/accounts", json={**fields, "password": PASSWORD})


@provoked_by(errors.EMAIL_TAKEN)
async def _(site: Site) -> Refusal:
    email = f"{(await site.person()).username}@example.org"
    fields = {"username": "another", "email": email.upper(), "password": PASSWORD}
    return await over_rest(site, "POST", "/accounts", json=fields)


@provoked_by(errors.NONCE_CONFLICT)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room, other = await room_of(ada), await room_of(ada)
    await ada.do("send", room=room, body="here", nonce="n")
    return on_socket(await ada.ask("send", room=other, body="there", nonce="n"))


@provoked_by(errors.LAST_OWNER)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada, await site.person("bob"))
    return on_socket(await ada.ask("leave", room=room))


@provoked_by(errors.MESSAGE_DELETED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    await ada.do("send", room=room, body="oops")
    await ada.do("delete", room=room, seq=2)
    return on_socket(await ada.ask("edit", room=room, seq=2, body="better"))


@provoked_by(errors.POLL_CLOSED)
async def _(site: Site) -> Refusal:
    ada = await site.person()
    async with site.database.connection() as connection:
        ago = datetime.now(UTC) - timedelta(hours=1)
        post = await social.poll(connection, Id(ada.id), closes_at=ago)
    path = f"/posts/{post}/vote"
    return await over_rest(site, "PUT", path, person=ada, json={"options": [0]})


@provoked_by(errors.OFFSET_CONFLICT)
async def _(site: Site) -> Refusal:
    ada = await site.person()
    upload = await begun_upload(site, ada)
    part = {**PART, "Upload-Offset": "3"}
    path = f"/uploads/{upload}"
    return await over_rest(site, "PATCH", path, person=ada, content=b"rest", headers=part)


@provoked_by(errors.IN_USE)
async def _(site: Site) -> Refusal:
    ada = await site.person()
    upload = await site.upload(ada.username)
    device = await site.device(ada)
    await device.do("send", room=await room_of(device), body="", attachments=[{"id": upload}])
    return await over_rest(site, "DELETE", f"/uploads/{upload}", person=ada)


@provoked_by(errors.UNSUPPORTED_VERSION)
async def _(site: Site) -> Refusal:
    headers = {"Tus-Resumable": "0.2.2"}
    return await over_rest(
        site, "POST", "/uploads", person=await site.person(), content=b"x", headers=headers
    )


@provoked_by(errors.UNSUPPORTED_MEDIA)
async def _(site: Site) -> Refusal:
    broken = b"\x89PNG\r\n\x1a\n and no picture"
    return await over_rest(site, "POST", "/uploads", person=await site.person(), content=broken)


@provoked_by(errors.RANGE_NOT_SATISFIABLE)
async def _(site: Site) -> Refusal:
    ada = await site.person()
    sent = await rest(site, "POST", "/uploads", person=ada, content=b"cards")
    url = f"{site.url}{sent.json()['media']['url']}"
    return await over_rest(site, "GET", url, headers={"Range": "bytes=5-"})


@provoked_by(errors.TOO_LARGE)
async def _(site: Site) -> Refusal:
    content = b'{"username": "' + b"x" * site.config.limits.request_bytes + b'"}'
    return await over_rest(site, "POST", "/accounts", content=content)


@provoked_by(errors.RATE_LIMITED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    last = 100 + site.config.limits.unanswered_commands
    reads = [{"t": "read", "id": number, "room": room, "seq": 1} for number in range(100, last + 1)]
    ada.socket.write(b"".join(map(ada.framed, reads)))  # in one packet: none is answered before
    return on_socket(await ada.answer(last))


@provoked_by(errors.SLOW_MODE)
async def _(site: Site) -> Refusal:
    ada, bob = await somebody(site), await site.person("bob")
    room = await room_of(ada, bob)
    await ada.do("slow_mode", room=room, seconds=60)
    bobs = await site.device(bob)
    await bobs.do("send", room=room, body="one")
    return on_socket(await bobs.ask("send", room=room, body="two"))


@provoked_by(errors.TOO_MANY_CONNECTIONS)
async def _(site: Site) -> Refusal:
    limits = Limits(connections_per_account=1)
    async with serving(site.database.dsn, Config(limits=limits)) as strict:
        ada = await strict.person()
        await strict.device(ada)
        return on_socket(await (await strict.connect()).hello(ada.token))


# --- live streams --------------------------------------------------------------------------------


async def over_signalling(site: Site, method: str, path: str, **options: Any) -> Refusal:
    async with httpx.AsyncClient(base_url=site.url) as http:
        response = await http.request(method, path, **options)
    problem, wait = response.json(), response.headers.get("retry-after")
    retry_after = None if wait is None else float(wait)
    return Refusal(problem["code"], problem["detail"], retry_after, response.status_code)


async def stream_of(site: Site) -> tuple[str, dict[str, str]]:
    """The id of a new stream, and the headers of an offer to publish it."""
    answer = await rest(site, "POST", "/streams", person=await site.person(), json={"title": "T"})
    made = answer.json()
    bearer = f"Bearer {made['stream_key']}"
    return made["id"], {"Content-Type": "application/sdp", "Authorization": bearer}


async def on_patch(site: Site, **headers: str) -> Refusal:
    stream, access = await stream_of(site)
    async with httpx.AsyncClient(base_url=site.url) as http:
        answer = await http.post(f"/whip/{stream}", content=live.PUBLISH, headers=access)
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", **headers}
    fragment = live.fragment_of(live.REMOTE)
    path = answer.headers["location"]
    return await over_signalling(site, "PATCH", path, content=fragment, headers=headers)


@provoked_by(errors.STREAM_OFFLINE)
async def _(site: Site) -> Refusal:
    stream, _access = await stream_of(site)
    kind = {"Content-Type": "application/sdp"}
    return await over_signalling(site, "POST", f"/whep/{stream}", content=live.WATCH, headers=kind)


@provoked_by(errors.PRECONDITION_FAILED)
async def _(site: Site) -> Refusal:
    return await on_patch(site, **{"If-Match": '"former"'})


@provoked_by(errors.PRECONDITION_REQUIRED)
async def _(site: Site) -> Refusal:
    return await on_patch(site)


@provoked_by(errors.BAD_OFFER)
async def _(site: Site) -> Refusal:
    stream, access = await stream_of(site)
    return await over_signalling(site, "POST", f"/whip/{stream}", content="v=1", headers=access)


@provoked_by(errors.UNSUPPORTED_OFFER)
async def _(site: Site) -> Refusal:
    stream, access = await stream_of(site)
    offer = live.offer_of("sendonly", video=live.MIDI).replace("opus", "speex")
    return await over_signalling(site, "POST", f"/whip/{stream}", content=offer, headers=access)


@provoked_by(errors.MEDIA_FULL)
async def _(site: Site) -> Refusal:
    async with serving(site.database.dsn, Config(media=Media(publishers=1))) as strict:
        for _ in range(2):
            stream, access = await stream_of(strict)
            async with httpx.AsyncClient(base_url=strict.url) as http:
                answer = await http.post(f"/whip/{stream}", content=live.PUBLISH, headers=access)
        assert answer.status_code == 503
        return await over_signalling(
            strict, "POST", f"/whip/{stream}", content=live.PUBLISH, headers=access
        )


@provoked_by(errors.INTERNAL)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    async with site.without("room_events"):
        return on_socket(await ada.ask("history", room=room))


@provoked_by(errors.UNAVAILABLE)
async def _(site: Site) -> Refusal:
    async with site.another() as other:
        ada = await somebody(other)
        await other.database.close()
        return on_socket(await ada.ask("history", room="1"))


@provoked_by(errors.OVERLOADED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    last = 100 + site.config.limits.log_queue
    sends = [
        {"t": "send", "id": number, "room": room, "body": "more"} for number in range(100, last + 1)
    ]
    ada.socket.write(b"".join(map(ada.framed, sends)))  # in one packet: none is written before
    return on_socket(await ada.answer(last))


@pytest.mark.parametrize("code", errors.CATALOGUE)
async def test_an_error(site: Site, code: str) -> None:
    spec = errors.CATALOGUE[code]
    refusal = await PROVOCATIONS[code](site)
    assert refusal.code == code
    assert refusal.message.endswith(".")
    assert refusal.status in (None, spec.status)
    assert spec.retry or refusal.retry_after is None


async def test_rest_and_the_socket_refuse_alike(site: Site) -> None:
    ada = await site.person()
    device = await site.device(ada)
    room = await room_of(device)
    for t, fields, (method, path) in (
        ("send", {"body": "a\x00b"}, ("POST", f"/rooms/{room}/messages")),
        ("rename", {"title": " "}, ("PATCH", f"/rooms/{room}")),
        ("invite", {"account": "1"}, ("POST", f"/rooms/{room}/members")),
    ):
        refusal = await over_rest(site, method, path, person=ada, json=fields)
        assert refusal[:3] == on_socket(await device.ask(t, room=room, **fields))[:3]


def test_nothing_is_provoked_that_is_not_in_the_catalogue() -> None:
    assert PROVOCATIONS.keys() == errors.CATALOGUE.keys()
