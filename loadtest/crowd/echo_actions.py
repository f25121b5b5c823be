"""Sending frames to /ws/echo, which sends each back as it came.

What is sent is an answer to itself: it comes back as the `ok` to the command that it was.
"""

from functools import partial
from typing import TYPE_CHECKING, Final

from loadtest.crowd.actions import Behaviour
from loadtest.scenario import Scenario

if TYPE_CHECKING:
    from loadtest.crowd.user import User

PATH: Final = "/echo"  # after /ws


def echo(user: "User", due: float) -> None:
    """Send a frame; the latency `echo` is until it is back."""
    size = user.crowd.scenario.message_bytes
    fields = b'"t":"ok","due":%d,"body":"' % round(due * 1e9)
    fields = b'%b"' % fields.ljust(size, b"x")
    user.ask("echo", due, fields, answered=partial(_compare, fields))


def _compare(sent: bytes, user: "User", payload: bytes) -> None:
    if payload[1 : 1 + len(sent)] != sent:
        user.meter.wrong("forged", f"{payload[:80]!r} came back for {sent[:80]!r}.")


def _never(_: Scenario) -> bool:
    return False


ECHO: Final = Behaviour(actions={"echo": echo}, listeners={}, concerns=_never)
