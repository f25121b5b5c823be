"""The figures of a run with virtual users: what they saw, and what it took."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from loadtest import latencies, server_counts
from loadtest.conductor.account import Account, Window
from loadtest.findings import Finding
from loadtest.target import Vitals

_WRONG = ("doubled", "disordered", "late", "forged")
_PER = {"delivered": "server.us_per_delivery", "acknowledged": "server.us_per_message"}


class Outcome(NamedTuple):
    """What processes said at the end.

    Attributes:
        lost: acknowledged, and never delivered.
        unanswered: actions without an answer.
    """

    lost: int = 0
    unanswered: int = 0


class Usage(NamedTuple):
    """Shares of a core; None: not known."""

    server: float | None
    postgres: float | None


def usage(vitals: Sequence[Vitals], window: Window) -> Usage:
    """What the server used.

    A server that is started again counts from nothing: between two looks with a start in between
    nothing is known.

    Args:
        vitals: in the order of their times.
        window: in their time.
    """
    looks = [pair for pair in pairwise(vitals) if window.has(pair[0].at, pair[1].at)]
    return Usage(
        _share((one.at, one.cpu, two.at, two.cpu) for one, two in looks),
        _share((one.at, one.postgres, two.at, two.postgres) for one, two in looks),
    )


def figures(
    account: Account, outcome: Outcome, vitals: Sequence[Vitals], ramp: Window
) -> dict[str, Finding]:
    """All of them.

    Args:
        account: of what the virtual users saw.
        outcome: at the end.
        vitals: of the server, in the order of their times, which count like those of the account.
        ramp: in which the users connected.
    """
    found: dict[str, Finding] = {}
    for kind, counts in account.latencies().items():
        found |= latencies.figures(kind, counts)
    rates = account.rates(account.window)
    for name, count in sorted(account.totals().items()):
        found[name] = Finding(count, "")
        found[f"{name}.rate"] = Finding(rates.get(name, 0.0), "/s")
    found |= _of_the_whole_run(account, outcome)
    found |= dict(_resources(account, vitals, ramp, rates))
    found |= dict(server_counts.figures(account, vitals, ramp))
    return found


def _of_the_whole_run(account: Account, outcome: Outcome) -> dict[str, Finding]:
    wrong, errors = account.wrong(), account.errors()
    counts = {
        "lost": outcome.lost,
        **{kind: wrong[kind] for kind in _WRONG},
        "errors": errors.total(),
        **{f"errors.{code}": times for code, times in sorted(errors.items())},
        "unanswered": outcome.unanswered,
        "dropped": account.counts_of_all()["dropped"],
        "users.max": max((moment.users for moment in account.moments), default=0),
    }
    return {name: Finding(count, "") for name, count in counts.items()}


def _resources(
    account: Account, vitals: Sequence[Vitals], ramp: Window, rates: dict[str, float]
) -> Iterator[tuple[str, Finding]]:
    server, postgres = usage(vitals, account.window)
    if server is not None:
        yield "server.cpu", Finding(server, "cores")
        for name, figure in _PER.items():
            if rates.get(name):
                yield figure, Finding(server / rates[name] * 1e6, "us")
    if (connect := _per_connect(account, vitals, ramp)) is not None:
        yield "server.us_per_connect", Finding(connect, "us")
    if resident := [look.resident for look in vitals if look.resident is not None]:
        yield "server.rss", Finding(max(resident) / 2**20, "MiB")
    if (growth := _growth(account, vitals, ramp)) is not None:
        yield "server.growth", Finding(growth / 1024, "KiB")
    if postgres is not None:
        yield "postgres.cpu", Finding(postgres, "cores")
        if rates.get("acknowledged"):
            yield "postgres.us_per_message", Finding(postgres / rates["acknowledged"] * 1e6, "us")
    if (clients := account.clients_cpu()) is not None:
        yield "clients.cpu", Finding(clients, "cores")


def _per_connect(account: Account, vitals: Sequence[Vitals], ramp: Window) -> float | None:
    """Of the time with most connects: the ramp, or after it if then all come back.

    Only if nothing else was done in that time: it would be counted with them.
    """
    window = server_counts.busiest(account, ramp)
    if account.counts(window)["due"]:
        return None
    rates = account.rates(window)
    rate = rates.get("connects", 0.0) + rates.get("reconnects", 0.0)
    server = usage(vitals, window).server
    return server / rate * 1e6 if rate and server is not None else None


def _growth(account: Account, vitals: Sequence[Vitals], ramp: Window) -> float | None:
    """Bytes for each who connected in the ramp: before the first one, and after the last."""
    resident = [(look.at, look.resident) for look in vitals if look.resident is not None]
    before = [number for at, number in resident if at <= ramp.begin + 0.5]
    after = [number for at, number in resident if at <= ramp.end + 0.5]
    users = account.users_at(ramp.end)
    if not (before and after and users):
        return None
    return (after[-1] - before[0]) / users


def _share(looks: Iterator[tuple[float, float | None, float, float | None]]) -> float | None:
    cpu = wall = 0.0
    for begin, before, end, now in looks:
        if before is not None and now is not None and now >= before:
            cpu += now - before
            wall += end - begin
    return cpu / wall if wall else None
