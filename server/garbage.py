"""When the cyclic garbage collector runs.

It looks for cycles of objects each time so many more containers have been made than were freed.
Messages make them in bursts: a batch of 256 that waits for its commit is some thousands, none of
which is garbage, and all of which are looked at again and again. With CPython's own threshold of
700 that was a sixth of the server's time (`make profile-chat ARGS=--perf`, `gc_collect_main` and
`visit_*`); with this one it does not show.

What is freed without a cycle does not wait for it. Connections are among that
(`GatewayProtocol.connection_lost`); so what gathers between two collections is little.
"""

import gc

# Containers, of some 100 bytes each; and how many collections of the young and of the older ones
# until those that are older still are looked at too.
_THRESHOLDS = (50_000, 10, 10)


def settle() -> None:
    """Everything is made that will stay: no later collection needs to look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
