from types import SimpleNamespace
from typing import Any

import pytest

from plaza_client.terminal_record import Record
from protocol.events import Reacted
from tests.plaza_client.conftest import ADA, BOB, LOUNGE, message


def record(**known: Any) -> Record:
    client: Any = SimpleNamespace(
        **{"user": ADA, "cursors": {}, "blocked": frozenset(), "muted": frozenset(), **known}
    )
    rest: Any = None
    return Record(client, rest)


@pytest.mark.parametrize("relation", ["blocked", "muted"])
async def test_who_is_not_to_be_heard_is_not_shown(relation: str) -> None:
    deaf = record(**{relation: frozenset({BOB.id})})
    assert await deaf.line(message(1)) is None
    assert await deaf.line(Reacted(room=LOUNGE, sender=BOB.id, seq=2, target=1, emoji="x")) is None
    own = message(3)
    own.sender = ADA.id
    assert await deaf.line(own) is not None
