"""Who is in which process of virtual users, and who acts there.

Those of one room go to one process as far as that goes: what the server sends to a room is the same
for all its members, and a process that has read it once knows it for all of them.
"""

from collections.abc import Sequence
from itertools import zip_longest

from loadtest.crowd.orders import Enlist, Person
from loadtest.scenario import Load, Scenario

_MOST_PROCESSES = 8


def processes_of(load: Load, people: int, cores: int) -> int:
    """How many processes are to be started.

    Args:
        load: of the scenario.
        people: virtual users; no process is without one.
        cores: of this machine; one is left to the server and the harness.
    """
    wanted = load.processes or min(_MOST_PROCESSES, cores - 1)
    return max(1, min(wanted, people))


def shared_out(
    people: Sequence[Person], scenario: Scenario, *, processes: int, url: str, seed: int
) -> list[Enlist]:
    """Share people, senders and those who do not read out among processes.

    Who acts is spread over the rooms: with as many senders as rooms, each room has one. So are
    those who stop reading, and nobody is both.

    Args:
        people: all of them.
        scenario: a variant.
        processes: at most as many as people.
        url: of the server.
        seed: of the run.

    Returns:
        What each process is to be told.
    """
    shares = [_round_robin(share) for share in _shares(_companies(people), processes, len(people))]
    sizes = [len(share) for share in shares]
    slow = _apportioned(min(scenario.slow.users, len(people)), sizes)
    able = [size - idle for size, idle in zip(sizes, slow, strict=True)]
    senders = _apportioned(min(scenario.load.senders or sum(able), sum(able)), able)
    return [
        Enlist(
            url=url,
            scenario=scenario,
            people=share,
            everybody=len(people),
            process=number,
            processes=processes,
            senders=senders[number],
            slow=slow[number],
            seed=seed,
        )
        for number, share in enumerate(shares)
    ]


def _companies(people: Sequence[Person]) -> list[list[Person]]:
    """People who share rooms, directly or through others; those without a room are each alone."""
    parent = list(range(len(people)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first_in: dict[str, int] = {}
    for number, person in enumerate(people):
        for room in person.rooms:
            parent[root(number)] = root(first_in.setdefault(room, number))
    companies: dict[int, list[Person]] = {}
    for number, person in enumerate(people):
        companies.setdefault(root(number), []).append(person)
    return list(companies.values())


def _shares(companies: list[list[Person]], processes: int, people: int) -> list[list[list[Person]]]:
    """Fill one process after the other; a company is cut where a process is full."""
    shares: list[list[list[Person]]] = [[] for _ in range(processes)]
    room = [people // processes + (number < people % processes) for number in range(processes)]
    # The large ones first: the small ones then fill what is left, without being cut.
    for company in sorted(companies, key=len, reverse=True):
        rest = company
        while rest:
            fitting = [number for number in range(processes) if room[number] >= len(rest)]
            number = max(fitting or range(processes), key=lambda one: room[one])
            part, rest = rest[: room[number]], rest[room[number] :]
            shares[number].append(part)
            room[number] -= len(part)
    return shares


def _round_robin(companies: list[list[Person]]) -> list[Person]:
    """One of each, then the next of each."""
    return [one for turn in zip_longest(*companies) for one in turn if one is not None]


def _apportioned(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of `total` by weight, none larger than its weight (the largest remainder's way).

    Args:
        total: at most the sum of the weights.
        weights: not negative.
    """
    everything = sum(weights)
    if not everything:
        return [0] * len(weights)
    parts = [total * weight // everything for weight in weights]
    remainders = [total * weight % everything for weight in weights]
    for number in sorted(range(len(weights)), key=lambda one: -remainders[one]):
        if sum(parts) == total:
            break
        parts[number] += remainders[number] > 0
    return parts
