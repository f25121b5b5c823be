"""How the tries of a job end, and what follows."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog

from persistence.jobs import Job, Waiting
from protocol.errors import UNAVAILABLE, PlazaError

logger = structlog.get_logger(__name__)

TRIES = 12  # over half an hour
FIRST_DELAY = timedelta(seconds=1)  # then twice as long each time
LONGEST_DELAY = timedelta(minutes=10)
# After which a job goes on that met a database which was away.
DELAY_WHEN_UNAVAILABLE = timedelta(seconds=1)


class Result(StrEnum):
    """How a try ended."""

    DONE = "done"
    AGAIN = "again"  # it failed, and will be tried again
    FAILED = "failed"  # it failed, and will not
    LEFT = "left"  # through no fault of its own: it does not count as a try


class Ended(NamedTuple):
    """A try that has ended.

    Attributes:
        delay: before the next one.
    """

    job: Job
    result: Result
    delay: timedelta = timedelta()


class Observer(Protocol):
    """Is told what is done. Metrics, in practice."""

    def ran(self, name: str, result: str, seconds: float) -> None:
        """A try has ended."""

    def waiting(self, states: Iterable[Waiting]) -> None:
        """So many jobs there are of each name and state; every few seconds."""


class Unobserved:
    """Nobody is told."""

    def ran(self, name: str, result: str, seconds: float) -> None:
        """A try has ended."""

    def waiting(self, states: Iterable[Waiting]) -> None:
        """So many jobs there are of each name and state."""


class Failures:
    """Decides whether jobs that have failed are tried again, and logs each failure.

    Where it happened is logged once for each kind of failure, however many jobs meet it.
    """

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def judge(self, job: Job, error: BaseException) -> Ended:
        """A job has raised this."""
        if isinstance(error, PlazaError) and error.spec is UNAVAILABLE:
            return Ended(job, Result.LEFT, DELAY_WHEN_UNAVAILABLE)
        if job.tries >= TRIES:
            self._log(logging.ERROR, "a job has failed", job, error)
            return Ended(job, Result.FAILED)
        delay = min(FIRST_DELAY * 2 ** (job.tries - 1), LONGEST_DELAY)
        self._log(logging.WARNING, "a job has failed, and is tried again", job, error)
        return Ended(job, Result.AGAIN, delay)

    def _log(self, level: int, event: str, job: Job, error: BaseException) -> None:
        kind = job.name, _kind_of(error)
        known = kind in self._told
        self._told.add(kind)
        logger.log(
            level,
            event,
            job=job.name,
            id=job.id,
            tries=job.tries,
            error=f"{type(error).__name__}: {error}",
            **({} if known else {"exc_info": error}),
        )


def _kind_of(error: BaseException) -> str:
    """The same for errors of one class that come from one line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__qualname__} {place}"
