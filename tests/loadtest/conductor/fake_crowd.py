"""A process of virtual users that only says it has some: `python fake_crowd.py FAULT`.

It tells its seconds all at once, so that a run of it takes no time. Each user acts once a second
and hears of ten messages. FAULT is what goes wrong:

    none, loses, doubles
    refuses     ends with an error when it is enlisted
    dies        in the middle
    stalls      says nothing once it has begun
    babbles     says what nobody understands
    waits       tells its first seconds, and goes on until it is halted
    deaf        never stops
"""

import sys

import msgspec

from loadtest.crowd.orders import (
    Begin,
    Enlist,
    Enlisted,
    Halt,
    Halted,
    Order,
    Settle,
    Settled,
    Tick,
    Word,
)

MESSAGES = 10
FAULT = sys.argv[1] if len(sys.argv) > 1 else "none"

_decode = msgspec.json.Decoder(Order).decode


def say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


def second(enlist: Enlist, at: float) -> Tick:
    """A second of the ramp, in which all connect, or of what comes after it, which is twice as slow
    in each process as in the one before."""
    load, people = enlist.scenario.load, len(enlist.people)
    if at <= load.ramp:
        return Tick(
            at=at, users=people, counts={"connects": people}, latencies={"connect": {5: people}}
        )
    slowness = 1000 * 2**enlist.process
    heard = people * MESSAGES
    return Tick(
        at=at,
        users=people,
        counts={"due": people, "sent": people, "acknowledged": people, "delivered": heard},
        errors={"rate_limited": 1},
        latencies={"ack": {slowness: people}, "delivery": {slowness * 2: heard}},
        cpu=0.25 * (enlist.process + 1),
        wrong={"doubled": 1} if FAULT == "doubles" else {},
        violations=["Twice."] if FAULT == "doubles" else [],
    )


def begin(enlist: Enlist) -> None:
    if FAULT == "stalls":
        return
    if FAULT == "babbles":
        sys.stdout.write("What?\n")
        sys.stdout.flush()
        return
    load = enlist.scenario.load
    seconds = int(load.ramp) + 1 if FAULT == "waits" else int(load.ramp + load.duration)
    for at in range(1, seconds + 1):
        say(second(enlist, float(at)))
        if FAULT == "dies":
            sys.exit("Out of memory.")


def main() -> None:
    enlist: Enlist | None = None
    for line in sys.stdin.buffer:
        order = _decode(line)
        if isinstance(order, Enlist):
            enlist = order
            if FAULT == "refuses":
                sys.exit("No such scenario.")
            say(Enlisted())
            continue
        assert enlist is not None
        if isinstance(order, Begin):
            begin(enlist)
        elif isinstance(order, Halt) and FAULT != "deaf":
            # What is answered late was due in the measured time: one more latency, no more counts.
            end = Tick(at=99.0, users=0, counts={"acknowledged": 1}, latencies={"ack": {64_000: 1}})
            say(Halted(acknowledged={"1": 7 + enlist.process}, unanswered=1, last=end))
        elif isinstance(order, Settle):
            missing = sum(order.acknowledged.values())
            lost = missing if FAULT == "loses" else 0
            say(
                Settled(
                    lost=lost, last=Tick(at=100.0, users=0, latencies={"delivery": {64_000: 1}})
                )
            )


main()
