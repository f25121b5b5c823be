"""A chat session: its states, one answer a command, and what ends it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs
from websockets.datastructures import Headers
from websockets.http11 import Request

from protocol import close, errors
from protocol.close import Close
from protocol.codec import JSON, MSGPACK, Codec
from protocol.commands import Command, Hello, History, Leave
from protocol.errors import FORBIDDEN, PlazaError
from protocol.events import Event, Ok
from protocol.ids import Id
from server.allowance import FEWEST_REFUSALS, Allowance
from server.limits import TokenBucket
from server.session import PENALTY_SECONDS, ChatSession, CommandCounts, OpenSessions, State

LEAVE = {"t": "leave", "id": 7, "room": "9"}
HELLO = {"t": "hello", "id": 1, "token": "x"}


class Wire:
    """Frames are JSON without a header."""

    def frame(self, event: Event) -> bytes:
        return JSON.encode(event)


class Connection:
    """What a session sees of its connection: it keeps what goes out.

    Attributes:
        sent: of each event whether it overtook the queue, and the event.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.wire = Wire()
        self.sent: list[tuple[bool, dict[str, Any]]] = []
        self.closed: list[Close] = []
        self.allowance = Allowance(lambda: 0.0)

    @property
    def outbox(self) -> "Connection":
        return self

    def enqueue(self, chunk: bytes) -> None:
        self.sent.append((False, msgspec.json.decode(chunk)))

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def write(self, chunk: bytes) -> None:
        self.sent.append((True, msgspec.json.decode(chunk)))

    def close(self, code: Close) -> None:
        self.closed.append(code)


class Lobby:
    """A session, and everything around it, which keeps what it is asked for.

    Attributes:
        asked: commands to be carried out.
        welcomed: hellos.
        seen_off: of each farewell whether the session had settled.
        refusal: what the reception answers to hellos.
        carry_out: the dispatch.
    """

    def __init__(self, *, max_unanswered: int = 0, codec: Codec = JSON, **headers: str) -> None:
        self.connection = Connection(codec)
        self.counts = CommandCounts()
        self.asked: list[Command] = []
        self.welcomed: list[Hello] = []
        self.seen_off: list[bool] = []
        self.refusal: PlazaError | None = None
        self.carry_out: Callable[[Command], None] = self.asked.append
        self.session = ChatSession(
            self.connection,  # type: ignore[arg-type]
            Request("/ws", Headers(headers)),
            dispatch=lambda session, command: self.carry_out(command),
            reception=self,
            counts=self.counts,
            max_unanswered=max_unanswered,
        )

    def welcome(self, session: ChatSession, hello: Hello) -> None:
        """Of Reception."""
        if self.refusal is not None:
            raise self.refusal
        self.welcomed.append(hello)
        session.state = State.ARRIVING

    def see_off(self, session: ChatSession, *, settled: bool) -> None:
        """Of Reception."""
        self.seen_off.append(settled)

    def hear(self, command: dict[str, Any]) -> None:
        self.session.message(msgspec.json.encode(command), text=True)

    def codes(self) -> list[str]:
        """Of the errors that were sent."""
        return [event["code"] for _, event in self.connection.sent if event["t"] == "error"]


@pytest.fixture
def lobby() -> Lobby:
    return Lobby()


@pytest.fixture
def live(lobby: Lobby) -> Lobby:
    lobby.hear(HELLO)
    lobby.session.state = State.LIVE
    lobby.session.answer_ahead(lobby.welcomed[0], Ok(id=1))
    lobby.connection.sent.clear()
    lobby.counts.clear()
    return lobby


