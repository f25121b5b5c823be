"""From samples to figures: each peer's, and Plaza's as multiples of each peer's."""

from collections.abc import Mapping, Sequence

from loadtest.figures import Figure
from loadtest.peers.contest import Key

US = "plaza"

_UNITS = {
    "server.growth": "KiB",
    "server.us_per_delivery": "us",
    "server.us_per_message": "us",
    "postgres.us_per_delivery": "us",
    "delivered.rate": "/s",
    "echoed.rate": "/s",
    "server.cpu": "cores",
    "clients.cpu": "cores",
}
# What is compared, and what the ratio is called; the others say why it is as it is.
_COMPARED = {
    "server.growth": "server.growth",
    "server.us_per_delivery": "server.us_per_delivery",
    "server.us_per_message": "server.us_per_message",
    "delivered.rate": "delivered.times",
    "echoed.rate": "echoed.times",
}

Rounds = Sequence[Mapping[Key, float]]


def figures(rounds: Rounds) -> list[Figure]:
    """All that was found.

    "nchan, 4 at once: server.us_per_delivery" is a peer's, and "plaza / nchan, 4 at once:
    server.us_per_delivery" what Plaza needs of it: each sample is the ratio of one round. How many
    times as many deliveries there are in a second is called "delivered.times".

    Args:
        rounds: the samples of each; one that lacks something is left out of that figure.
    """
    keys = list(dict.fromkeys(key for samples in rounds for key in samples))
    return [
        *(_figure(key, [samples[key] for samples in rounds if key in samples]) for key in keys),
        *(
            _figure(Key(f"{US} / {key.peer}", key.work, _COMPARED[key.measure]), found, unit="x")
            for key in keys
            if key.peer != US and key.measure in _COMPARED and (found := _ratios(rounds, key))
        ),
    ]


def _ratios(rounds: Rounds, key: Key) -> list[float]:
    ours = key._replace(peer=US)
    # Memory may not have grown at all in a runtime that collects garbage: nothing to compare with.
    return [
        samples[ours] / samples[key]
        for samples in rounds
        if ours in samples and samples.get(key, 0) > 0
    ]


def _figure(key: Key, samples: list[float], unit: str | None = None) -> Figure:
    variant = f"{key.peer}, {key.work}" if key.work else key.peer
    return Figure(
        name=f"{variant}: {key.measure}", unit=unit or _UNITS[key.measure], samples=samples
    )
