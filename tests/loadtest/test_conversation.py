"""A conversation that is not heard as it was said does not pass."""

from types import SimpleNamespace
from typing import Any

import pytest

from loadtest.conversation import Conversation
from loadtest.swarm import Violation
from protocol.ids import Id


@pytest.fixture
def violations() -> list[Violation]:
    return []


@pytest.fixture
def conversation(violations: list[Violation]) -> Conversation:
    return Conversation(Id(7), fail=violations.append)


def member(conversation: Conversation) -> Any:
    connection = SimpleNamespace(receive=None)
    conversation.join(connection)  # type: ignore[arg-type]
    return connection


def message(seq: int, room: int = 7) -> bytes:
    return b'{"t":"message","room":"%d","sender":"8","seq":%d,"body":"hi"}' % (room, seq)


@pytest.mark.parametrize("seqs", [[2, 4], [2, 2], [3], [2, 3, 2]])
def test_holes_doubles_and_disorder(
    seqs: list[int], conversation: Conversation, violations: list[Violation]
) -> None:
    listener = member(conversation)
    for seq in seqs[:-1]:
        listener.receive(message(seq))
    assert not violations
    listener.receive(message(seqs[-1]))
    assert len(violations) == 1


@pytest.mark.parametrize("payload", [message(2, room=9), b'{"t":"error","code":"internal"}'])
def test_what_is_no_message_of_the_room(
    payload: bytes, conversation: Conversation, violations: list[Violation]
) -> None:
    member(conversation).receive(payload)
    assert len(violations) == 1


def test_what_was_heard_and_acknowledged_is_in_the_log(conversation: Conversation) -> None:
    for listener in (member(conversation), member(conversation)):
        listener.receive(message(2))
        listener.receive(message(3))
    for seq in (3, 2):
        conversation.acknowledge(seq, 0.001)
    assert conversation.delivered == 4
    conversation.compare([2, 3])


@pytest.mark.parametrize("log", [[2], [2, 4], [2, 3, 4]])
def test_a_log_that_differs(log: list[int], conversation: Conversation) -> None:
    listener = member(conversation)
    for seq in (2, 3):
        listener.receive(message(seq))
        conversation.acknowledge(seq, 0.001)
    with pytest.raises(Violation):
        conversation.compare(log)


async def test_settled_waits_for_the_last_listener(conversation: Conversation) -> None:
    listeners = [member(conversation), member(conversation)]
    conversation.in_flight = 1
    conversation.acknowledge(2, 0.001)
    for listener in listeners:
        listener.receive(message(2))
    await conversation.settled()
    assert not conversation.talking