class TestStates:
    def test_hello_comes_first(self, lobby: Lobby) -> None:
        assert lobby.session.state is State.AWAITING_HELLO
        lobby.hear(LEAVE)
        assert lobby.codes() == ["hello_required"]
        lobby.hear(HELLO)
        assert [hello.token for hello in lobby.welcomed] == ["x"]
        assert not lobby.asked

    def test_nothing_else_is_heard_while_it_arrives(self, lobby: Lobby) -> None:
        lobby.hear(HELLO)
        lobby.hear(HELLO)
        lobby.hear(LEAVE)
        assert lobby.codes() == ["hello_repeated", "hello_required"]
        assert len(lobby.welcomed) == 1
        assert not lobby.asked

    def test_commands_are_carried_out_when_it_is_live(self, live: Lobby) -> None:
        live.hear(LEAVE)
        assert live.asked == [Leave(id=7, room=Id(9))]
        live.hear(HELLO)
        assert live.codes() == ["hello_repeated"]

    def test_a_hello_that_was_refused_can_be_repeated(self, lobby: Lobby) -> None:
        lobby.refusal = PlazaError(errors.UNAVAILABLE)
        lobby.hear(HELLO)
        lobby.refusal = None
        lobby.hear(HELLO)
        assert lobby.codes() == ["unavailable"]
        assert len(lobby.welcomed) == 1

    @pytest.mark.parametrize(
        ("state", "farewells"),
        [
            (State.AWAITING_HELLO, []),
            (State.ARRIVING, [False]),
            (State.LIVE, [True]),
            (State.GONE, []),
        ],
    )
    def test_who_was_welcomed_is_seen_off_once(
        self, lobby: Lobby, state: State, farewells: list[bool]
    ) -> None:
        lobby.session.state = state
        lobby.session.lost()
        lobby.session.lost()
        assert lobby.session.state is State.GONE
        assert lobby.seen_off == farewells

    def test_it_is_busy_while_a_command_is_unanswered(self, live: Lobby) -> None:
        assert not live.session.busy
        live.hear(LEAVE)
        live.hear({**LEAVE, "id": 8})
        live.session.answer(live.asked[0], Ok(id=7))
        assert live.session.busy
        live.session.refuse(live.asked[1], PlazaError(FORBIDDEN))
        assert not live.session.busy

    def test_the_header_of_the_upgrade_may_carry_the_token(self) -> None:
        assert Lobby(Authorization="Bearer x").session.authorization == "Bearer x"
        assert Lobby().session.authorization is None


class TestAnswers:
    def test_carry_the_commands_id_and_are_counted(self, live: Lobby) -> None:
        live.hear(LEAVE)
        live.session.answer(live.asked[0], Ok(id=7, seq=3))
        live.hear({**LEAVE, "id": 8})
        live.session.refuse(live.asked[1], PlazaError(FORBIDDEN, "No.", retry_after=2.5))
        assert live.connection.sent == [
            (False, {"t": "ok", "id": 7, "seq": 3}),
            (
                False,
                {"t": "error", "id": 8, "code": "forbidden", "message": "No.", "retry_after": 2.5},
            ),
        ]
        assert live.counts == {("Leave", "ok"): 1, ("Leave", "forbidden"): 1}

    def test_may_overtake_the_queue(self, lobby: Lobby) -> None:
        lobby.hear(HELLO)
        lobby.session.answer_ahead(lobby.welcomed[0], Ok(id=1))
        assert lobby.connection.sent == [(True, {"t": "ok", "id": 1})]
        assert lobby.counts == {("Hello", "ok"): 1}

    def test_go_nowhere_when_the_connection_is_gone(self, live: Lobby) -> None:
        live.hear(LEAVE)
        live.session.lost()
        live.session.answer(live.asked[0], Ok(id=7))
        assert live.connection.sent == []
        assert live.counts == {("Leave", "ok"): 1}

    def test_a_refusal_by_the_dispatch(self, live: Lobby) -> None:
        def refuse(_: Command) -> None:
            raise PlazaError(FORBIDDEN)

        live.carry_out = refuse
        live.hear(LEAVE)
        assert live.codes() == ["forbidden"]
        assert live.counts == {("Leave", "forbidden"): 1}

    def test_a_bug_is_an_answer_too(self, live: Lobby) -> None:
        def fail(_: Command) -> None:
            raise ZeroDivisionError

        live.carry_out = fail
        with capture_logs() as logs:
            live.hear(LEAVE)
        assert live.codes() == ["internal"]
        assert [(entry["event"], entry["command"]) for entry in logs] == [
            ("a command failed", "Leave")
        ]
        assert live.connection.closed == []

    def test_turning_away_closes(self, lobby: Lobby) -> None:
        lobby.hear(HELLO)
        lobby.session.turn_away(
            lobby.welcomed[0], PlazaError(errors.TOKEN_EXPIRED), close.UNAUTHORIZED
        )
        assert lobby.codes() == ["token_expired"]
        assert lobby.connection.closed == [close.UNAUTHORIZED]


