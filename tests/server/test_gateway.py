"""The gateway's connections: how they open, what keeps them alive, what ends them."""

import asyncio
import gc
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from persistence.embedded import EmbeddedPostgres
from protocol import close
from server.config import Config
from server.frame_reader import FrameReader
from server.gateway import LINGER_SECONDS, GatewayProtocol
from server.outbox import Outbox
from server.sections import Debug, Gateway, Limits, Server
from server.session import ChatSession
from tests.e2e.device import WIRES, Device, Encoding
from tests.e2e.site import Person, Site, copy_of, serving
from tests.e2e.websocket import (
    ACCEPT,
    DEFLATE,
    FIN,
    RSV1,
    Closed,
    Frame,
    Opcode,
    Rejected,
    close_frame,
    deflated,
    frame,
    inflated,
    text,
)

HEARTBEAT = 25
HELLO = 10


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        server=Server(origins=["https://chat.example"]),
        gateway=Gateway(heartbeat_seconds=HEARTBEAT, deflate=True),
        limits=Limits(hello_seconds=HELLO, fragments=4, unanswered_commands=0),
        debug=Debug(echo=True),
    )


# --- the opening handshake -----------------------------------------------------------------------


async def test_the_upgrade(site: Site) -> None:
    socket = await site.socket("/ws?from=here", subprotocol="plaza.v2.json, plaza.v1.msgpack")
    assert socket.headers["sec-websocket-accept"] == ACCEPT
    assert socket.headers["sec-websocket-protocol"] == "plaza.v1.msgpack"
    assert "sec-websocket-extensions" not in socket.headers


async def test_json_is_the_default(site: Site) -> None:
    socket = await site.socket("/ws")
    assert "sec-websocket-protocol" not in socket.headers
    socket.write(text('{"t":"send","id":1,"room":"1","body":"hi"}'))
    answer = await socket.receive()
    assert answer.first == FIN | Opcode.TEXT
    assert b'"hello_required"' in answer.payload


@pytest.mark.parametrize(
    ("path", "subprotocol", "headers", "status"),
    [
        ("/", None, {}, 404),
        ("/ws/", None, {}, 404),
        ("/api/v1/me", None, {}, 404),
        ("/ws", "plaza.v2.json", {}, 400),
        ("/ws", None, {"Sec-WebSocket-Version": "8"}, 400),
        ("/ws", None, {"Sec-WebSocket-Key": "short"}, 400),
        ("/ws", None, {"Origin": "https://evil.example"}, 403),
        ("/ws", None, {"Origin": "null"}, 403),
    ],
)
async def test_an_upgrade_that_is_refused(
    site: Site, path: str, subprotocol: str | None, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(Rejected) as rejected:
        await site.socket(path, subprotocol=subprotocol, headers=headers)
    assert rejected.value.status == status
    assert rejected.value.body.endswith("\n")


async def test_pages_of_the_right_origin_may_connect(site: Site) -> None:
    await site.socket("/ws", headers={"Origin": "https://chat.example"})


async def test_a_plain_request_for_the_socket(site: Site) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.get(f"{site.url}/ws")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_nobody_comes_in_while_the_server_drains(site: Site) -> None:
    site.plaza.gateway.draining = True
    try:
        with pytest.raises(Rejected) as rejected:
            await site.socket("/ws")
    finally:
        site.plaza.gateway.draining = False
    assert rejected.value.status == 503
    assert int(rejected.value.headers["retry-after"]) > 0


# --- hello and its deadline ----------------------------------------------------------------------


async def test_the_token_may_be_in_the_upgrade_request(site: Site) -> None:
    ada = await site.person()
    device = await site.connect(headers=ada.bearer)
    ready = await device.hello()
    assert ready["user"] == {"id": ada.id, "username": ada.username}
    assert ready["heartbeat"] == HEARTBEAT


@pytest.mark.parametrize("header", ["", "Basic YWRhOnB3", "Bearer", "Bearer nonsense"])
async def test_a_header_that_lets_nobody_in(site: Site, header: str) -> None:
    device = await site.connect(headers={"Authorization": header} if header else {})
    assert (await device.hello())["code"] == "unauthorized"
    assert (await device.closed()).code == close.UNAUTHORIZED.code


async def test_who_does_not_say_hello_is_closed(site: Site) -> None:
    device = await site.connect()
    site.turn(HELLO - 1)
    assert await device.refused("join", room="1") == "hello_required"  # talking does not help
    site.turn(1)
    assert (await device.closed()).code == close.HELLO_TIMEOUT.code


async def test_hello_ends_the_deadline(site: Site) -> None:
    device = await site.device(await site.person())
    site.turn(HELLO)
    assert await device.refused("nothing") == "unknown_command"


# --- the heartbeat -------------------------------------------------------------------------------


async def test_silence_is_answered_by_a_ping_and_then_a_close(site: Site) -> None:
    device = await site.device(await site.person())
    site.turn(HEARTBEAT)
    assert (await device.socket.receive()).opcode == Opcode.PING
    site.turn(HEARTBEAT)
    assert (await device.closed()).code == close.HEARTBEAT_TIMEOUT.code


@pytest.mark.parametrize("sign", [frame(Opcode.PONG), frame(Opcode.PING), text("hi")])
async def test_any_sign_of_life_will_do(site: Site, sign: bytes) -> None:
    echo = await site.socket()
    for _ in range(3):
        site.turn(HEARTBEAT)
        assert await echo.receive() == Frame(FIN | Opcode.PING, b"")
        echo.write(sign + text("still here"))
        while (await echo.receive()).payload != b"still here":
            pass


async def test_who_talks_is_not_pinged(site: Site) -> None:
    echo = await site.socket()
    for _ in range(4):
        site.turn(HEARTBEAT - 1)
        echo.write(text("hi"))
        assert (await echo.receive()).payload == b"hi"


async def test_who_does_not_answer_a_close_is_dropped(site: Site) -> None:
    device = await site.connect()
    device.socket.write(text("nonsense"))
    assert (await device.socket.receive()).opcode == Opcode.CLOSE
    site.turn(LINGER_SECONDS)
    with pytest.raises(Closed) as end:
        await device.socket.receive()
    assert end.value.code == 1006


# --- what is no command --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "wrong", "code"),
    [
        ("json", frame(Opcode.BINARY, b"{}"), close.UNSUPPORTED_DATA.code),
        ("msgpack", frame(Opcode.TEXT, b"{}"), close.UNSUPPORTED_DATA.code),
        ("json", text("{"), close.INVALID_PAYLOAD.code),
        ("json", text(b'{"t":"\xff","id":1}'), close.INVALID_PAYLOAD.code),
        ("json", text('{"t":"read","id":1,"x":' + "[" * 10_000), close.INVALID_PAYLOAD.code),
        ("msgpack", frame(Opcode.BINARY, b"\xc1"), close.INVALID_PAYLOAD.code),
        ("msgpack", frame(Opcode.BINARY, b"\x81\xa1t"), close.INVALID_PAYLOAD.code),
        ("msgpack", frame(Opcode.BINARY, b"\x81\xa1x" + b"\x91" * 10_000), 1007),
        ("json", text(" " * 65_537), close.MESSAGE_TOO_BIG.code),
        ("json", frame(3), close.PROTOCOL_ERROR.code),
        (
            "json",
            frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.CONT, fin=False) * 3,
            close.POLICY_VIOLATION.code,
        ),
    ],
)
async def test_a_frame_that_ends_the_connection(
    site: Site, encoding: Encoding, wrong: bytes, code: int
) -> None:
    device = await site.connect(encoding)
    device.socket.write(wrong)
    assert (await device.closed()).code == code


