"""People and rooms for a scenario, made before it begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from loadtest.crowd.orders import Person
from loadtest.preparing.accounts import Progress
from loadtest.preparing.accounts_file import AccountsFile
from loadtest.preparing.bulk import BulkPreparation
from loadtest.preparing.rest import RestPreparation
from loadtest.scenario import Rooms
from loadtest.target import OwnTarget, Target

__all__ = ["Preparation", "Progress", "prepared"]


class Preparation(Protocol):
    """Makes what a scenario needs. Whatever cannot be made is a TargetError that says why."""

    async def people(self, count: int) -> list[Person]:
        """So many accounts with a token each, in no room.

        They are in no room of an earlier run and follow nobody of it, once `rooms` and `follow`
        have been called.
        """
        ...

    async def rooms(self, people: Sequence[Person], rooms: Rooms) -> list[Person]:
        """The rooms, and the same people with them, in the same order.

        People of one room are neighbours, so that most rooms are in one process of virtual users.
        """
        ...

    async def follow(self, people: Sequence[Person], follows: int) -> None:
        """Let everybody follow the next so many, in a circle, and nobody else of them."""
        ...


def prepared(target: Target, *, accounts_file: Path | None, progress: Progress) -> Preparation:
    """What prepares a target: one of our own through its database, others over REST.

    Args:
        accounts_file: keeps the accounts of other servers for the next run; None: nothing does.
        progress: is told how it goes.

    Raises:
        TargetError: the file cannot be used.
    """
    if isinstance(target, OwnTarget):
        return BulkPreparation(target.deployment, progress)
    return RestPreparation(target.url, AccountsFile(accounts_file), progress)
