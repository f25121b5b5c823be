"""What a command costs, in tokens of `limits.commands_per_...`.

One token is a command that is decoded, checked and queued for the log: tens of microseconds, most
of them shared with the other commands of its batch. What a client does often and costs next to
nothing costs less, so that a limit that is fit for messages does not punish typing. What has a
query of its own, and a task, costs more.
"""

from collections.abc import Mapping
from typing import get_args

from protocol import commands
from protocol.commands import AnyCommand, Command

COSTS: Mapping[type[Command], float] = dict.fromkeys(get_args(AnyCommand), 1.0) | {
    commands.Typing: 0.25,
    commands.Presence: 0.25,
    commands.Read: 0.5,
    commands.Delivered: 0.5,
    commands.Hello: 5.0,
    commands.History: 5.0,
    commands.CreateRoom: 5.0,
    commands.Subscribe: 5.0,
    commands.ReadAll: 5.0,
    commands.Watch: 2.0,
}

INVALID = 1.0
"""A frame that is no command."""

REQUEST = 5.0
"""A REST request: it asks for its session and for what it wants, as `history` does."""

HIGHEST = max(REQUEST, *COSTS.values())