async def test_what_was_said_ahead_of_a_close_counts(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    device, listener = await site.device(ada), await site.device(bob)
    created = await device.do("create", kind="dm", members=[bob.id])
    await listener.event()
    send = {"t": "send", "id": 9, "room": created["room"]["id"], "body": "I have to go"}
    device.socket.write(device.framed(send) + close_frame(1000))
    assert (await device.closed()).code == 1000
    assert (await listener.event())["body"] == "I have to go"


# --- slow readers --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def narrow(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    """A server whose connections, and whose patience with them, hold little."""
    limits = Limits(outbox_soft_bytes=65_536, outbox_hard_bytes=262_144, unanswered_commands=0)
    async with (
        copy_of(template, postgres) as dsn,
        serving(dsn, Config(limits=limits), send_buffer=16_384) as served,
    ):
        yield served


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_slow_reader_is_closed_and_resumes_while_the_others_hear_on(
    narrow: Site, encoding: Encoding
) -> None:
    ada, bob, eve = await narrow.people("ada", "bob", "eve")
    bobs, eves = await narrow.device(bob, encoding), await narrow.device(eve, encoding)
    created = await bobs.do("create", kind="group", title="x", members=[ada.id, eve.id])
    room = created["room"]["id"]
    await eves.event()
    slow = await narrow.device(ada, encoding, receive_buffer=4_096)
    closed_before = narrow.plaza.gateway.traffic.slow

    last = 126
    heard, _ = await asyncio.gather(eves.up_to(room, last), _say_much(bobs, room, last - 1))
    assert [event["seq"] for event in heard] == list(range(2, last + 1))
    assert narrow.plaza.gateway.traffic.slow == closed_before + 1

    events, closed = await slow.to_the_end()
    assert closed.code == close.SLOW.code
    cursor = events[-1]["seq"]
    assert 1 < cursor < last
    assert [event["seq"] for event in events] == list(range(2, cursor + 1))
    back = await narrow.device(ada, encoding, cursors={room: cursor})
    missed = await back.up_to(room, last)
    assert [event["seq"] for event in missed] == list(range(cursor + 1, last + 1))


async def _say_much(device: Device, room: str, count: int) -> None:
    for _ in range(count):
        await device.do("send", room=room, body="much " * 1_600)


async def test_who_asks_without_reading_is_slow_too(narrow: Site) -> None:
    bob = await narrow.device(await narrow.person("bob"))
    channel = await bob.do("create", kind="channel", title="x", members=[])
    room = channel["room"]["id"]
    await _say_much(bob, room, 25)
    reader = await narrow.device(await narrow.person("eve"), receive_buffer=4_096)
    for _ in range(10):
        reader.tell("history", room=room)
    assert (await reader.closed()).code == close.SLOW.code


async def test_who_pings_without_reading_is_slow_too(narrow: Site) -> None:
    reader = await narrow.connect(receive_buffer=4_096)
    reader.socket.write(frame(Opcode.PING, b"*" * 125) * 10_000)
    assert (await reader.closed()).code == close.SLOW.code


# --- compression ---------------------------------------------------------------------------------


async def _but_presence(device: Device) -> Frame:
    """The next frame that is about something else; presence is too short to be compressed."""
    while b"presence" in (received := await device.socket.receive()).payload:
        pass
    return received


async def test_a_broadcast_is_compressed_once_for_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_window = {"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=9"}
    people = await site.people(*["member"] * 8)
    offers: list[dict[str, str]] = [*[DEFLATE] * 3, {}, small_window]
    devices = [
        await site.device(person, encoding, headers=offer)
        for person, (encoding, offer) in zip(
            people,
            [*[("json", offer) for offer in offers], *[("msgpack", DEFLATE)] * 3],
            strict=True,
        )
    ]
    others = [person.id for person in people[1:]]
    created = await devices[0].do("create", kind="group", title="x", members=others)
    room = created["room"]["id"]
    for device in devices:
        await device.event()

    compressions: list[Any] = []
    compressobj = zlib.compressobj

    def counted(**options: Any) -> Any:
        compressions.append(options)
        return compressobj(**options)

    monkeypatch.setattr("server.wire.zlib.compressobj", counted)
    body = "the same for all " * 100
    await devices[0].do("send", room=room, body=body)
    frames = [await _but_presence(device) for device in devices[1:]]
    assert len(compressions) == 2  # one for each encoding
    assert (await devices[0].event())["body"] == body
    compressed, plain, window, binary = frames[:2], frames[2], frames[3], frames[4:]
    assert {each.first for each in compressed} == {FIN | RSV1 | Opcode.TEXT}
    assert {each.first for each in binary} == {FIN | RSV1 | Opcode.BINARY}
    # To whom the shared frame would be too much, the message goes as it is.
    assert plain == window
    assert plain.first == FIN | Opcode.TEXT
    assert len({each.payload for each in compressed}) == len({each.payload for each in binary}) == 1
    assert len(compressed[0].payload) < 500 < len(plain.payload)
    event = WIRES["json"].unpack(plain.payload)
    for each, encoding in ((compressed[0], "json"), (binary[0], "msgpack")):
        assert WIRES[encoding].unpack(inflated(each.payload)) == event


async def test_short_events_are_not_compressed(site: Site) -> None:
    device = await site.device(await site.person(), headers=DEFLATE)
    created = await device.do("create", kind="group", title="x", members=[])
    await device.event()
    device.tell("send", room=created["room"]["id"], body="short")
    assert {(await device.socket.receive()).first for _ in range(2)} == {FIN | Opcode.TEXT}


async def test_commands_may_come_compressed(site: Site) -> None:
    device = await site.connect(headers=DEFLATE)
    person: Person = await site.person()
    payload = WIRES["json"].pack({"t": "hello", "id": 1, "token": person.token})
    device.socket.write(text(deflated(payload), rsv=RSV1))
    assert (await device.answer(1))["t"] == "ready"


# --- what stays ----------------------------------------------------------------------------------


def connections_in_memory() -> int:
    kinds = (HttpToolsProtocol, GatewayProtocol, FrameReader, Outbox, ChatSession)
    return sum(
        isinstance(thing, kinds) or type(thing).__name__ == "_Protocol"
        for thing in gc.get_objects()
    )


@pytest.mark.parametrize("politely", [True, False])
async def test_a_connection_that_is_gone_is_no_garbage(site: Site, politely: bool) -> None:
    ada = await site.person()
    await until_nobody_is_here(site)
    gc.collect()
    gc.disable()
    try:
        before = connections_in_memory()
        device = await site.device(ada)
        assert connections_in_memory() == before + 5
        if politely:
            device.socket.write(close_frame(1000))
            await device.closed()
        else:
            device.abort()
        await until_nobody_is_here(site)
        assert connections_in_memory() == before

        async with httpx.AsyncClient(base_url=site.url) as http:
            await http.get("/healthz")
            assert connections_in_memory() == before + 1
        while connections_in_memory() > before:
            await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def until_nobody_is_here(site: Site) -> None:
    site.abandon()
    while site.plaza.gateway.connections:
        await asyncio.sleep(0.01)
