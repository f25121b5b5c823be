"""What a peer is: a server that is started, measured and stopped, and how clients speak with it.

One file a peer; loadtest/peers/roster.py lists them.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol

from msgspec import Struct
from websockets.frames import Opcode

from loadtest.frames import client_frame, split_frames
from loadtest.peers.text import Text
from loadtest.swarm import Violation


class Dialect:
    """How clients speak with a server over WebSocket, for one kind of work.

    The methods are those of a server that sends a client's text back as it is, to all or to one.

    Args:
        path: that clients connect to.
        text: what they say.

    Attributes:
        opcode: of what they send.
        welcome: how the payload begins that ends the opening; empty: the handshake is enough.
        acknowledgement: how a payload begins that says that a message was taken; empty: the server
            does not say so.
    """

    opcode: ClassVar[Opcode] = Opcode.TEXT
    welcome: ClassVar[bytes] = b""
    acknowledgement: ClassVar[bytes] = b""

    def __init__(self, path: str, text: Text) -> None:
        self._path = path
        self.text = text

    def path(self, _: int, /) -> str:
        """Where the client of this number connects."""
        return self._path

    def opening(self, _: int, /) -> list[bytes]:
        """The payloads that the client of this number sends first, each in a frame."""
        return []

    def say(self, _: int, number: int, /) -> bytes:
        """The payload with which a client says the text of a number.

        Args:
            _: the client's own number.
            number: of the text.
        """
        return self.text.of(number)

    def split(self, received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
        """Take apart what came: opcodes and payloads, and what is not complete yet."""
        return split_frames(received)

    def reply(self, payload: bytes) -> bytes:
        """What is to be sent for a payload that is no delivery; empty: nothing.

        Raises:
            Violation: such a payload must not come.
        """
        raise Violation(f"Nobody said this: {payload[:200]!r}")

    def frames(self, client: int, first: int, count: int) -> bytes:
        """The frames that say the texts of so many numbers, from the first on."""
        numbers = range(first, first + count)
        return b"".join(client_frame(self.say(client, n), self.opcode) for n in numbers)


class Server(Struct, frozen=True, kw_only=True):
    """A peer that runs.

    Attributes:
        url: such as http://127.0.0.1:8080.
        pids: the processes whose CPU time and memory are its own.
        room: everybody hears what one says.
        echo: everybody hears what they say themselves; None: it is not offered.
        database: CPU seconds of a database beside it; None: there is none.
    """

    url: str
    pids: tuple[int, ...]
    room: Dialect
    echo: Dialect | None = None
    database: Callable[[], float] | None = None


class Peer(Protocol):
    """A server that can be given the same work.

    Attributes:
        name: for people, and for --only.
        hint: a sentence that says how it gets there.
    """

    name: str
    hint: str

    def is_installed(self) -> bool:
        """Whether it can be started here."""
        ...

    def version(self) -> str:
        """What is measured, for the report. Only of one that is installed."""
        ...

    def launched(self, members: int, /) -> AbstractAsyncContextManager[Server]:
        """Run it. When the block is left, all its processes have ended.

        Args:
            members: how many clients its room will have.

        Raises:
            StartFailed: it ended before it was ready.
        """
        ...
