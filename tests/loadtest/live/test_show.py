"""What is made of what the processes of peers say: faults are seen, and limits are found."""

from collections.abc import Callable
from types import ModuleType

import pytest

from loadtest.findings import Findings, Run
from loadtest.interruption import Ended
from loadtest.live import call as call_program
from loadtest.live import peers as live_peers
from loadtest.live import program as live_program
from loadtest.live import show as live_show
from loadtest.live.limit import told
from loadtest.live.orders import Seen, Send, Watch
from loadtest.live.sample import Sample
from loadtest.live.show import Show
from loadtest.report.model import Moment
from loadtest.scenario import Live, Load, Scenario
from loadtest.target import TargetError
from tests.loadtest.fake_target import Notes, run_of
from tests.loadtest.live.fake_peers import FakePeers, FakeStreams, opening

Spoil = Callable[[Seen, Send], None]
Fake = Callable[..., list[FakePeers]]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Have peers that are not there; returns those that were opened."""

    def set_up(spoil: Spoil = lambda seen, pace: None, *, key: str = "key") -> list[FakePeers]:
        made: list[FakePeers] = []
        monkeypatch.setattr(live_peers, "opened", opening(made, spoil))
        monkeypatch.setattr(live_show, "Streams", lambda url: FakeStreams(key))
        monkeypatch.setattr(live_show, "_SETTLE_LOOK", 0)
        return made

    return set_up


def run_with(live: Live) -> Run:
    return run_of(Scenario(question="?", live=live, load=Load(duration=0.0)))


async def found_by(
    program: ModuleType, live: Live, *, run: Run | None = None
) -> tuple[dict[str, float], Findings]:
    findings: Findings = await program.measure(run or run_with(live))
    return {name: finding.value for name, finding in findings.figures.items()}, findings


# --- faults ------------------------------------------------------------------------------------


async def test_all_is_well(fake: Fake) -> None:
    fake()
    found, findings = await found_by(live_program, Live(viewers=2))
    assert (found["forwarded"], found["lost"], found["lost.share"]) == (200, 0, 0)
    assert found["delivery.p50"] == pytest.approx(1, rel=0.01)
    assert findings.violations == []


def lose_the_last(seen: Seen, pace: Send) -> None:
    seen.packets -= 20


def lose_in_between(seen: Seen, pace: Send) -> None:
    seen.packets -= 20
    seen.missing = 20


def lose_and_double(seen: Seen, pace: Send) -> None:
    """Those that came twice do not make up for those that did not come."""
    lose_in_between(seen, pace)
    seen.doubled = 20


@pytest.mark.parametrize("spoil", [lose_the_last, lose_in_between, lose_and_double])
async def test_loss_is_seen(fake: Fake, spoil: Spoil) -> None:
    fake(spoil)
    found, _ = await found_by(live_program, Live(viewers=2))
    assert (found["lost"], found["lost.share"]) == (20, 10)


def forge(seen: Seen, pace: Send) -> None:
    seen.forged = 1


def send_away(seen: Seen, pace: Send) -> None:
    seen.connected -= 1
    seen.dropped = 1


@pytest.mark.parametrize(
    ("spoil", "figure", "violation"),
    [
        (forge, "forged", "packets came that were not the server's"),
        (send_away, "dropped", "1 of 3 viewers were sent away or lost"),
    ],
)
@pytest.mark.parametrize(
    ("program", "viewers"), [(live_program, 3), (call_program, 3)], ids=["live", "call"]
)
async def test_what_must_not_be_is_said(
    fake: Fake, spoil: Spoil, figure: str, violation: str, program: ModuleType, viewers: int
) -> None:
    fake(spoil)
    found, findings = await found_by(program, Live(viewers=viewers))
    assert found[figure] > 0
    [words] = findings.violations
    assert violation.replace("3", str(6 if program is call_program else 3)) in words


async def test_a_stream_that_cannot_be_published(fake: Fake) -> None:
    fake(key="wrong")
    with pytest.raises(TargetError, match=r"cannot be published: NotTaken: 401"):
        await found_by(live_program, Live())


async def test_viewers_who_are_not_let_in(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake()
    join = Show.join

    async def one_elsewhere(self: Show, viewers: list[Watch], *, sample: int) -> None:
        await join(self, [*viewers[:-1], Watch("nowhere", "")], sample=sample)

    monkeypatch.setattr(Show, "join", one_elsewhere)
    found, findings = await found_by(live_program, Live(viewers=30))
    assert (found["errors"], found["users.max"], found["lost"]) == (1, 29, 0)
    assert findings.violations == ["1 of 30 viewers could not connect: NotTaken: 404"]


async def test_a_server_that_says_nothing_of_itself(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    run = run_with(Live(viewers=2))
    vitals = run.target.vitals

    async def silent() -> object:
        return (await vitals())._replace(cpu=None, resident=None, metrics={})

    monkeypatch.setattr(run.target, "vitals", silent)
    found, _ = await found_by(live_program, Live(), run=run)
    assert found["forwarded"] == 200
    assert not any(name.startswith("server.") for name in found)


# --- limits ------------------------------------------------------------------------------------


def late_above(rate: float) -> Spoil:
    def spoil(seen: Seen, pace: Send) -> None:
        if pace.rate > rate:
            seen.timed = {200_000: 100}

    return spoil


async def test_the_rate_rises_until_packets_are_late(fake: Fake) -> None:
    made = fake(late_above(250))
    found, findings = await found_by(live_program, Live(viewers=2, rate=100.0, rises=True))
    rates = [pace.rate for pace in made[0].paces]
    step = live_program.STEP
    # To warm up, for the cost, up and up, and what is too much once more.
    expected = [1, 1, step, step**2, step**3, step**3]
    assert rates == pytest.approx([100 * factor for factor in expected])
    assert found["most.delivery.p99"] == pytest.approx(1, rel=0.01)
    assert findings.spans[-1].name == "274 packets a second, one at a time, p99 200 ms"


async def test_what_breaks_a_pace_but_once_does_not_count(fake: Fake) -> None:
    late = iter([False, False, True, False, True, True])

    def spoil(seen: Seen, pace: Send) -> None:
        if next(late):
            seen.timed = {200_000: 100}

    made = fake(spoil)
    await found_by(live_program, Live(viewers=2, rate=100.0, rises=True))
    assert [round(pace.rate) for pace in made[0].paces] == [100, 100, 140, 140, 196, 196]


async def test_there_is_no_going_on_from_a_pace_that_is_too_much(fake: Fake) -> None:
    made = fake(late_above(0))
    found, _ = await found_by(live_program, Live(viewers=2, rate=100.0, rises=True))
    assert len(made[0].paces) == 2
    assert found["delivery.p99"] > 100
    assert not any(name.startswith("most.") for name in found)


async def test_a_call_grows_until_packets_are_lost(fake: Fake) -> None:
    def spoil(seen: Seen, pace: Send) -> None:
        if seen.connected > 6 * 5:
            seen.packets -= seen.packets // 10

    fake(spoil)
    found, findings = await found_by(call_program, Live(viewers=40, rises=True))
    assert (found["call.size"], found["call.streams"]) == (6, 30)
    assert found["lost"] == 0
    assert found["8 people: lost.share"] == pytest.approx(10)
    assert "12 people: lost.share" not in found
    assert findings.answer == ["6 people can call each other; 8 are too many: 10.0% lost."]


async def test_a_call_that_is_too_much_for_two(fake: Fake) -> None:
    fake(late_above(0))
    found, findings = await found_by(call_program, Live(viewers=40, rises=True))
    assert (found["call.size"], found["call.streams"]) == (0, 0)
    assert found["delivery.p99"] > 100
    assert findings.answer == ["Nobody can call each other; 2 are too many: p99 200 ms."]


@pytest.mark.parametrize(
    ("viewers", "rises", "sizes"),
    [(3, False, [3]), (1, False, [2]), (2, True, [2]), (10, True, [2, 3, 4, 6, 8, 10])],
)
def test_sizes_of_calls(viewers: int, rises: bool, sizes: list[int]) -> None:
    assert call_program.sizes(Live(viewers=viewers, rises=rises)) == sizes


@pytest.mark.parametrize(
    ("server", "clients", "words"),
    [
        (0.5, 0.5, "12 people"),
        (0.99, 0.5, "12 people, the server's core is full"),
        (0.99, 0.99, "12 people, the harness has no time"),
    ],
)
def test_whose_limit_it_is(server: float, clients: float, words: str) -> None:
    sample = Sample(due=1, came=1, timed={1000: 1}, server=server, clients=clients)
    assert told("12 people", sample) == words


# --- the end -----------------------------------------------------------------------------------


def end_at(run: Run, second: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run.watcher, Notes)
    moments = run.watcher.moments

    def moment(moment: Moment, server: dict[str, float]) -> None:
        moments.append(moment)
        if len(moments) == second:
            run.ended.set()

    monkeypatch.setattr(run.watcher, "moment", moment)


@pytest.mark.parametrize("program", [live_program, call_program])
async def test_nothing_to_report_yet(fake: Fake, program: ModuleType) -> None:
    fake()
    run = run_with(Live(viewers=2))
    run.ended.set()
    with pytest.raises(Ended):
        await found_by(program, Live(), run=run)


async def test_the_report_so_far(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake()
    run = run_with(Live(viewers=2, rises=True))
    end_at(run, 2, monkeypatch)  # the first one is of the warm-up
    found, findings = await found_by(live_program, Live(), run=run)
    assert (found["forwarded"], found["lost"]) == (200, 0)
    assert not any(name.startswith("most.") for name in found)
    assert len(findings.moments) == 2


async def test_a_size_that_was_not_tried_to_the_end(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    run = run_with(Live(viewers=40, rises=True))
    end_at(run, 3, monkeypatch)
    found, findings = await found_by(call_program, Live(), run=run)
    assert found["call.size"] == 3  # the third moment is of four people
    assert findings.answer == []
