"""The server's own parts without a database, as a server for the benchmarks next to this file.

Gateway, sessions, dispatch, hub, fan-out and outbox are the real ones, put together as
server/app.py does it, but for three sessions that end where the database would begin:

    /received   commands are decoded and handed to a dispatch that counts them
    /queued     commands go through the real dispatch to a log that counts drafts
    /room       everybody who connects is a member of one room; a send is published in it at once
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, cast

import uvloop
from websockets.http11 import Request

from loadtest.process import launched
from persistence.room_log import Done
from protocol.codec import JSON
from protocol.commands import Command, Send
from protocol.drafts import Draft, Written
from protocol.events import Message, Ok
from protocol.ids import Id, IdMint
from protocol.records import Role, Room, RoomKind
from protocol.times import from_ms, rfc3339
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server import garbage
from server.admission import Admission
from server.config import Config
from server.dispatch import Dispatcher
from server.gateway import Gateway, GatewayProtocol, Session
from server.listener import bind, listening, url_of
from server.metrics import Metrics
from server.outbox import Tick
from server.session import ChatSession, CommandCounts, State
from server.wheel import TimerWheel

ROOM = Id(2**60)


def parts() -> AbstractAsyncContextManager[tuple[int, str]]:
    """Run this server in a process of its own; yields its process id and URL."""
    return launched([sys.executable, __file__])


class Answered:
    """Of the commands that come, answers one in so many: as many as the last one's nonce says.

    So the answers' own cost is spread too thin to see, and the client knows when all were read.
    """

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, session: ChatSession, command: Command) -> None:
        """A session's dispatch."""
        self._count += 1
        if self._count % int(cast(Send, command).nonce or "") == 0:
            session.answer(command, Ok(id=command.id))


class CountingLog:
    """Takes drafts as persistence.room_log does, and answers as Answered does."""

    def __init__(self) -> None:
        self._count = 0

    def append(self, draft: Draft, done: Done) -> None:
        """Count a draft."""
        self._count += 1
        if self._count % int(draft.event.nonce or "") == 0:
            done(Written(draft.event))


class Member:
    """A session that is in the room from the start, and publishes what it is sent."""

    def __init__(
        self, connection: GatewayProtocol, _: Request, *, hub: Hub, account: Id, room: "LiveLog"
    ) -> None:
        self._hub = hub
        self._account = account
        self._room = room
        self._outbox = connection.outbox
        self._person = hub.enter(account)
        hub.settle(self._person, self._outbox, hub.places([room.record]) or [])
        connection.settle()

    def message(self, payload: bytes, *, text: bool) -> None:
        """A send, with a body to be published."""
        command = cast(Send, JSON.decode(payload))
        self._hub.publish(self._room.entry(self._account, command))

    def lost(self) -> None:
        """The connection is gone."""
        self._hub.leave(self._person, self._outbox)


class LiveLog:
    """Makes entries of the room's log, and forgets them."""

    def __init__(self) -> None:
        self.record = Room(id=ROOM, kind=RoomKind.GROUP, last_seq=0, role=Role.MEMBER, title="Load")
        self._seqs = itertools.count(1)
        self._mint = IdMint(0)

    def entry(self, sender: Id, command: Send) -> Message:
        now = time.time_ns() // 1_000_000
        return Message(
            room=ROOM,
            sender=sender,
            seq=next(self._seqs),
            event_id=self._mint.mint(now),
            at=rfc3339(from_ms(now)),
            body=command.body,
        )


class Unattended:
    """Nobody wants to know who is here."""

    def arrived(self, *_: Any) -> None:
        """Of rooms.ports.Attendance, as are the others."""

    left = entered = removed = resized = arrived


class NoReception:
    """For sessions that are live from the start."""

    def welcome(self, session: ChatSession, hello: Any) -> None:
        """Not called: hello is refused in a live session."""

    def see_off(self, session: ChatSession, *, settled: bool) -> None:
        """Nothing was entered anywhere."""


def new_hub(fanout: Fanout) -> Hub:
    """A hub with tails of the usual length."""
    tails = Tails(room_events=300, all_events=100_000)
    return Hub(fanout, lambda *_: None, Unattended(), tails)


def sessions(hub: Hub) -> dict[str, Callable[[GatewayProtocol, Request], Session]]:
    """Path -> makes the session."""
    log: Any = CountingLog()
    accounts = map(Id, itertools.count(1))
    room = LiveLog()

    def live(connection: GatewayProtocol, request: Request, *, dispatch: Any) -> ChatSession:
        session = ChatSession(
            connection,
            request,
            dispatch=dispatch,
            reception=NoReception(),
            counts=CommandCounts(),
            max_unanswered=2**31,
        )
        session.state = State.LIVE
        connection.join(next(accounts))  # an account each: three buckets to pay from
        return session

    return {
        "/received": partial(live, dispatch=Answered()),
        "/queued": partial(live, dispatch=Dispatcher(log)),
        "/room": lambda connection, request: Member(
            connection, request, hub=hub, account=next(accounts), room=room
        ),
    }


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application: there is nothing over HTTP."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def serve() -> None:
    """Serve until killed."""
    tick = Tick(asyncio.get_running_loop(), Metrics())
    fanout = Fanout(tick.wake)
    tick.before = fanout.flush
    hub = new_hub(fanout)
    config = Config()
    gateway = Gateway(config, tick, TimerWheel(), sessions(hub), Admission(config))
    with bind("127.0.0.1", 0) as bound:
        async with listening(not_found, bound, websocket=partial(GatewayProtocol, gateway)):
            garbage.settle()
            print(f"Listening on {url_of(bound)}", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
