"""Passwords: what one may be, and argon2id (RFC 9106) in a bounded pool of threads."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import Parameters, PasswordHasher, profiles
from argon2.exceptions import VerificationError

from protocol.errors import BAD_REQUEST, OVERLOADED, PlazaError

T = TypeVar("T")

# NIST SP 800-63B, section 5.1.1: a minimum length, a generous maximum, and no rules about which
# characters must be in it.
MIN_LENGTH = 8
MAX_LENGTH = 200

# How many wait for each thread. At 0.1 s a hash the last of them waits two seconds; a client that
# has to wait longer has given up by the time it is served.
_QUEUE_PER_WORKER = 20


def check_password(password: str, *, username: str, email: str) -> None:
    """Refuse a new password that is too short, too long, or the account's own name.

    Raises:
        PlazaError: bad_request; the message says what is wrong.
    """
    length = len(_normalize(password))
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise PlazaError(
            BAD_REQUEST,
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters, this one has {length}.",
        )
    known = {_normalize(name).casefold() for name in (username, email, email.partition("@")[0])}
    if _normalize(password).casefold() in known:
        raise PlazaError(
            BAD_REQUEST,
            "A password must not be the username or the e-mail address. Choose another.",
        )


class Passwords:
    """Hashes and verifies passwords, a few at a time.

    A hash takes 64 MiB of memory and a core for some 0.1 s, so `workers` of them run at once, a
    bounded number waits, and the rest is refused at once.

    Args:
        workers: how many at the same time.
        parameters: the cost; RFC 9106's second recommendation by default.
    """

    def __init__(
        self, *, workers: int, parameters: Parameters = profiles.RFC_9106_LOW_MEMORY
    ) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._room = workers * (1 + _QUEUE_PER_WORKER)
        self._workers = workers
        # What an unknown name's password is verified against, so that it takes as long as a known
        # one's. Nobody knows the password: it is random.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """Return the hash to store, with its salt and parameters.

        Raises:
            PlazaError: overloaded.
        """
        return await self._run(lambda: self._hasher.hash(_normalize(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right.

        Args:
            password_hash: what is stored; None, for an account that does not exist, takes as long
                and is never right.

        Raises:
            PlazaError: overloaded.
        """
        right = await self._run(lambda: self._matches(password_hash or self._nobody, password))
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Stop the threads; what is running is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normalize(password))
        except VerificationError:
            return False

    async def _run(self, call: Callable[[], T]) -> T:
        if self._room == 0:
            raise PlazaError(OVERLOADED, retry_after=1.0)
        self._room -= 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        future.add_done_callback(self._finished)
        # A caller that is cancelled does not stop the thread, so its place is not free yet.
        return await asyncio.shield(future)

    def _finished(self, _: "asyncio.Future[T]") -> None:
        self._room += 1


def _normalize(password: str) -> str:
    # One password, whatever keyboard types it (SP 800-63B, section 5.1.1.2).
    return unicodedata.normalize("NFKC", password)
