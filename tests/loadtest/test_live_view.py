"""What is seen of a run while it goes on: in a terminal, in a log, and not at all."""

from io import StringIO

import pytest
from rich.console import Console

from loadtest.live_view import Screen, State, Turn, View, line, opened, picture
from loadtest.report.model import Moment

TURNS = [Turn("idle", 10.0), Turn("busy", 20.0)]
SERVER = {"loop lag ms": 1.5, "events a commit": 12.0, "connections": 100.0}


def moment(at: float) -> Moment:
    return Moment(
        at=at,
        users=100,
        rates={"due": 50.0, "sent": 50.0, "acknowledged": 49.0, "delivered": 4900.0},
        errors={"rate_limited": 2.0},
        latencies={"delivery": {"p50": 1.25, "p90": 3.0, "p99": 12.5, "max": 40.0}},
        server_cpu=0.42,
        postgres_cpu=None,
        server_rss=120 << 20,
        clients_cpu=0.95,
    )


@pytest.fixture
def terminal() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=140, height=40, color_system=None)


@pytest.fixture
def log() -> Console:
    return Console(file=StringIO(), force_terminal=False, width=80)


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def drawn(state: State, console: Console) -> str:
    with console.capture() as capture:
        console.print(picture(state))
    return capture.get()


@pytest.fixture
def state() -> State:
    made = State("How fast is it?", TURNS)
    made.begin(1)
    made.step("Under way", 0, 0)
    made.moment, made.server = moment(5.0), SERVER
    return made


def test_all_of_it_is_seen(state: State, terminal: Console) -> None:
    seen = drawn(state, terminal)
    for words in (
        *("How fast is it?", "busy, 2 of 2", "Under way", "0:15 left"),
        *("users", "acknowledged", "49", "4,900", "error rate_limited"),
        *("p50", "p99", "max", "1.25", "12.5", "40"),
        *("42%", "95%", "120", "Postgres"),
        *("loop lag ms", "1.5", "events a commit", "12"),
        "Ctrl-C",
    ):
        assert words in seen, words
    assert max(map(len, seen.splitlines())) <= 140


def test_before_the_first_second_the_plan_is_seen(terminal: Console) -> None:
    state = State("How fast is it?", TURNS)
    state.step("Making people", 250, 1000)
    seen = drawn(state, terminal)
    assert "Making people 250/1,000" in seen
    assert "0:30 left" in seen


@pytest.mark.parametrize(("number", "at", "left"), [(0, 0.0, 30), (0, 4.0, 26), (1, 5.0, 15)])
def test_the_time_that_is_left(number: int, at: float, left: float) -> None:
    state = State("?", TURNS)
    state.begin(number)
    state.moment = Moment(at=at)
    assert state.left == left


def test_a_turn_that_takes_longer_has_no_time_left_and_the_others_have() -> None:
    state = State("?", TURNS)
    state.moment = Moment(at=25.0)
    assert state.left == 20.0


def test_a_turn_begins_without_what_the_last_one_showed(state: State) -> None:
    state.begin(0)
    assert state.moment is None
    assert not state.server


def tell(view: View) -> None:
    view.turn(0)
    view.step("Making people", 1, 2)
    view.step("Making people", 2, 2)
    for at in range(1, 12):
        view.moment(moment(float(at)), SERVER)
    view.turn(1)
    view.moment(moment(1.0), SERVER)


def test_a_terminal_shows_each_second_and_leaves_nothing_behind(terminal: Console) -> None:
    with opened("How fast is it?", TURNS, terminal) as view:
        assert isinstance(view, Screen)
        tell(view)
        assert text(terminal).count("4,900") == 12
    assert text(terminal).rstrip().endswith("\x1b[2K"), "what it had drawn is wiped out"


def test_a_log_has_a_line_once_in_a_while(log: Console) -> None:
    with opened("How fast is it?", TURNS, log) as view:
        tell(view)
    lines = text(log).splitlines()
    assert [one for one in lines if "users" not in one] == [
        "idle, 1 of 2",
        "Making people",
        "busy, 2 of 2",
    ]
    seconds = [one.split()[0] for one in lines if "users" in one]
    assert seconds == ["1", "6", "11", "1"]
    assert "\x1b" not in text(log)


def test_a_line_says_the_most_important(log: Console) -> None:
    said = line(moment(7.0), SERVER, 65.0)
    assert said == (
        "   7 s  100 users  sent 50/s  acknowledged 49/s  delivered 4,900/s  "
        "delivery p50 1.25 p99 12.5 ms  error rate_limited 2/s  server 42%  clients 95%  "
        "loop lag ms 1.5  events a commit 12  1:05 left"
    )


def test_quiet_is_quiet(log: Console, terminal: Console) -> None:
    for console in (log, terminal):
        with opened("?", TURNS, console, quiet=True) as view:
            tell(view)
        assert not text(console)
