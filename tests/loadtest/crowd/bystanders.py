"""Users for tests of what they do: they keep what was said to them, and have no connection."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, cast

from loadtest.crowd.meter import Meter
from loadtest.scenario import Return, Scenario

if TYPE_CHECKING:
    from loadtest.crowd.user import User


class Tokens:
    """Gives out new tokens.

    Attributes:
        problems: that are raised instead, one after the other.
    """

    def __init__(self) -> None:
        self.problems: list[Exception] = []

    async def renew(self, user: "Bystander", stale: str) -> str:
        if self.problems:
            raise self.problems.pop(0)
        user.token = f"{stale}, renewed"
        return user.token


class Company:
    """What users share."""

    def __init__(self, url: str = "http://127.0.0.1:1", **scenario: Any) -> None:
        self.url = url
        self.scenario = Scenario(
            question="?", returning=Return(base=0.001, cap=0.001), message_bytes=60, **scenario
        )
        self.chance = Random(1)
        self.tokens = Tokens()
        self.users: dict[str, Bystander] = {}
        self.is_acting = True
        self.meter = Meter(late_ms=1000, soon=lambda function: function())

    def user(self, account: str) -> "User":
        self.users[account] = found = Bystander(self, account)
        return cast("User", found)


class Bystander:
    """A user.

    Attributes:
        asked: the commands.
        under_way, finished, failed: what was begun without the connection.
        changed: called whenever something is over.
    """

    def __init__(self, crowd: Company, account: str) -> None:
        self.account = account
        self.token = f"token of {account}"
        self.crowd = crowd
        self.meter = crowd.meter
        self.is_ready = True
        self.asked: list[bytes] = []
        self.under_way = 0
        self.finished: list[str] = []
        self.failed: list[str] = []
        self.changed: Callable[[], None] = lambda: None

    def ask(self, kind: str, due: float, command: bytes, **_: Any) -> None:
        self.asked.append(command)

    def begin(self) -> None:
        self.under_way += 1

    def finish(self, kind: str, due: float) -> None:
        self.under_way -= 1
        self.finished.append(kind)
        self.changed()

    def fail(self, code: str) -> None:
        self.under_way -= 1
        self.failed.append(code)
        self.changed()
