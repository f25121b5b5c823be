"""A crowd of virtual users against a server: the program `crowd`.

People and rooms are made, and shared out among processes. All begin at one moment, and tell each
second what they have seen; what the server used meanwhile stands beside it. At the end everybody
waits for what was acknowledged, to anybody: what does not come is lost.
"""

import asyncio
import os
from collections.abc import Sequence
from time import monotonic

from msgspec.structs import replace

from loadtest import latencies, server_metrics
from loadtest.conductor import figures, processes
from loadtest.conductor.account import Account, Window
from loadtest.conductor.figures import Outcome
from loadtest.conductor.processes import PROGRAM, Crew, CrowdFailed
from loadtest.conductor.sharing import processes_of, shared_out
from loadtest.crowd.orders import (
    Begin,
    Enlisted,
    Halt,
    Halted,
    Person,
    Settle,
    Settled,
    Tick,
)
from loadtest.findings import Finding, Findings, Run
from loadtest.interruption import ending
from loadtest.limits import limits_met
from loadtest.preparing import earlier_posts
from loadtest.report.model import Moment, Span
from loadtest.scenario import Scenario
from loadtest.target import Vitals

# From the word to the moment: time for all processes to hear of it.
_COUNTDOWN = 0.3
_ENLIST_SECONDS = 120.0
# Beyond a scenario's patience: for processes that have much to do.
_MARGIN_SECONDS = 30.0
# Seconds that tell of the same moment.
_AT_ONCE = 0.05
# After the end, for the last second to be told.
_LAST_TICK_SECONDS = 3.0


async def measure(run: Run, *, program: Sequence[str] = PROGRAM) -> Findings:
    """Run a variant.

    Args:
        run: what it needs.
        program: of the processes of virtual users.

    Raises:
        CrowdFailed: it cannot be done.
        Ended: it was ended before it began.
    """
    if any(one.do == "kill" for one in run.scenario.happenings) and not run.target.is_own:
        raise CrowdFailed(
            "This scenario kills the server: leave --url away, and it gets one of its own."
        )
    async with ending(run.ended):
        people = await _people(run)
    count = processes_of(run.scenario.load, len(people), os.cpu_count() or 1)
    orders = shared_out(people, run.scenario, processes=count, url=run.target.url, seed=run.seed)
    performance = Performance(run, count)
    async with processes.started(count, performance.hear, program) as crew:
        run.watcher.step(f"Starting virtual users (processes: {count})")
        crew.tell_each(orders)
        async with ending(run.ended):
            await crew.answers(Enlisted, _ENLIST_SECONDS)
        return await performance.of(crew)


async def _people(run: Run) -> list[Person]:
    scenario, preparation = run.scenario, run.preparation
    count = _wanted(scenario)
    people = await preparation.people(count)
    # Where nobody is to be in a room, too: they may be in some of an earlier run.
    if not scenario.mix.echo:
        people = await preparation.rooms(people, scenario.rooms)
    if scenario.follows:
        await preparation.follow(people, scenario.follows)
    if scenario.posts:
        await earlier_posts.publish(run.target.url, people, scenario.posts, run.watcher.step)
    return people


def _wanted(scenario: Scenario) -> int:
    """How many people are to be connected, at most."""
    return max(scenario.load.users, *(stage.users or 0 for stage in scenario.stages), 1)


def times(scenario: Scenario) -> tuple[Window, Window]:
    """The ramp, and what is measured: seconds. Where there are stages, both are all of them."""
    if scenario.stages:
        whole = Window(0.0, sum(stage.seconds for stage in scenario.stages))
        return whole, whole
    ramp = scenario.load.ramp
    return Window(0.0, ramp), Window(ramp, ramp + scenario.load.duration)


