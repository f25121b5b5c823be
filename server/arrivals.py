"""What hellos ask the database, asked together.

While statements are under way, the hellos that come meanwhile gather, and the next one answers them
all: in a reconnect storm dozens at once, otherwise each as soon as it comes. That makes a connect a
fifth cheaper (see the question how-many-idle-connections), and halves what it costs Postgres. A
hello is never answered by a statement that began before it: it would not see what has changed
since.
"""

import asyncio
from dataclasses import dataclass, field

from persistence.arrivals import Arrival, arrivals
from persistence.database import Database
from protocol.ids import Id
from server.background import Background
from server.log_reader import ReadCounts

# Sessions of a statement: more would make the first of them wait for the last.
AT_ONCE = 64
# Statements under way: one is prepared by the database while the answer to another is taken in.
STATEMENTS = 2


@dataclass(slots=True)
class _Asked:
    account: Id
    answer: asyncio.Future[Arrival | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Arrivals:
    """Looks sessions up.

    Args:
        database: knows them.
        background: runs the statements.
        counts: of queries.
    """

    def __init__(self, database: Database, background: Background, counts: ReadCounts) -> None:
        self._database = database
        self._background = background
        self._counts = counts
        self._asked: dict[Id, _Asked] = {}
        self._under_way = 0

    async def look_up(self, account: Id, session: Id) -> Arrival | None:
        """What the account of a session sees now; None: the session is not live.

        Raises:
            PlazaError: unavailable, overloaded.
        """
        asked = self._asked.get(session)
        if asked is None:
            asked = self._asked[session] = _Asked(account)
            if self._under_way < STATEMENTS:
                self._under_way += 1
                self._background.spawn(self._answer())
        # Shielded: a second connection of the session may wait for the same answer.
        return await asyncio.shield(asked.answer)

    async def _answer(self) -> None:
        try:
            while self._asked:
                await self._answer_some()
        finally:
            self._under_way -= 1

    async def _answer_some(self) -> None:
        batch: dict[Id, _Asked] = {}
        try:
            async with self._database.connection() as connection:
                # Not before there is a connection: who came while it was waited for comes along.
                for session in list(self._asked)[:AT_ONCE]:
                    batch[session] = self._asked.pop(session)
                if not batch:
                    return
                self._counts.queries += 1
                found = await arrivals(
                    connection, [(asked.account, session) for session, asked in batch.items()]
                )
        except Exception as error:
            # Without a connection it concerns all who wait for one.
            for asked in (batch or self._asked).values():
                asked.answer.set_exception(error)
                asked.answer.exception()  # nobody may be waiting any more
            if not batch:
                self._asked.clear()
            return
        for session, asked in batch.items():
            asked.answer.set_result(found.get(session))
