"""The measurement of slow readers runs, and does not pass what it must not."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from loadtest import slow_reader
from loadtest.deployment import Deployment
from loadtest.slow_reader import SMALL, Room
from loadtest.swarm import Violation
from protocol.ids import Id


@pytest.mark.soak
async def test_it_runs(deployment: Deployment) -> None:
    figures = await slow_reader.measure(deployment, SMALL)
    assert [len(figure.samples) for figure in figures] == [SMALL.repetitions] * 3
    assert all(sample > 0 for figure in figures for sample in figure.samples)
    without, slow, ratio = (figure.samples for figure in figures)
    assert ratio == [one / other for one, other in zip(slow, without, strict=True)]


@pytest.fixture
def violations() -> list[Violation]:
    return []


@pytest.fixture
def room(violations: list[Violation]) -> Room:
    return Room(Id(7), fail=violations.append)


def member(room: Room, *, counts: bool = True) -> Any:
    connection = SimpleNamespace(receive=None)
    room.join(connection, counts=counts)  # type: ignore[arg-type]
    return connection


def message(seq: int) -> bytes:
    return b'{"t":"message","room":"7","seq":%d,"body":"%f xxx"}' % (seq, time.perf_counter())


@pytest.mark.parametrize("seqs", [[2, 4], [2, 2], [3], [2, 3, 2]])
def test_holes_doubles_and_disorder(
    seqs: list[int], room: Room, violations: list[Violation]
) -> None:
    listener = member(room)
    for seq in seqs[:-1]:
        listener.receive(message(seq))
    assert not violations
    listener.receive(message(seqs[-1]))
    assert len(violations) == 1


def test_a_message_that_was_refused(room: Room, violations: list[Violation]) -> None:
    member(room).receive(b'{"t":"error","id":1,"code":"rate_limited","message":"No."}')
    assert len(violations) == 1


def test_what_is_no_message_is_not_looked_at(room: Room, violations: list[Violation]) -> None:
    member(room).receive(b'{"t":"presence","account":"8","state":"online"}')
    assert not violations


def test_only_those_who_count_are_measured(room: Room) -> None:
    member(room, counts=False).receive(message(2))
    assert room.latencies.get_total_count() == 0
    member(room).receive(message(2))
    assert room.latencies.get_total_count() == 1


async def test_everybody_is_waited_for(room: Room) -> None:
    listeners = [member(room), member(room)]
    room.last_seq = 2
    for listener in listeners:
        listener.receive(message(2))
    await room.everybody()
