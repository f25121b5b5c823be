"""A connection that is made again whenever it is lost, for as long as that can help.

    CONNECTING --ready--> CONNECTED
        |                     |
        | failed              | lost
        v                     v
      WAITING <---------------+         both: unless the error says that another try is useless
        |
        +--delay--> CONNECTING          any state: CLOSED, by close() or by such an error

One task does all of it: it connects, reads, waits, connects again.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from plaza_client.connection import Connection
from plaza_client.credentials import Tokens
from plaza_client.errors import (
    AnswerTimeout,
    ClientClosed,
    ConnectionLost,
    PlazaRefused,
    Unreachable,
)
from plaza_client.intake import Intake
from plaza_client.options import Options
from plaza_client.upkeep import Upkeep
from plaza_client.wire import A, Wire
from protocol.commands import Command
from protocol.errors import MUTED, TOKEN_EXPIRED, UNAUTHORIZED
from protocol.events import Ok
from protocol.ids import Id

_log = logging.getLogger(__name__)


class State(Enum):
    """Of a link."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    CLOSED = "closed"


class Status(NamedTuple):
    """What has just become of the connection.

    Attributes:
        state: as of now.
        error: why, when it is WAITING or CLOSED.
        delay: when it is WAITING, the seconds until the next try.
    """

    state: State
    error: Exception | None = None
    delay: float = 0.0


OnStatus = Callable[[Status], None]


class Link:
    """Keeps a connection, hands what it brings to the intake, and carries commands.

    Args:
        url: of the server.
        wire: the format to speak.
        tokens: to say hello with.
        intake: gets what comes.
        upkeep: is run on each connection.
        on_status: told about every change of state.
        options: how patient to be.
    """

    def __init__(
        self,
        url: str,
        *,
        wire: Wire,
        tokens: Tokens,
        intake: Intake,
        upkeep: Upkeep,
        on_status: OnStatus | None,
        options: Options,
    ) -> None:
        self._url = url
        self._wire = wire
        self._tokens = tokens
        self._intake = intake
        self._upkeep = upkeep
        self._on_status = on_status
        self._options = options
        self._backoff = options.backoff()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._settled = asyncio.Event()  # there is a connection, or there will never be one
        self._last_error: Exception | None = None
        self._end: Exception | None = None

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, and stay connected until `close`.

        Raises:
            PlazaClientError: the server is not to be had within `options.start_timeout`, or wants
                nothing of us; what `refresh` raised.
        """
        self._task = asyncio.create_task(self._run(), name="plaza client")
        try:
            async with asyncio.timeout(self._options.start_timeout):
                await self._current()
        except TimeoutError:
            await self.close()
            raise self._last_error or Unreachable(f"{self._url} did not answer in time.") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End it, with a closing handshake. Idempotent."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._finish(ClientClosed())

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._connect_and_read()
                except Exception as error:
                    await self._pause(error)
        except Exception as error:
            _log.info("giving up: %s", error)
            self._finish(error)

    async def _connect_and_read(self) -> None:
        self._report(Status(State.CONNECTING))
        cursors = self._intake.resume_from()
        try:
            connection = await self._open(await self._tokens.current(), cursors)
        except PlazaRefused as refusal:
            if refusal.code not in (TOKEN_EXPIRED.code, UNAUTHORIZED.code):
                raise
            connection = await self._open(await self._tokens.renew(refusal), cursors)
        self._intake.begin(connection.ready, cursors)
        connected_at = self._options.clock()
        self._connection = connection
        self._settled.set()
        self._report(Status(State.CONNECTED))
        _log.info("connected to %s", self._url)
        upkeep = asyncio.create_task(self._upkeep.run(connection), name="plaza client upkeep")
        try:
            while True:
                await self._intake.add(await connection.receive())
        finally:
            upkeep.cancel()
            self._drop(connection)
            # Not right when it was ready: a server that accepts and drops would be hammered.
            if self._options.clock() - connected_at >= self._options.backoff_cap:
                self._backoff.reset()
            await connection.close()

    async def _open(self, token: str, cursors: dict[Id, int]) -> Connection:
        return await Connection.open(
            self._url, wire=self._wire, token=token, cursors=cursors, options=self._options
        )

    async def _pause(self, error: Exception) -> None:
        """Wait before the next attempt; raise the error when there should not be one."""
        self._last_error = error
        match error:
            case PlazaRefused(may_retry=True) | Unreachable() | ConnectionLost(may_retry=True):
                hint = error.retry_after
            case _:
                raise error
        delay = self._options.heed(hint) if hint else self._backoff.next()
        _log.info("%s Trying again in %.1f s.", error, delay)
        self._report(Status(State.WAITING, error, delay))
        await self._options.sleep(delay)

    def _finish(self, error: Exception) -> None:
        if self._end is None:
            self._end = error
            self._settled.set()
            self._intake.end(error)
            self._report(Status(State.CLOSED, error))

    def _drop(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._settled.clear()

    def _report(self, status: Status) -> None:
        if self._on_status is not None:
            self._on_status(status)

    # --- commands --------------------------------------------------------------------------------

    async def request(self, command: Command, answer: type[A], *, patience: float | None) -> A:
        """Carry a command out, over several connections and attempts if need be.

        Args:
            command: repeating it must do no harm: it has a nonce, or asks for a state of things.
            answer: the type of `ok` that belongs to it.
            patience: how long to try, in seconds; None: for ever.

        Raises:
            PlazaRefused: the server said no, and the same again would not help in time.
            AnswerTimeout: there was no answer in time.
            ClientClosed: before there was an answer.
        """
        with self._intake.answer_awaited():
            try:
                async with asyncio.timeout(patience) as limit:
                    return await self._repeat(command, answer, limit.when())
            except TimeoutError:
                raise AnswerTimeout(
                    f"{type(command).__name__} found no answer within {patience:g} seconds. It may "
                    "have been carried out; repeat it with the same nonce."
                ) from None

    async def mention(self, command: Command) -> None:
        """Carry a command out over the present connection, or not at all.

        Raises:
            PlazaRefused: the server said no, for another reason than having too much to do.
        """
        connection = self._connection
        if self._end is not None:
            raise self._end
        if connection is None:
            return
        with self._intake.answer_awaited():
            try:
                await connection.request(command, Ok)
            except ConnectionLost:
                self._drop(connection)
            except PlazaRefused as refusal:
                if not refusal.may_retry:
                    raise

    async def _repeat(self, command: Command, answer: type[A], deadline: float | None) -> A:
        backoff = self._options.backoff()
        while True:
            connection = await self._current()
            try:
                return await connection.request(command, answer)
            except ConnectionLost:
                self._drop(connection)
                continue
            except PlazaRefused as refusal:
                if not refusal.may_retry or refusal.code == MUTED.code:
                    raise  # who is muted wants to know, and not to be heard much later
                hint = refusal.retry_after
                pause = self._options.heed(hint) if hint else backoff.next()
                now = asyncio.get_running_loop().time()
                if deadline is not None and now + pause >= deadline:
                    raise
            await self._options.sleep(pause)

    async def _current(self) -> Connection:
        while True:
            await self._settled.wait()
            if self._end is not None:
                raise self._end
            if self._connection is not None:
                return self._connection
