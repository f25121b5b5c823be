"""The processes of virtual users: started, told what to do, listened to, and ended in any case."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

import msgspec

from loadtest.crowd.orders import Order, Tick, Word

W = TypeVar("W", bound=Word)
T = TypeVar("T")

PROGRAM = (sys.executable, "-m", "loadtest.crowd.process")

# A process tells something each second. One that has too much to do is late, but not by so much.
SILENCE_SECONDS = 30.0
_END_SECONDS = 10.0
_LINE_BYTES = 1 << 26
_LAST_WORDS = 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Word).decode

Hear = Callable[[int, Tick], None]


class CrowdFailed(Exception):
    """The virtual users cannot go on; the text says why."""


class _Process:
    """One of them."""

    def __init__(self, number: int, child: asyncio.subprocess.Process, hear: Hear) -> None:
        self.child = child
        self.heard_at = monotonic()
        self._name = f"Process {number} of the virtual users (pid {child.pid})"
        self._number = number
        self._hear = hear
        self._answers: dict[type, asyncio.Future[Word]] = {}
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)

    def tell(self, order: Order) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(_encode(order) + b"\n")

    def answer(self, kind: type) -> asyncio.Future[Word]:
        """Done when it has said a word of this kind."""
        if kind not in self._answers:
            self._answers[kind] = asyncio.get_running_loop().create_future()
        return self._answers[kind]

    async def listen(self) -> None:
        """Take what it says, until it has ended.

        Raises:
            CrowdFailed: it ended with an error, or says what cannot be understood.
        """
        assert self.child.stdout is not None
        complaints = asyncio.ensure_future(self._listen_to_complaints())
        try:
            while line := await self.child.stdout.readline():
                self._take(line)
            await complaints
        finally:
            complaints.cancel()
        if await self.child.wait():
            raise CrowdFailed(f"{self._name} has ended, with {self._reason()}.")

    def _take(self, line: bytes) -> None:
        self.heard_at = monotonic()
        try:
            word = _decode(line)
        except ValueError as error:
            raise CrowdFailed(f"{self._name} said what is not understood ({error}).") from error
        if isinstance(word, Tick):
            self._hear(self._number, word)
            return
        answer = self.answer(type(word))
        if not answer.done():
            answer.set_result(word)

    async def _listen_to_complaints(self) -> None:
        """Its standard error is kept for when it fails: the terminal shows how it goes."""
        assert self.child.stderr is not None
        async for line in self.child.stderr:
            if words := line.decode(errors="replace").strip():
                self._last_words.append(words)

    def _reason(self) -> str:
        code = self.child.returncode or 0
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        return f"{how}: {self._last_words[-1]}" if self._last_words else how

    def silence(self) -> str | None:
        """What is to be said of its silence, if that is too long."""
        if monotonic() - self.heard_at < SILENCE_SECONDS:
            return None
        return (
            f"{self._name} has said nothing for {SILENCE_SECONDS:g} s: it hangs, or this machine "
            "has too much to do. Take fewer users, or a lower rate."
        )


class Crew:
    """All of them. Made by `started`."""

    def __init__(self, processes: Sequence[_Process]) -> None:
        self._processes = processes
        self._listening = [asyncio.ensure_future(one.listen()) for one in processes]

    def tell(self, order: Order) -> None:
        """Tell it to all."""
        for process in self._processes:
            process.tell(order)

    def tell_each(self, orders: Sequence[Order]) -> None:
        """Tell each its own."""
        for process, order in zip(self._processes, orders, strict=True):
            process.tell(order)

    def check(self) -> None:
        """See whether all of them are heard of: in that part of a run in which they tick.

        Raises:
            CrowdFailed: one has said nothing for long.
        """
        for process in self._processes:
            if silence := process.silence():
                raise CrowdFailed(silence)

    def listen_from_now(self) -> None:
        """Count the silence of `check` from now on."""
        for process in self._processes:
            process.heard_at = monotonic()

    async def answers(self, kind: type[W], seconds: float) -> list[W]:
        """Wait until each has said a word of this kind.

        Args:
            kind: of the word.
            seconds: that it may take.

        Raises:
            CrowdFailed: it takes longer, or a process has ended.
        """
        late = f"The virtual users have given no {kind.__name__} for {seconds:g} s."
        answers = asyncio.gather(*(process.answer(kind) for process in self._processes))
        found = await self.meanwhile(answers, seconds=seconds, late=late)
        return [word for word in found if isinstance(word, kind)]

    async def meanwhile(
        self, work: Awaitable[T], *, seconds: float | None = None, late: str = ""
    ) -> T:
        """Wait for something while the processes run.

        Args:
            work: is cancelled when the processes fail.
            seconds: that it may take; None: any.
            late: what is to be said if it takes longer.

        Raises:
            CrowdFailed: a process has ended before, or it takes too long.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait(
                (task, *self._listening), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not task.done():
                self._raise_failure(late)
            return task.result()
        finally:
            task.cancel()

    def _raise_failure(self, late: str) -> None:
        for listening in self._listening:
            if listening.done():
                listening.result()
                raise CrowdFailed("A process of the virtual users has ended before its time.")
        raise CrowdFailed(late)

    async def end(self, *, politely: bool) -> None:
        """End them: their input ends, and so do they; or they are killed."""
        for process in self._processes:
            if politely and process.child.stdin is not None:
                process.child.stdin.close()
            elif process.child.returncode is None:
                process.child.kill()
        _, late = await asyncio.wait(self._listening, timeout=_END_SECONDS)
        for process in self._processes:
            if late and process.child.returncode is None:
                process.child.kill()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await asyncio.gather(*(process.child.wait() for process in self._processes))


@asynccontextmanager
async def started(count: int, hear: Hear, program: Sequence[str] = PROGRAM) -> AsyncIterator[Crew]:
    """Start processes of virtual users; on exit they have ended.

    Args:
        count: how many.
        hear: gets each Tick, with the number of the process.
        program: that each runs.
    """
    processes: list[_Process] = []
    try:
        for number in range(count):
            processes.append(_Process(number, await _spawned(program), hear))
    except BaseException:
        for process in processes:
            process.child.kill()
            await process.child.wait()
        raise
    crew = Crew(processes)
    politely = False
    try:
        yield crew
        politely = True
    finally:
        await asyncio.shield(crew.end(politely=politely))


async def _spawned(program: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
        # Out of reach of the terminal's Ctrl-C, which is the harness's to answer.
        start_new_session=True,
    )
