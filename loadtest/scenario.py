"""What a scenario is: who connects, what they do, how fast, for how long, and what must hold.

A scenario is a TOML file; these are its tables and keys, with their defaults. loadtest/questions/
has those that Plaza brings, each named by the question that it answers; loadtest/scenarios/file.py
reads them. docs/loadtest.md explains them all.
"""

from typing import Any, Literal

from msgspec import Struct

Program = Literal["crowd", "live", "call", "rise"]


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many, and how fast.

    Attributes:
        users: connections, each of an account of its own.
        senders: how many of them act; 0: everybody. The others listen.
        rate: actions a second, of all senders together. They fall due at times that do not depend
            on what has been answered, and their latency counts from then.
        in_flight: instead of a rate: actions that each sender keeps under way. Each answer lets the
            next one go: what comes out is how much can be done, not how long one waits for it.
        arrivals: whether actions fall due evenly or as independent people would let them.
        ramp: seconds in which the users connect, and in which the rate then rises. Not measured.
        duration: seconds that are measured.
        processes: in which the users are; 0: one for each core but one, at most 8.
    """

    users: int = 100
    senders: int = 0
    rate: float = 50.0
    in_flight: int = 0
    arrivals: Literal["uniform", "poisson"] = "poisson"
    ramp: float = 5.0
    duration: float = 30.0
    processes: int = 0


class Stage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a ramp: users and rate go from what they were to these, in a straight line.

    Attributes:
        seconds: how long it takes.
        users: how many are connected at its end; None: as many as before.
        rate: actions a second at its end; None: as many as before.
    """

    seconds: float
    users: int | None = None
    rate: float | None = None


class Rooms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where they talk.

    Attributes:
        kind: what the rooms are. A dm has two members.
        members: how many are in each room.
        each: so many rooms everybody is in, with partly different company; 0: there are none.
    """

    kind: Literal["dm", "group", "channel"] = "group"
    members: int = 10
    each: int = 1


class Mix(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What they do, by weight: a third of 1 in 3 is `message = 1` beside `read = 2`.

    Attributes:
        message: say something in one of one's rooms.
        typing: let the others know that one types.
        read: move one's read marker to the newest message.
        react: react to the newest message.
        edit: edit one's last message.
        delete: delete one's last message.
        history: page back in a room.
        presence: change from online to away, or back.
        post: publish a post, over REST.
        timeline: read one's home timeline, over REST.
        echo: send a frame to /ws/echo (the server's `debug.echo` has to be on); it excludes the
            others, as such a connection has no session.
    """

    message: float = 0.0
    typing: float = 0.0
    read: float = 0.0
    react: float = 0.0
    edit: float = 0.0
    delete: float = 0.0
    history: float = 0.0
    presence: float = 0.0
    post: float = 0.0
    timeline: float = 0.0
    echo: float = 0.0


class Churn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who come and go.

    Attributes:
        rate: users a second, of all of them, who drop their connection without a word.
        away: seconds until they are back, on average; then they resume from their cursors.
    """

    rate: float = 0.0
    away: float = 1.0


class Slow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Listeners who stop reading.

    Attributes:
        users: how many stop reading.
        receive_buffer: bytes that the kernel takes in for each of them.
    """

    users: int = 0
    receive_buffer: int = 4096


class Happening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens once.

    Attributes:
        at: seconds after the ramp.
        do: `drop`: connections are lost, all in one moment, and come back with jitter. `kill`: the
            server gets SIGKILL, and is started again; only for a server that the harness started.
        share: how many of the connections are dropped; 1 is all of them.
    """

    at: float
    do: Literal["drop", "kill"]
    share: float = 1.0


class Return(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patient those are who lost their connection: full jitter, doubled each time.

    Attributes:
        base: the bound of the first delay, in seconds.
        cap: the bound of all delays, in seconds.
    """

    base: float = 1.0
    cap: float = 8.0


class Live(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A live stream, or a call.

    Attributes:
        viewers: of the stream; of a call: how many take part at most.
        burst: packets that the publisher sends at once.
        rate: packets a second.
        rises: whether the rate, or the size of a call, goes up until it is too much.
        payload: bytes of a packet.
    """

    viewers: int = 100
    burst: int = 1
    rate: float = 250.0
    rises: bool = False
    payload: int = 1100


class Rise(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Load that goes up until a threshold breaks.

    Attributes:
        factor: by which the rate goes up from step to step (or the users, where there is no rate).
        steps: how many there are at most.
        most: thresholds, beyond those of the scenario, of which one will break.
    """

    factor: float = 1.5
    steps: int = 12
    most: list[str] = []


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario.

    Attributes:
        question: what it is to find out, in a sentence.
        about: what is done for that, in a few sentences.
        program: what runs it.
        message_bytes: size of what is said, the time in it included.
        follows: so many of the others everybody follows, for `mix.post` and `mix.timeline`.
        posts: so many everybody has published before; home timelines are filled with them.
        late_ms: milliseconds; a delivery that takes longer is counted as late.
        patience: seconds in which everything that was acknowledged has to arrive, after the end.
        stages: instead of `load.ramp` and `load.duration`; all of it is measured.
        happenings: in the order of their times.
        repeat: how often all variants are run, in turns. Figures are the medians.
        variants: the same with other values, each named: a table like this one, of what differs.
        thresholds: what must hold, such as "lost <= 0" or "delivery.p99 <= 250"; loadtest/threshold
            has the grammar. If one does not, the program ends with exit code 12.
        budgets: likewise, but a budget that is missed is shown and no more.
        server: settings of the server, as environment variables, where the harness starts it.
        small: what differs with --small, which is to see that all works in some seconds.
    """

    question: str
    about: str = ""
    program: Program = "crowd"
    load: Load = Load()
    rooms: Rooms = Rooms()
    mix: Mix = Mix()
    message_bytes: int = 60
    follows: int = 0
    posts: int = 0
    late_ms: float = 1000.0
    patience: float = 20.0
    churn: Churn = Churn()
    slow: Slow = Slow()
    returning: Return = Return()
    stages: list[Stage] = []
    happenings: list[Happening] = []
    live: Live = Live()
    rise: Rise = Rise()
    repeat: int = 1
    variants: dict[str, dict[str, Any]] = {}
    thresholds: list[str] = []
    budgets: list[str] = []
    server: dict[str, str] = {}
    small: dict[str, Any] = {}