class Performance:
    """One run of a variant.

    Args:
        run: what it needs.
        processes: how many of them.
    """

    def __init__(self, run: Run, processes: int) -> None:
        self._run = run
        self._ramp, window = times(run.scenario)
        self._account = Account(processes, window)
        self._moments: list[Moment] = []
        self._vitals: list[Vitals] = []
        self._spans: list[Span] = []
        self._begun_at = 0.0
        self._over = asyncio.Event()

    async def of(self, crew: Crew) -> Findings:
        """Perform it."""
        scenario, end = self._run.scenario, self._account.window.end
        await self._look()
        self._begun_at = monotonic() + _COUNTDOWN
        self._run.watcher.step("Under way")
        crew.tell(Begin(self._begun_at))
        crew.listen_from_now()
        looking = asyncio.ensure_future(self._look_each_second(crew))
        happening = asyncio.ensure_future(self._let_happen())
        try:
            await crew.meanwhile(self._until_over(end, looking, happening))
            outcome = await self._settled(crew, scenario.patience + _MARGIN_SECONDS)
        finally:
            for task in (looking, happening):
                task.cancel()
            await asyncio.gather(looking, happening, return_exceptions=True)
        await self._look()
        return self._findings(outcome)

    def hear(self, process: int, tick: Tick) -> None:
        """What a process tells each second."""
        moment = self._account.tick(process, tick)
        if moment is not None:
            self._tell(moment)
        if self._account.told_until > self._account.window.end - _AT_ONCE:
            self._over.set()

    def _tell(self, moment: Moment) -> None:
        """Put what the server used beside it."""
        now, before = self._vitals[-1], self._vitals[max(len(self._vitals) - 2, 0)]
        used = figures.usage([before, now], Window(before.at, now.at))
        moment = replace(
            moment,
            server_cpu=used.server,
            postgres_cpu=used.postgres,
            server_rss=now.resident,
        )
        self._moments.append(moment)
        self._run.watcher.moment(moment, server_metrics.of_a_second(now.metrics, before.metrics))

    async def _until_over(
        self, end: float, looking: asyncio.Task[None], happening: asyncio.Task[None]
    ) -> None:
        """Until the time is over and all have told of it, or it is to end now."""
        ended = asyncio.ensure_future(self._run.ended.wait())
        over = asyncio.ensure_future(self._over.wait())
        late = asyncio.ensure_future(self._sleep_until(end + _LAST_TICK_SECONDS))
        try:
            watched = {looking, happening, ended, over, late}
            while not (ended.done() or over.done() or late.done()):
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for task in done & {looking, happening}:
                    task.result()
            if not ended.done():
                await happening
        finally:
            for task in (ended, over, late):
                task.cancel()

    async def _settled(self, crew: Crew, seconds: float) -> Outcome:
        """Let them stop, and wait for everything that was acknowledged."""
        began = self._now()
        self._run.watcher.step("Waiting for what is on its way")
        crew.tell(Halt())
        halted = await crew.answers(Halted, seconds)
        acknowledged: dict[str, int] = {}
        for word in halted:
            self._account.rest(word.last)
            for room, seq in word.acknowledged.items():
                acknowledged[room] = max(seq, acknowledged.get(room, 0))
        crew.tell(Settle(acknowledged))
        settled = await crew.answers(Settled, seconds)
        for end in settled:
            self._account.rest(end.last)
        self._spans.append(Span(name="settling", begin=began, end=self._now()))
        return Outcome(sum(word.lost for word in settled), sum(word.unanswered for word in halted))

    async def _look_each_second(self, crew: Crew) -> None:
        # As the processes tell: one of the looks is at the end of the ramp.
        begin = -(-self._account.window.begin % 1)
        second = 0
        while True:
            await self._sleep_until(begin + second)
            await self._look()
            crew.check()
            second = max(second + 1, int(self._now() - begin) + 1)

    async def _look(self) -> None:
        self._vitals.append(await self._run.target.vitals())

    async def _let_happen(self) -> None:
        """Kill the server when it is time; what happens to the virtual users they do themselves."""
        ramp = 0.0 if self._run.scenario.stages else self._ramp.end
        for one in self._run.scenario.happenings:
            await self._sleep_until(ramp + one.at)
            began = self._now()
            if one.do == "kill":
                self._run.watcher.step("Killed the server; it is starting again")
                await self._run.target.kill()
                self._run.watcher.step("Under way")
            self._spans.append(Span(name=one.do, begin=began, end=self._now()))

    def _findings(self, outcome: Outcome) -> Findings:
        account = self._account
        vitals = [look._replace(at=look.at - self._begun_at) for look in self._vitals]
        return Findings(
            figures={
                **figures.figures(account, outcome, vitals, self._ramp),
                "users.wanted": Finding(_wanted(self._run.scenario), ""),
            },
            histograms={
                kind: latencies.encoded(latencies.histogram(counts))
                for kind, counts in account.latencies().items()
            },
            moments=self._moments,
            spans=[*self._parts(), *self._spans],
            violations=account.violations() + _lost(outcome),
            answer=limits_met(vitals[-1].metrics, vitals[0].metrics),
        )

    def _parts(self) -> list[Span]:
        if not self._run.scenario.stages:
            return [Span(name="ramp", begin=self._ramp.begin, end=self._ramp.end)]
        spans: list[Span] = []
        begin = 0.0
        for number, stage in enumerate(self._run.scenario.stages, 1):
            spans.append(Span(name=f"stage {number}", begin=begin, end=begin + stage.seconds))
            begin += stage.seconds
        return spans

    def _now(self) -> float:
        return monotonic() - self._begun_at

    async def _sleep_until(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds - self._now()))


def _lost(outcome: Outcome) -> list[str]:
    if not outcome.lost:
        return []
    return [f"lost: {outcome.lost} deliveries of acknowledged events never came."]
