"""People who talk in a room, and an account of it: everything that was said must be heard.

Every member must see every message, once, in order and without a hole; and what was acknowledged
must be what is in the log.
"""

import asyncio
import time
from collections.abc import Callable

from loadtest.frames import client_frame
from loadtest.swarm import Connection, Violation, see
from protocol.ids import Id

BODY = "A message as people write them: a line, more or less."

_FIRST_SEQ = 2  # seq 1 is the entry that says that the room was created


class Conversation:
    """A room, as its members see it.

    Args:
        room: its id; nobody has said anything yet.
        fail: called with a violation.

    Attributes:
        talking: while it is true, an acknowledgement lets the next message go.
        in_flight: messages that are not acknowledged yet.
        acknowledged: the seqs of those that are.
        latencies: seconds from a message to its acknowledgement; may be cleared.
    """

    def __init__(self, room: Id, *, fail: Callable[[Violation], None]) -> None:
        self.room = room
        self.talking = True
        self.in_flight = 0
        self.acknowledged: list[int] = []
        self.latencies: list[float] = []
        self._wire_id = str(room)
        self._fail = fail
        self._due: list[int] = []  # the seq that each member is to see next
        self._changed = asyncio.Event()

    @property
    def delivered(self) -> int:
        """Messages that members have seen, counted for each member."""
        return sum(self._due) - _FIRST_SEQ * len(self._due)

    def join(self, connection: Connection) -> None:
        """Listen as a member."""
        member = len(self._due)
        self._due.append(_FIRST_SEQ)
        connection.receive = lambda payload: self._hear(member, payload)

    def _hear(self, member: int, payload: bytes) -> None:
        event = see(payload)
        due = self._due[member]
        if event.t != "message" or event.room != self._wire_id:
            self._fail(Violation(f"No message of room {self.room}: {payload!r}"))
        elif event.seq != due:
            self._fail(Violation(f"Seq {event.seq} came where {due} was due."))
        self._due[member] = due + 1
        self._changed.set()

    def acknowledge(self, seq: int, latency: float) -> None:
        """A sender has got the answer to a message."""
        self.in_flight -= 1
        self.acknowledged.append(seq)
        self.latencies.append(latency)
        self._changed.set()

    async def settled(self) -> None:
        """Stop talking; wait until all is acknowledged, and every member has seen as much."""
        self.talking = False
        while self.in_flight or min(self._due) < _FIRST_SEQ + len(self.acknowledged):
            self._changed.clear()
            await self._changed.wait()

    def compare(self, log: list[int]) -> None:
        """Check what was acknowledged against the log.

        Args:
            log: the seqs of the messages in it, in order.

        Raises:
            Violation: they differ, or members have seen more.
        """
        if sorted(self.acknowledged) != log:
            raise Violation(f"{len(self.acknowledged)} acknowledged, {len(log)} in the log.")
        if log != list(range(_FIRST_SEQ, _FIRST_SEQ + len(log))):
            raise Violation("The log has holes.")
        if set(self._due) != {_FIRST_SEQ + len(log)}:
            raise Violation("Members have seen more than the log has.")


class Sender:
    """A member who talks.

    Args:
        conversation: that `connection` has joined.
        in_flight: messages to keep under way.
    """

    def __init__(
        self, conversation: Conversation, connection: Connection, *, in_flight: int
    ) -> None:
        self._conversation = conversation
        self._connection = connection
        self._in_flight = in_flight
        self._sent_at: dict[int, float] = {}
        self._hear = connection.receive
        # With a nonce, as plaza_client sends it: the index that keeps retries apart has its price.
        self._command = b'{"t":"send","id":%%d,"room":"%d","body":"%b","nonce":"%%d"}' % (
            conversation.room,
            BODY.encode(),
        )
        connection.receive = self._receive

    def start(self) -> None:
        """Say the first messages."""
        for number in range(self._in_flight):
            self._say(number)

    def _say(self, number: int) -> None:
        self._conversation.in_flight += 1
        self._sent_at[number] = time.perf_counter()
        self._connection.write(client_frame(self._command % (number, number)))

    def _receive(self, payload: bytes) -> None:
        if not payload.startswith(b'{"t":"ok"'):
            self._hear(payload)
            return
        answer = see(payload)
        latency = time.perf_counter() - self._sent_at.pop(answer.id)
        self._conversation.acknowledge(answer.seq, latency)
        if self._conversation.talking:
            self._say(answer.id + self._in_flight)
