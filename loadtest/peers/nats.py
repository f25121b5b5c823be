"""NATS: its server over WebSocket, as Debian packages it (nats-server).

Clients speak the NATS protocol, which is text, in binary frames; a room is a subject to which
everybody subscribes, and the echo a subject for each connection. A delivery's first line
(`MSG room 1 220`) is counted into its length. It is one process, but a Go program's threads run on
all cores: its CPU time is that of all of them.

What it does not do (this is core NATS, without JetStream): nothing is written to a disk, or
acknowledged; nobody logs in.
"""

import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

from websockets.frames import Opcode

from loadtest.frames import split_frames
from loadtest.peers.foreground import foreground, free_port
from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text
from loadtest.swarm import Violation

_CONFIGURATION = """
host: "127.0.0.1"
port: -1
max_connections: {connections}
websocket {{ host: "127.0.0.1", port: {port}, no_tls: true }}
"""
_CONNECT = (
    b'CONNECT {"verbose":false,"pedantic":false,"lang":"python","version":"1","protocol":1}\r\n'
)
_END = b"\r\n"


class NatsDialect(Dialect):
    """The NATS protocol.

    Args:
        subject: of the room; of echoes: the beginning of it, as each client has its own.
        size: bytes of a delivery.
        each: whether each client has its own subject.
    """

    opcode = Opcode.BINARY
    welcome = b"PONG"

    def __init__(self, subject: str, size: int, *, each: bool = False) -> None:
        self._subject_of_all = subject
        self._each = each
        line = f"MSG {self._subject(0)} 1 {size}\r\n\r\n"
        super().__init__("/", Text(size - len(line)))

    def _subject(self, client: int) -> str:
        return f"{self._subject_of_all}.{client:06d}" if self._each else self._subject_of_all

    def opening(self, client: int, /) -> list[bytes]:
        """Connect and subscribe; the pong to the ping says that both are done."""
        return [b"%bSUB %b 1\r\nPING\r\n" % (_CONNECT, self._subject(client).encode())]

    def say(self, client: int, number: int, /) -> bytes:
        """Publish."""
        head = f"PUB {self._subject(client)} {self.text.size}\r\n".encode()
        return head + self.text.of(number) + _END

    def reply(self, payload: bytes) -> bytes:
        """The server looks after its clients by pings of its own; INFO may come at any time."""
        if payload == b"PING":
            return b"PONG\r\n"
        return b"" if payload.startswith(b"INFO ") else super().reply(payload)

    def split(self, received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
        """Frames are pieces of one stream here, of which the messages are the payloads.

        What is left of the stream is handed back as a frame, before the one that is not complete.
        """
        frames, rest = split_frames(received)
        stream = b"".join(payload for opcode, payload in frames if opcode <= Opcode.BINARY)
        payloads = [frame for frame in frames if frame[0] > Opcode.BINARY]
        messages, left = _messages(stream)
        payloads += [(Opcode.BINARY, message) for message in messages]
        return payloads, _frame(left) + rest if left else rest


class Nats:
    """See the module."""

    name = "nats"
    hint = "On Debian: `apt-get install nats-server` puts it there."

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return _program() is not None

    def version(self) -> str:
        """What it says of itself."""
        said = subprocess.run(
            [_program() or "nats-server", "-v"], capture_output=True, text=True, check=False
        )
        return said.stdout.strip()

    @asynccontextmanager
    async def launched(self, members: int, /) -> AsyncIterator[Server]:
        """One process."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="plaza-nats-") as folder:
            file = Path(folder) / "nats.conf"
            file.write_text(_CONFIGURATION.format(port=port, connections=2 * members + 65_536))
            async with foreground([_program() or "nats-server", "-c", str(file)], port) as pids:
                yield Server(
                    url=f"http://127.0.0.1:{port}",
                    pids=pids,
                    room=NatsDialect("room", DELIVERY),
                    echo=NatsDialect("echo", ECHO, each=True),
                )


def _messages(stream: bytes) -> tuple[list[bytes], bytes]:
    """The messages of a stream, a delivery's without its first line; and what is left.

    Raises:
        Violation: the server reports an error, or its line cannot be read.
    """
    messages = []
    start = 0
    while (end := stream.find(_END, start)) >= 0:
        line, after = stream[start:end], end + len(_END)
        if line.startswith(b"MSG "):
            size = _size(line)
            if after + size + len(_END) > len(stream):
                break
            messages.append(stream[after : after + size])
            after += size + len(_END)
        else:
            messages.append(line)
        start = after
    return messages, stream[start:]


def _size(line: bytes) -> int:
    _, _, size = line.rpartition(b" ")
    if not size.isdigit():
        raise Violation(f"This is no message of NATS: {line[:200]!r}")
    return int(size)


def _frame(payload: bytes) -> bytes:
    """A frame as a server sends it, of the length that takes any."""
    return b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload


def _program() -> str | None:
    return which("nats-server") or which("nats-server", path="/usr/sbin")
