"""How a run goes, while it does: in a terminal live, elsewhere a line once in a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.figures import short
from loadtest.findings import Watcher
from loadtest.report.model import Moment
from loadtest.report.names import COUNTS, LATENCIES, in_order

LINE_SECONDS = 5.0

_BAR = 40
_PERCENTILES = ("p50", "p90", "p99", "max")
# Of a core: who has used more has had no time to spare.
_BUSY = 0.9
# What a line without a terminal has room for.
_RATES_OF_A_LINE = ("sent", "acknowledged", "delivered", "told", "posts", "reconnects")
_METRICS_OF_A_LINE = ("loop lag ms", "events a commit")
_KINDS_OF_A_LINE = ("delivery", "ack", "post", "presence", "back", "echo", "connect")


class Turn(Struct, frozen=True):
    """A variant's turn.

    Attributes:
        name: of the variant, with the number of the repetition if there are several.
        seconds: that it takes, about.
    """

    name: str
    seconds: float


class View(Watcher, Protocol):
    """A watcher that knows what is planned."""

    def turn(self, number: int) -> None:
        """A turn begins."""

    def note(self, text: str) -> None:
        """Something that is to be read."""


class State:
    """What there is to be shown.

    Args:
        question: that is asked.
        turns: all that is planned.

    Attributes:
        number: of the present turn.
        doing: what is being done, and how far that is: `done` of `of`.
        moment, server: the last second; None: there is none yet.
    """

    def __init__(self, question: str, turns: list[Turn]) -> None:
        self.question = question
        self.turns = turns
        self.number = 0
        self.doing = ""
        self.done = self.of = 0
        self.moment: Moment | None = None
        self.server: Mapping[str, float] = {}

    def begin(self, number: int) -> None:
        """A turn begins."""
        self.number = number
        self.moment = None
        self.server = {}

    def step(self, text: str, done: int, of: int) -> None:
        """Something else is done now."""
        self.doing, self.done, self.of = text, done, of

    @property
    def place(self) -> str:
        """Which turn it is."""
        turn = self.turns[self.number]
        of = f"{self.number + 1} of {len(self.turns)}" if len(self.turns) > 1 else ""
        return ", ".join(filter(None, (turn.name, of)))

    @property
    def planned(self) -> float:
        """Seconds of all turns."""
        return sum(turn.seconds for turn in self.turns)

    @property
    def left(self) -> float:
        """Seconds, about."""
        passed = self.moment.at if self.moment else 0.0
        this, *rest = self.turns[self.number :]
        return max(0.0, this.seconds - passed) + sum(turn.seconds for turn in rest)


class Quiet(View):
    """Shows nothing."""

    def turn(self, number: int) -> None:
        """See View."""

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """See Watcher."""

    def moment(self, moment: Moment, server: Mapping[str, float]) -> None:
        """See Watcher."""

    def note(self, text: str) -> None:
        """See View."""


class Lines(View):
    """Prints a line once in a while, for logs."""

    def __init__(self, state: State, console: Console) -> None:
        self._state = state
        self._console = console
        self._due = 0.0

    def turn(self, number: int) -> None:
        """See View."""
        self._state.begin(number)
        self._due = 0.0
        if self._state.place:
            self.note(self._state.place)

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """See Watcher. Of what goes on for long the beginning is told."""
        if text != self._state.doing:
            self.note(text)
        self._state.step(text, done, of)

    def moment(self, moment: Moment, server: Mapping[str, float]) -> None:
        """See Watcher."""
        if moment.at < self._due:
            return
        self._due = moment.at + LINE_SECONDS - 0.5
        self._state.moment = moment
        self.note(line(moment, server, self._state.left))

    def note(self, text: str) -> None:
        """See View."""
        self._console.print(Text(text), soft_wrap=True)


class Screen(View):
    """Shows all of it in the terminal, anew each second."""

    def __init__(self, state: State, live: Live) -> None:
        self._state = state
        self._live = live

    def turn(self, number: int) -> None:
        """See View."""
        self._state.begin(number)
        self._show()

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """See Watcher."""
        self._state.step(text, done, of)
        self._show()

    def moment(self, moment: Moment, server: Mapping[str, float]) -> None:
        """See Watcher."""
        self._state.moment, self._state.server = moment, server
        self._show()

    def note(self, text: str) -> None:
        """See View."""
        self._live.console.print(Text(text))

    def _show(self) -> None:
        self._live.update(picture(self._state), refresh=True)


@contextmanager
def opened(
    question: str, turns: list[Turn], console: Console, *, quiet: bool = False
) -> Iterator[View]:
    """Show how a run goes.

    Args:
        question: that it answers.
        turns: what is planned.
        console: where; on standard error, so that what was found stands alone on standard output.
        quiet: show nothing.
    """
    state = State(question, turns)
    if quiet:
        yield Quiet()
    elif not console.is_terminal:
        yield Lines(state, console)
    else:
        # No thread of its own: it is drawn when there is something new.
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield Screen(state, live)


def line(moment: Moment, server: Mapping[str, float], left: float) -> str:
    """A second in a line."""
    parts = [f"{moment.at:4.0f} s", f"{moment.users} users"]
    parts += [
        f"{name} {short(moment.rates[name])}/s"
        for name in _RATES_OF_A_LINE
        if moment.rates.get(name)
    ]
    parts += [
        f"{kind} p50 {short(found['p50'])} p99 {short(found['p99'])} ms"
        for kind in _KINDS_OF_A_LINE
        if (found := moment.latencies.get(kind))
    ]
    parts += [f"error {code} {short(rate)}/s" for code, rate in moment.errors.items() if rate]
    if moment.server_cpu is not None:
        parts.append(f"server {moment.server_cpu:.0%}")
    parts.append(f"clients {moment.clients_cpu:.0%}")
    parts += [f"{name} {short(server[name])}" for name in _METRICS_OF_A_LINE if name in server]
    return "  ".join((*parts, f"{_clock(left)} left"))


def picture(state: State) -> RenderableType:
    """All of it."""
    parts: list[RenderableType] = [Text(state.question, style="bold"), _plan(state)]
    moment = state.moment
    if moment is not None:
        tables = Table.grid(padding=(0, 4))
        tables.add_row(_rates(moment), _latencies(moment), _use(moment), _own(state.server))
        parts += [Text(), tables]
    parts.append(Text("Ctrl-C ends it and reports what there is.", style="dim"))
    return Group(*parts)


def _plan(state: State) -> RenderableType:
    planned = state.planned or 1.0
    row = Table.grid(padding=(0, 2))
    step = f"{state.doing} {state.done:,}/{state.of:,}" if state.of else state.doing
    row.add_row(
        ProgressBar(total=planned, completed=planned - state.left, width=_BAR),
        f"{_clock(state.left)} left",
        Text(state.place, style="cyan"),
        Text(step),
    )
    return row


def _rates(moment: Moment) -> Table:
    table = _table("a second", "")
    table.add_row("users", f"{moment.users:,}")
    for name in in_order(moment.rates, COUNTS):
        table.add_row(name, short(moment.rates[name]))
    for code, rate in moment.errors.items():
        table.add_row(Text(f"error {code}", style="red"), Text(short(rate), style="red"))
    return table


def _latencies(moment: Moment) -> Table:
    table = _table("ms", *_PERCENTILES)
    for kind in in_order(moment.latencies, LATENCIES):
        found = moment.latencies[kind]
        table.add_row(kind, *(short(found[name]) if name in found else "" for name in _PERCENTILES))
    return table


def _use(moment: Moment) -> Table:
    table = _table("uses", "")
    for name, cpu in (("server", moment.server_cpu), ("Postgres", moment.postgres_cpu)):
        table.add_row(name, "?" if cpu is None else f"{cpu:.0%}")
    busy = "yellow" if moment.clients_cpu >= _BUSY else ""
    table.add_row(Text("clients", style=busy), Text(f"{moment.clients_cpu:.0%}", style=busy))
    if moment.server_rss is not None:
        table.add_row("server MiB", short(moment.server_rss / 2**20))
    return table


def _own(server: Mapping[str, float]) -> Table:
    table = _table("the server says", "")
    for name, value in server.items():
        table.add_row(name, short(value))
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
