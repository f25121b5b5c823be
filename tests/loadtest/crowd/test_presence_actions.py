from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from loadtest.crowd.presence_actions import PRESENCE
from loadtest.scenario import Mix, Scenario
from tests.loadtest.crowd.bystanders import Bystander, Company

if TYPE_CHECKING:
    from loadtest.crowd.user import User

turn = PRESENCE.actions["presence"]
hear = PRESENCE.listeners["presence"]
connected = PRESENCE.listeners["ready"]


def event(user: "User", state: str) -> bytes:
    return f'{{"t":"presence","account":"{user.account}","state":"{state}"}}'.encode()


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def people(company: Company) -> list["User"]:
    people = [company.user(f"{number}") for number in range(3)]
    for user in people:
        connected(user, b"", 1.0)
    return people


@pytest.fixture
def latencies(company: Company) -> Callable[[], list[int]]:
    """In milliseconds."""
    return lambda: [
        microseconds // 1000
        for microseconds in company.meter.latencies.get("presence", {})
        for _ in range(company.meter.latencies["presence"][microseconds])
    ]


def test_users_turn_to_away_and_back(people: list["User"]) -> None:
    for due in (10.0, 11.0, 12.0):
        turn(people[0], due)

    assert cast("Bystander", people[0]).asked == [
        b'"t":"presence","state":"away"',
        b'"t":"presence","state":"online"',
        b'"t":"presence","state":"away"',
    ]


def test_a_change_takes_until_each_of_the_others_hears_it(
    company: Company, people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    for user, at in zip(people, (10.9, 11.0, 11.25), strict=True):
        hear(user, event(people[0], "away"), at)

    assert latencies() == [1000, 1250]  # oneself is told too, and does not count
    assert company.meter.counts["told"] == 3


def test_each_change_has_its_own_time(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    hear(people[1], event(people[0], "away"), 10.5)
    turn(people[0], 20.0)
    hear(people[1], event(people[0], "online"), 20.75)

    assert latencies() == [500, 750]


def test_what_is_undone_before_anybody_is_told_is_no_change(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    turn(people[0], 10.1)
    turn(people[0], 10.25)
    hear(people[1], event(people[0], "away"), 10.5)

    assert latencies() == [250]


def test_of_what_is_told_late_the_latest_counts(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    turn(people[0], 10.25)  # after the event was written
    hear(people[1], event(people[0], "away"), 10.3)
    hear(people[1], event(people[0], "online"), 11.25)

    assert latencies() == [1000]


def test_what_was_before_one_came_is_no_news(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    hear(people[1], event(people[0], "away"), 10.5)
    connected(people[2], b"", 60.0)
    hear(people[2], event(people[0], "away"), 60.1)

    assert latencies() == [500]


def test_a_new_connection_is_in_use(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    hear(people[1], event(people[0], "away"), 10.5)
    connected(people[0], b"", 20.0)
    hear(people[1], event(people[0], "online"), 21.0)
    turn(people[0], 30.0)
    hear(people[1], event(people[0], "away"), 30.25)

    assert cast("Bystander", people[0]).asked[-1] == b'"t":"presence","state":"away"'
    assert latencies() == [500, 250]


def test_what_was_before_a_lost_connection_is_over(
    people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    turn(people[0], 10.0)
    turn(people[0], 10.25)  # which got lost with the connection
    connected(people[0], b"", 20.0)
    hear(people[1], event(people[0], "away"), 20.25)
    hear(people[1], event(people[0], "online"), 21.0)

    assert latencies() == [1000]


def test_users_of_other_processes_are_told_of_and_not_measured(
    company: Company, people: list["User"], latencies: Callable[[], list[int]]
) -> None:
    hear(people[0], b'{"t":"presence","account":"99","state":"away"}', 11.0)
    hear(people[0], event(people[1], "offline")[:-1] + b',"last_seen":"2026-11-22"}', 11.0)

    assert company.meter.counts["told"] == 2
    assert latencies() == []


def test_nobody_turns_without_a_connection(company: Company, people: list["User"]) -> None:
    away = cast("Bystander", people[0])
    away.is_ready = False
    turn(people[0], 10.0)

    assert away.asked == []


def test_only_who_changes_listens() -> None:
    assert PRESENCE.concerns(Scenario(question="?", mix=Mix(presence=1.0)))
    assert not PRESENCE.concerns(Scenario(question="?", mix=Mix(message=1.0)))