class TestUnanswered:
    def test_so_many_commands_may_wait(self) -> None:
        lobby = Lobby(max_unanswered=2)
        lobby.session.state = State.LIVE
        for number in range(4):
            lobby.hear({**LEAVE, "id": number})
        assert [command.id for command in lobby.asked] == [0, 1]
        errors_ = [event for _, event in lobby.connection.sent]
        assert [(event["id"], event["code"]) for event in errors_] == [
            (2, "rate_limited"),
            (3, "rate_limited"),
        ]
        assert errors_[0]["retry_after"] == 1.0
        lobby.session.answer(lobby.asked[0], Ok(id=0))
        lobby.hear({**LEAVE, "id": 4})
        lobby.hear({**LEAVE, "id": 5})
        assert [command.id for command in lobby.asked] == [0, 1, 4]

    def test_frames_that_are_no_commands_do_not_count(self) -> None:
        lobby = Lobby(max_unanswered=1)
        lobby.session.state = State.LIVE
        for _ in range(5):
            lobby.hear({"t": "leave", "id": 1})
        lobby.hear(LEAVE)
        assert len(lobby.asked) == 1


class TestRates:
    """Time stands still: what is spent does not come back."""

    def lobby(self, tokens: float) -> Lobby:
        lobby = Lobby()
        lobby.session.state = State.LIVE
        bucket = TokenBucket(count=tokens, seconds=2.0)
        lobby.connection.allowance = Allowance(lambda: 0.0, commands=(bucket,))
        return lobby

    def test_a_command_without_a_token_is_refused_and_told_when_to_come_back(self) -> None:
        lobby = self.lobby(2)
        for number in range(3):
            lobby.hear({**LEAVE, "id": number})
        assert [command.id for command in lobby.asked] == [0, 1]
        ((_, error),) = lobby.connection.sent
        assert (error["id"], error["code"], error["retry_after"]) == (2, "rate_limited", 1.0)
        assert lobby.counts == {("Leave", "rate_limited"): 1}
        assert not lobby.connection.closed

    def test_commands_have_their_costs(self) -> None:
        lobby = self.lobby(8)
        lobby.hear({"t": "history", "id": 1, "room": "9"})
        for number in range(2, 8):
            lobby.hear({"t": "typing", "id": number, "room": "9"})
        lobby.hear({**LEAVE, "id": 8})
        assert [command.id for command in lobby.asked] == [1, 2, 3, 4, 5, 6, 7, 8]
        lobby.hear({**LEAVE, "id": 9})
        assert lobby.codes() == ["rate_limited"]

    def test_what_is_no_command_costs_too(self) -> None:
        lobby = self.lobby(2)
        for number in range(3):
            lobby.hear({"t": "dance", "id": number})
        assert lobby.codes() == ["unknown_command", "unknown_command", "rate_limited"]
        assert lobby.connection.sent[-1][1]["id"] == 2
        assert lobby.counts[("invalid", "rate_limited")] == 1

    def test_whoever_goes_on_is_closed_after_the_answer(self) -> None:
        lobby = self.lobby(1)
        for number in range(2 + FEWEST_REFUSALS):
            assert not lobby.connection.closed
            lobby.hear({**LEAVE, "id": number})
        assert lobby.codes() == ["rate_limited"] * (1 + FEWEST_REFUSALS)
        (closed,) = lobby.connection.closed
        assert closed.code == close.RATE_LIMITED.code
        assert close.delay_of(closed.reason) == PENALTY_SECONDS

    def test_a_refused_command_waits_for_no_answer(self) -> None:
        lobby = self.lobby(1)
        lobby.hear(LEAVE)
        lobby.hear({**LEAVE, "id": 8})
        lobby.session.answer(lobby.asked[0], Ok(id=7))
        assert not lobby.session.busy


