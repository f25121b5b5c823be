"""What the harness and a process of virtual users say to each other: a line of JSON each.

    harness                        process
    Enlist          ->             (nothing is connected yet)
                    <-  Enlisted
    Begin           ->             connects, ramps, acts; all times count from Begin.at
                    <-  Tick       each second
    Halt            ->             acts no more
                    <-  Halted     the newest seq of each room that was acknowledged
    Settle          ->             waits until every user has everything that anybody's was told
                    <-  Settled    and what never came

A process may get Halt at any time after Begin: Ctrl-C has the report so far.
"""

from msgspec import Struct

from loadtest.scenario import Scenario


class Person(Struct, frozen=True):
    """A virtual user, and what it needs.

    Attributes:
        account: its id.
        token: access token.
        refresh_token: for when that runs out; empty: it will not.
        rooms: ids of the rooms that it is in.
        seqs: the newest seq of each of them, when all were made.
    """

    account: str
    token: str
    refresh_token: str = ""
    rooms: list[str] = []
    seqs: list[int] = []


class Enlist(Struct, tag=True, kw_only=True):
    """Become these people.

    Attributes:
        url: of the server.
        scenario: a variant's, with everything in force.
        people: of this process. Those of one room are in one process, as far as that goes.
        everybody: how many there are in all processes.
        process, processes: which one this is, from 0, and of how many. Its share of the rate is
            that of its senders.
        senders: how many of `people` act: the first ones.
        slow: how many stop reading: the last ones.
        seed: of all that is left to chance.
    """

    url: str
    scenario: Scenario
    people: list[Person]
    everybody: int
    process: int
    processes: int
    senders: int
    slow: int = 0
    seed: int = 1


class Enlisted(Struct, tag=True):
    """Ready to begin."""


class Begin(Struct, tag=True):
    """Go.

    Attributes:
        at: time.monotonic(), which is the same clock in all processes of a machine.
    """

    at: float


class Tick(Struct, tag=True, kw_only=True):
    """What has happened since the last one.

    Attributes:
        at: seconds since Begin.at.
        users: who are connected and have had `ready`, now.
        counts: by name. `due`: actions that fell due; `sent`; `acknowledged`: messages;
            `delivered`: messages that came, counted for each user; `told`: events of presence that
            came; `posts`: feed.new_post that came; `connects`; `reconnects`; `refused`: connects
            that the server put off; `dropped`: connections that the server closed or lost;
            `gaps`: of rooms where more was missed than is sent; `bytes`: received.
        errors: answers that were errors, by their code.
        latencies: kind -> microseconds (rounded to three digits) -> how often. Kinds: `ack`,
            `delivery`, `connect` (TCP to ready), `back` (a lost connection to ready and caught up),
            `presence`, `post` (from the moment it was due to feed.new_post), `publish` (to its
            answer), `timeline`, `history`, `echo`, and the other actions by their names in the mix.
        cpu: share of a core that this process has used.
        violations: what must never be, in words: at most a few of each kind.
        wrong: how often each of these was so: `doubled`, `disordered` (a hole, or not in order),
            `late`, `forged` (not what was sent).
    """

    at: float
    users: int
    counts: dict[str, int] = {}
    errors: dict[str, int] = {}
    latencies: dict[str, dict[int, int]] = {}
    cpu: float = 0.0
    violations: list[str] = []
    wrong: dict[str, int] = {}


class Halt(Struct, tag=True):
    """Act no more; wait for the answers that are still due, for as long as patience lasts."""


class Halted(Struct, tag=True, kw_only=True):
    """It acts no more.

    Attributes:
        acknowledged: room -> the newest seq that the server has acknowledged.
        unanswered: actions for which no answer has come.
        last: what has happened since the last Tick.
    """

    acknowledged: dict[str, int]
    unanswered: int
    last: Tick


class Settle(Struct, tag=True):
    """Wait for what is still on its way.

    Attributes:
        acknowledged: room -> newest seq, of all processes.
    """

    acknowledged: dict[str, int]


class Settled(Struct, tag=True, kw_only=True):
    """The end; the process closes its connections, politely, and ends.

    Attributes:
        lost: events of rooms that were acknowledged and have not come, counted for each user who
            should have them.
        last: what has happened since Halted.
    """

    lost: int
    last: Tick


Order = Enlist | Begin | Halt | Settle
Word = Enlisted | Tick | Halted | Settled
