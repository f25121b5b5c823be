"""Streams that are on: publishers and viewers in processes of their own, told what to do.

What was seen while it went on is put down as it comes, so that a run that is ended before its time
has what there was until then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from loadtest import latencies, server_metrics
from loadtest.crowd.orders import Person
from loadtest.findings import Finding, Findings, Run
from loadtest.live import peers as live_peers
from loadtest.live.orders import Publish, Rest, Seen, Send, Tell, Watch
from loadtest.live.peers import Peers, Told
from loadtest.live.sample import KIND, NEVER, Sample
from loadtest.live.streams import Stream, Streams
from loadtest.report.model import Moment, Span
from loadtest.target import TargetError, Vitals

CONNECT = "viewers.connect"
# What is on its way when the publishers rest: it is waited for as long as something comes.
_SETTLE_LOOK = 0.05
_SETTLE_LOOKS = 4
_LAG = "loop lag ms"
_METRICS = {
    "viewers": ("plaza_media_viewers", 1.0),
    "publishers": ("plaza_media_publishers", 1.0),
    "egress Mbit/s": ("plaza_media_egress_bits", 1e-6),
}
_SESSIONS = ("plaza_media_viewers", "plaza_media_sessions_ended_total")


class Show:
    """Streams that are on. Made by `opened`.

    Attributes:
        findings: so far: moments, spans, what must not be.
        viewers: that were to be connected, until now.
    """

    def __init__(self, run: Run, streams: Streams, peers: Peers) -> None:
        self._run = run
        self._streams = streams
        self._peers = peers
        self._began = time.monotonic()
        self._connects: Counter[int] = Counter()
        self._counts: Counter[str] = Counter()
        self._users_most = 0
        self._count = 0
        self.findings = Findings(figures={}, histograms={}, moments=[], spans=[], violations=[])
        self.viewers = 0

    # --- who is there ----------------------------------------------------------------------------

    async def publish(self, person: Person) -> Stream:
        """Make one more stream, and publish it.

        Raises:
            TargetError: the server does not let us.
        """
        stream = await self._streams.make(person)
        payload = self._run.scenario.live.payload
        order = Publish(stream.publish_url, stream.stream_key, payload)
        sent = await self._peers.publish(order)
        self._count += 1
        if sent.publishing < self._count:
            raise TargetError(
                "A stream cannot be published: "
                + " ".join(sent.problems or ["the connection has ended."])
            )
        return stream

    async def join(self, viewers: Sequence[Watch], *, sample: int) -> None:
        """Have some more watch, or as many as there is time for.

        Args:
            viewers: what each of them watches.
            sample: of so many packets of a viewer one is looked into.
        """
        before, share = self.viewers, self._peers.at_once
        for first in range(0, len(viewers), share):
            if self._run.ended.is_set():
                return
            now = viewers[first : first + share]
            seen = await self._peers.join(now, sample=sample)
            self.viewers += len(now)
            self._run.watcher.step("viewers connect", self.viewers, before + len(viewers))
            for one in seen:
                self._connects.update(one.connects)
            self._note(seen)

    # --- what happens ----------------------------------------------------------------------------

    async def play(self, pace: Send, seconds: float) -> Sample:
        """Send at a pace with every stream, and see what comes; until the run is ended at most."""
        begin = last = await self._told(Tell())
        sample = Sample(begin=begin.vitals.at)
        sent = await self._peers.publish(pace)
        ends, is_over = time.monotonic() + seconds, False
        while not is_over:
            await self._pause(min(1.0, ends - time.monotonic()))
            is_over = self._run.ended.is_set() or time.monotonic() >= ends
            last = await self._moment(sample, last, Rest() if is_over else Tell())
        sample.sent, sample.seconds = last.sent.packets, last.sent.seconds
        sample.due = sample.sent * begin.connected // max(sent.publishing, 1)
        end = await self._settle(sample, last)
        sample.missing = end.missing - begin.missing
        sample.end = end.vitals.at
        sample.resident = end.vitals.resident
        sample.cpu = _since(begin.vitals.cpu, end.vitals.cpu)
        elapsed = last.vitals.at - begin.vitals.at
        if (busy := _since(begin.vitals.cpu, last.vitals.cpu)) is not None:
            sample.server = busy / elapsed
        shares = [
            (now - before) / elapsed for now, before in zip(last.cpu(), begin.cpu(), strict=True)
        ]
        sample.clients, sample.all_clients = max(shares), sum(shares)
        for kind in ("disordered", "doubled", "forged"):
            self._counts[kind] += getattr(sample, kind)
        return sample

    def span(self, name: str, begin: float, end: float) -> None:
        """Note a part of the run; times are time.monotonic()."""
        self.findings.spans.append(
            Span(name=name, begin=begin - self._began, end=end - self._began)
        )

    @property
    def absence(self) -> str:
        """Who should be there and is not, in words; empty: all are."""
        refused, gone = self._counts["errors"], self._counts["dropped"]
        return f"{refused} viewers could not connect, {gone} are gone" if refused or gone else ""

    async def vitals(self) -> Vitals:
        """Of the server."""
        return await self._run.target.vitals()

    def found(self, figures: dict[str, Finding], timed: Counter[int]) -> Findings:
        """All that there is.

        Args:
            figures: of the samples.
            timed: the latencies of the sample that the run was for.
        """
        counts = dict.fromkeys(("lost", "late", *NEVER), 0) | {
            name: self._counts[name]
            for name in ("doubled", "disordered", "forged", "errors", "dropped")
        }
        findings = self.findings
        findings.figures |= {name: Finding(count, "") for name, count in counts.items()}
        findings.figures["users.max"] = Finding(self._users_most, "")
        for kind, latency in ((KIND, timed), (CONNECT, self._connects)):
            if latency:
                findings.histograms[kind] = latencies.encoded(latencies.histogram(latency))
        if self._connects:
            of_connects = latencies.figures(CONNECT, self._connects)
            for name in (f"{CONNECT}.p50", f"{CONNECT}.p99"):
                findings.figures[name] = of_connects[name]
        findings.figures |= figures
        self._complain()
        return findings

    # --- inside ----------------------------------------------------------------------------------

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._run.ended.wait()

    async def _told(self, order: Tell | Rest) -> Told:
        told = await self._peers.told(order)
        self._note(told.seen)
        return told

    async def _moment(self, sample: Sample, last: Told, order: Tell | Rest) -> Told:
        told = await self._told(order)
        seconds = max(told.vitals.at - last.vitals.at, 1e-3)
        came = sample.add(told.seen)
        timed: Counter[int] = Counter()
        for one in told.seen:
            timed.update(one.timed)
        used = _since(last.vitals.cpu, told.vitals.cpu)
        cpus = zip(told.cpu(), last.cpu(), strict=True)
        moment = Moment(
            at=told.vitals.at - self._began,
            users=told.connected,
            rates={
                "forwarded": came / seconds,
                "lost": max(0, told.missing - last.missing) / seconds,
            },
            latencies={KIND: latencies.of_a_second(timed)} if timed else {},
            server_cpu=None if used is None else used / seconds,
            server_rss=told.vitals.resident,
            clients_cpu=max((now - before) / seconds for now, before in cpus),
        )
        self.findings.moments.append(moment)
        self._run.watcher.moment(moment, _of_media(told.vitals, last.vitals))
        return told

    async def _settle(self, sample: Sample, last: Told) -> Told:
        """Wait for what is on its way."""
        idle = 0
        while sample.came < sample.due and idle < _SETTLE_LOOKS:
            await asyncio.sleep(_SETTLE_LOOK)
            last = await self._told(Tell())
            idle = 0 if sample.add(last.seen) else idle + 1
        return last

    def _note(self, seen: Sequence[Seen]) -> None:
        self._users_most = max(self._users_most, sum(one.connected for one in seen))
        self._counts["errors"] = sum(one.refused for one in seen)
        self._counts["dropped"] = sum(one.dropped for one in seen)
        self._problems = [problem for one in seen for problem in one.problems]

    def _complain(self) -> None:
        counts, words = self._counts, self.findings.violations
        if counts["errors"]:
            words.append(
                f"{counts['errors']} of {self.viewers} viewers could not connect: "
                + "; ".join(self._problems)
            )
        if counts["dropped"]:
            words.append(f"{counts['dropped']} of {self.viewers} viewers were sent away or lost.")
        if counts["forged"]:
            words.append(f"{counts['forged']} packets came that were not the server's.")


@asynccontextmanager
async def opened(run: Run) -> AsyncIterator[Show]:
    """Start the processes; on exit they have ended, and the streams are deleted.

    Raises:
        TargetError: one of them has ended before its time.
    """
    run.watcher.step("processes of publishers and viewers start")
    # The streams go last: a process that ends has ended what it published.
    async with (
        Streams(run.target.url) as streams,
        live_peers.opened(run.target, run.scenario.load) as peers,
    ):
        yield Show(run, streams, peers)


def _of_media(now: Vitals, earlier: Vitals) -> dict[str, float]:
    """Those of the server's own metrics that say something of streams."""
    found = {
        name: now.metrics[metric] * factor
        for name, (metric, factor) in _METRICS.items()
        if metric in now.metrics
    }
    lag = server_metrics.of_a_second(now.metrics, earlier.metrics).get(_LAG)
    return found if lag is None else found | {_LAG: lag}


def is_fresh(vitals: Vitals) -> bool:
    """Whether nobody has watched anything there yet, so that memory grows by what viewers take."""
    sessions = [count for name, count in vitals.metrics.items() if name.startswith(_SESSIONS)]
    return bool(vitals.metrics) and not any(sessions)


def _since(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before
