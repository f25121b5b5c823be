"""The virtual users of one process, and what all of them share."""

import asyncio
import time
from collections.abc import Callable
from random import Random

from loadtest.crowd import arrival
from loadtest.crowd.chunks import Reader, Room
from loadtest.crowd.connection import Door
from loadtest.crowd.course import Course
from loadtest.crowd.echo_actions import PATH
from loadtest.crowd.meter import Meter
from loadtest.crowd.mix import listeners
from loadtest.crowd.orders import Enlist, Halted, Settled, Tick
from loadtest.crowd.user import User

_LOOK_SECONDS = 0.01
_GOODBYE_SECONDS = 5.0


class Crowd:
    """The users, and all that they share.

    Args:
        enlist: who they are, and what they are to do.

    Attributes:
        url, scenario: as told.
        chance: for all that is left to it.
        meter: what they see.
        rooms: by id.
        people: the users, in their order; `users`: by account.
        reader: of what they receive.
        door: by which they come in.
        tokens: renews theirs.
        ready: how many are connected, and have had `ready`.
        salt: with which their nonces begin, like nobody else's.
        is_echo: whether they are at /ws/echo, where there are no sessions.
        course: of the run.

    Raises:
        ValueError: the URL is no address of a server.
    """

    def __init__(self, enlist: Enlist) -> None:
        loop = asyncio.get_running_loop()
        self.url = enlist.url
        self.scenario = scenario = enlist.scenario
        self.chance = Random(f"{enlist.seed}/{enlist.process}")
        self.meter = Meter(late_ms=scenario.late_ms, soon=loop.call_soon)
        # Accounts are used again, and a nonce of an earlier run must not be.
        self.salt = f"{time.time_ns():x}-{enlist.process}-"
        self.ready = 0
        self.is_echo = scenario.mix.echo > 0
        self._listeners = listeners(scenario)
        heard = {t: listener for t, listener in self._listeners if t != "ready"}
        self.rooms = {room: Room(room) for person in enlist.people for room in person.rooms}
        self.reader = Reader(self.rooms, heard, self.meter)
        self.door = Door(enlist.url, PATH if self.is_echo else "", self.reader)
        self.tokens = arrival.Tokens(enlist.url)
        self.people = _users(self, enlist)
        self.users = {user.account: user for user in self.people}
        self.course = Course(self, enlist)
        self._nonces = 0
        self._begun_at = 0.0
        self._told_at = 0.0
        self._cpu = 0.0

    # --- for users -------------------------------------------------------------------------------

    def nonce(self) -> str:
        """A new one."""
        self._nonces += 1
        return f"{self.salt}{self._nonces}"

    def greet(self, user: User, ready: bytes) -> None:
        """A user has had `ready`."""
        now = time.monotonic()
        for t, listener in self._listeners:
            if t == "ready":
                listener(user, ready, now)
        if self.course.have_stopped_reading and user.is_slow:
            user.stop_reading()

    # --- what they are told ----------------------------------------------------------------------

    async def prepare(self) -> None:
        """Get ready.

        Raises:
            OSError: the server's host is not known.
        """
        await self.door.find()

    def begin(self, at: float) -> None:
        """Go: all times count from this one, of time.monotonic()."""
        self._begun_at = self._told_at = at
        self._cpu = time.process_time()
        self.course.begin(at)

    def tick(self) -> Tick:
        """What has happened since the last one."""
        now, cpu = time.monotonic(), time.process_time()
        meter = self.meter
        tick = Tick(
            at=now - self._begun_at,
            users=self.ready,
            counts=dict(meter.counts),
            errors=dict(meter.errors),
            latencies={kind: dict(found) for kind, found in meter.latencies.items()},
            cpu=(cpu - self._cpu) / max(now - self._told_at, 1e-3),
            violations=meter.violations,
            wrong=dict(meter.wrongs),
        )
        meter.clear()
        self._told_at, self._cpu = now, cpu
        return tick

    async def halt(self) -> Halted:
        """Act no more, and wait for answers."""
        self.course.stop()
        await self._until(lambda: not any(user.unanswered for user in self.people))
        return Halted(
            acknowledged={
                room.id: room.acknowledged for room in self.rooms.values() if room.acknowledged
            },
            unanswered=sum(user.unanswered for user in self.people),
            last=self.tick(),
        )

    async def settle(self, acknowledged: dict[str, int]) -> Settled:
        """Wait until everybody has everything.

        Args:
            acknowledged: room -> newest seq.
        """
        for room, seq in acknowledged.items():
            if room in self.rooms:
                self.rooms[room].acknowledged = max(seq, self.rooms[room].acknowledged)
        self.course.have_stopped_reading = False
        for user in self.people:
            if user.is_slow:
                user.read_on()
        await self._until(lambda: not any(user.missing() for user in self.people))
        lost = 0
        for user in self.people:
            if missing := user.missing():
                lost += missing
                self.meter.tell("lost", f"{user.account} misses {missing} entries of its rooms.")
        return Settled(lost=lost, last=self.tick())

    async def close(self) -> None:
        """All connections, politely."""
        self.course.stop()
        for user in self.people:
            user.leave()
        await self._until(lambda: not self.door.connections, seconds=_GOODBYE_SECONDS)
        await self.tokens.close()

    async def _until(self, is_so: Callable[[], bool], *, seconds: float | None = None) -> None:
        """Wait for something, as long as patience lasts."""
        patience = self.scenario.patience if seconds is None else seconds
        end = time.monotonic() + patience
        while not is_so() and time.monotonic() < end:  # noqa: ASYNC110 - it is of all users
            await asyncio.sleep(_LOOK_SECONDS)


def _users(crowd: Crowd, enlist: Enlist) -> list[User]:
    last = len(enlist.people) - enlist.slow
    return [
        User(crowd, person, acts=number < enlist.senders, is_slow=number >= last)
        for number, person in enumerate(enlist.people)
    ]