class TestBadFrames:
    @pytest.mark.parametrize(
        ("command", "code", "id_"),
        [
            ({"t": "dance", "id": 3}, "unknown_command", 3),
            ({"id": 3}, "bad_request", 3),
            ({"t": "leave", "id": 3}, "bad_request", 3),
            ({"t": "leave", "id": -1, "room": "9"}, "bad_request", None),
            ([], "bad_request", None),
        ],
    )
    def test_what_is_no_command_is_refused(
        self, live: Lobby, command: Any, code: str, id_: int | None
    ) -> None:
        live.hear(command)
        ((_, error),) = live.connection.sent
        assert (error["code"], error.get("id")) == (code, id_)
        assert live.counts == {("invalid", code): 1}
        assert live.connection.closed == []

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b'{"x":' + b"[" * 5_000])
    def test_what_is_no_json_closes(self, live: Lobby, payload: bytes) -> None:
        live.session.message(payload, text=True)
        assert live.connection.closed == [close.INVALID_PAYLOAD]
        assert live.connection.sent == []

    @pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
    def test_the_other_kind_of_frame_closes(self, codec: Codec) -> None:
        lobby = Lobby(codec=codec)
        lobby.session.message(b"{}", text=not codec.text)
        assert lobby.connection.closed == [close.UNSUPPORTED_DATA]

    def test_messagepack_comes_in_binary_frames(self) -> None:
        lobby = Lobby(codec=MSGPACK)
        lobby.session.state = State.LIVE
        payload = msgspec.msgpack.encode({"t": "history", "id": 4, "room": "9"})
        lobby.session.message(payload, text=False)
        assert lobby.asked == [History(id=4, room=Id(9))]


class TestOpenSessions:
    def test_closes_every_connection_of_a_revoked_session(self) -> None:
        sessions = OpenSessions()
        lobbies = [Lobby() for _ in range(4)]
        for lobby, login in zip(lobbies, (1, 1, 2, 3), strict=True):
            lobby.session.id = Id(login)
            sessions.add(lobby.session)
        sessions.close([Id(1), Id(3), Id(99)])
        revoked = [close.SESSION_REVOKED]
        assert [lobby.connection.closed for lobby in lobbies] == [revoked, revoked, [], revoked]

    def test_forgets_who_is_gone(self) -> None:
        sessions = OpenSessions()
        first, second = Lobby(), Lobby()
        for lobby in (first, second):
            lobby.session.id = Id(1)
            sessions.add(lobby.session)
        sessions.discard(first.session)
        sessions.discard(first.session)
        sessions.close([Id(1)])
        assert first.connection.closed == []
        assert second.connection.closed == [close.SESSION_REVOKED]
        sessions.discard(second.session)
        sessions.discard(Lobby().session)
        assert not sessions._open

    def test_connections_that_go_while_they_are_closed(self) -> None:
        sessions = OpenSessions()
        lobbies = [Lobby() for _ in range(3)]
        for lobby in lobbies:
            lobby.session.id = Id(1)
            lobby.connection.close = (  # type: ignore[method-assign]
                lambda code, lobby=lobby: sessions.discard(lobby.session)
            )
            sessions.add(lobby.session)
        sessions.close([Id(1)])
        assert not sessions._open
