"""Accounts that are kept between runs, so that sign-ups are paid for once.

They stand in a JSON file by the server that they are of. It holds their passwords and is for its
owner alone (mode 0600). One run at a time has it: two would use up each other's refresh tokens,
which ends the sessions.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from loadtest.endpoint import TargetError


class Account(Struct):
    """An account of a server.

    Attributes:
        id: as a string.
        username, password: to log in with.
        access_token, refresh_token: of its session.
    """

    id: str
    username: str
    password: str
    access_token: str
    refresh_token: str


class AccountsFile:
    """The file.

    Args:
        path: need not be there; None: nothing is kept beyond this object.

    Raises:
        TargetError: it cannot be used; the message says why.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._held: BinaryIO | None = None
        self._accounts: dict[str, list[Account]] = {}
        if path is not None:
            try:
                self._accounts = self._taken(path)
            except OSError as error:
                raise TargetError(
                    f"The accounts file {path} cannot be used: {error.strerror}. Name another one."
                ) from None

    def of(self, url: str) -> list[Account]:
        """The accounts of a server."""
        return list(self._accounts.get(url, []))

    def keep(self, url: str, accounts: list[Account]) -> None:
        """Keep these for a server, in place of those that were kept."""
        self._accounts[url] = list(accounts)
        if self._path is None:
            return
        # Beside it, and moved: who is interrupted loses no password.
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        file = _opened(beside, os.O_CREAT | os.O_TRUNC)
        os.fchmod(file.fileno(), 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(msgspec.json.encode(self._accounts))
        file.flush()
        beside.replace(self._path)
        self.close()
        self._held = file

    def close(self) -> None:
        """Let others have it."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _taken(self, path: Path) -> dict[str, list[Account]]:
        file = _opened(path, os.O_CREAT)
        self._held = file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_present = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except BlockingIOError:
            is_present = False
        # One that was replaced between being opened and being locked is the other run's former one.
        if not is_present:
            raise TargetError(
                f"Another run uses the accounts file {path}. Wait for its end, or name another "
                "file."
            )
        content = file.read()
        if not content:
            return {}
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=dict[str, list[Account]])
        raise TargetError(f"{path} is no accounts file. Name another one; this one stays as it is.")


def _opened(path: Path, flags: int) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600), "r+b")
