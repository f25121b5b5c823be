"""The course of a run: who is to be there when, what falls due, and what happens."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from loadtest.crowd import arrival
from loadtest.crowd.alarm import Pacer
from loadtest.crowd.mix import Choice
from loadtest.crowd.orders import Enlist
from loadtest.crowd.schedule import (
    CONNECTING,
    Line,
    Point,
    due_times,
    plan,
    poisson,
    uniform,
    value_at,
)
from loadtest.crowd.user import User

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd

_LOOK_SECONDS = 0.01  # how often it is seen to that as many users are there as are to be


class Course:
    """What a process's users do, and when.

    Args:
        crowd: the users.
        enlist: what they are to do.

    Attributes:
        is_in_action: while an action starts.
        have_stopped_reading: whether the slow users have.
    """

    def __init__(self, crowd: "Crowd", enlist: Enlist) -> None:
        self.is_in_action = False
        self.have_stopped_reading = False
        self._crowd = crowd
        self._enlist = enlist
        self._scenario = enlist.scenario
        self._people = crowd.people
        self._choice = Choice(enlist.scenario.mix)
        self._plan = plan(enlist.scenario)
        self._share = len(enlist.people) / enlist.everybody
        self._inside = 0  # of the people, how many are to be connected: the first ones
        self._turn = 0
        self._begun_at = 0.0
        self._is_flowing = False
        self._pacers: list[Pacer] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._populating: asyncio.Task[None] | None = None

    def begin(self, at: float) -> None:
        """Go: all times count from this one."""
        self._begun_at = at
        self._populating = asyncio.ensure_future(self._populate())
        plan, scenario = self._plan, self._scenario
        if self._choice and scenario.load.in_flight:
            self._at(0.0 if scenario.stages else plan.ramp * CONNECTING, self._flow)
            self._at(plan.end, self._dry_up)
        elif self._choice:
            self._pace(self._rate(), self._fall_due)
        self._pace(self._churning(), self._churn)
        if any(user.is_slow for user in self._people):
            self._at(plan.ramp, self._stop_reading)
        for one in scenario.happenings:
            if one.do == "drop":
                self._at(plan.ramp + one.at, partial(self._drop, one.share))

    def stop(self) -> None:
        """Nothing more falls due, and nothing more happens."""
        self._is_flowing = False
        for pacer in self._pacers:
            pacer.close()
        for timer in self._timers:
            timer.cancel()
        if self._populating is not None:
            self._populating.cancel()
        self._pacers, self._timers, self._populating = [], [], None

    def go_on(self, user: User) -> None:
        """A user may have less under way than it is to have, where that is what counts."""
        while self._is_flowing and user.acts and user.is_ready:
            before = user.under_way
            if before >= self._scenario.load.in_flight:
                return
            self._act(user, time.monotonic())
            if user.under_way <= before:
                return  # there was nothing to be done

    def _at(self, seconds: float, do: Callable[[], None]) -> None:
        delay = max(0.0, self._begun_at + seconds - time.monotonic())
        self._timers.append(asyncio.get_running_loop().call_later(delay, do))

    def _pace(self, rate: Line, call: Callable[[float], None]) -> None:
        if not any(point.value for point in rate):
            return
        enlist = self._enlist
        if self._scenario.load.arrivals == "uniform":
            steps = uniform(enlist.process / enlist.processes)
        else:
            # Of its own: what the server does must not change when actions fall due.
            steps = poisson(Random(self._crowd.chance.random()))
        times = (self._begun_at + due for due in due_times(rate, steps))
        self._pacers.append(Pacer(times, call))

    def _rate(self) -> Line:
        """The rate of these senders, of all there are."""
        slow = self._scenario.slow.users
        everybody = self._scenario.load.senders or self._enlist.everybody - slow
        share = min(1.0, self._enlist.senders / max(1, everybody))
        return [Point(point.at, point.value * share) for point in self._plan.rate]

    def _churning(self) -> Line:
        rate = self._scenario.churn.rate * self._share
        return [Point(self._plan.ramp, rate), Point(self._plan.end, rate)]

    async def _populate(self) -> None:
        """Let as many in as are to be there; and send the last ones away again."""
        line = self._plan.users
        while True:
            at = time.monotonic() - self._begun_at
            wanted = round(value_at(line, at) * self._share)
            for user in self._people[self._inside : wanted]:
                user.is_wanted = True
                arrival.come(user)
            for user in self._people[wanted : self._inside]:
                user.leave()
            self._inside = min(max(0, wanted), len(self._people))
            if at >= line[-1].at:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def _fall_due(self, due: float) -> None:
        """An action falls due: somebody who is to be here does it, whether here or not."""
        present = min(self._inside, self._enlist.senders)
        if not present:
            return
        if self._scenario.load.arrivals == "uniform":
            self._turn += 1
            number = self._turn
        else:
            number = int(self._crowd.chance.random() * present)
        for _ in range(present):
            user = self._people[number % present]
            if user.is_about:
                self._act(user, due)
                return
            number += 1

    def _act(self, user: User, due: float) -> None:
        self._crowd.meter.count("due")
        self.is_in_action = True
        try:
            self._choice(self._crowd.chance)(user, due)
        finally:
            self.is_in_action = False

    def _flow(self) -> None:
        self._is_flowing = True
        for user in self._people:
            self.go_on(user)

    def _dry_up(self) -> None:
        self._is_flowing = False

    def _churn(self, _: float) -> None:
        """Somebody goes, without a word, and comes again after a while."""
        user = self._crowd.chance.choice(self._people)
        if user.is_ready and not user.is_slow:
            user.drop()
            away = self._scenario.churn.away
            arrival.come_back(user, after=self._crowd.chance.expovariate(1 / away) if away else 0.0)

    def _drop(self, share: float) -> None:
        """Connections are lost, all in one moment."""
        there = [user for user in self._people if user.is_ready and not user.is_slow]
        dropped = self._crowd.chance.sample(there, round(share * len(there)))
        for user in dropped:
            user.drop()
        for user in dropped:
            arrival.come_back(user)

    def _stop_reading(self) -> None:
        self.have_stopped_reading = True
        for user in self._people:
            if user.is_slow and user.is_ready:
                user.stop_reading()
