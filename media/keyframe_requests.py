"""When to ask a publisher for a keyframe."""

# From one request to the next: who waits for a picture does not see it sooner by asking more often,
# and a keyframe costs what 10 other frames do.
EVERY_SECONDS = 0.5
# So many are answered by an encoder that answers at all; from then on each wait is twice as long.
TRIES = 4
SELDOM_SECONDS = 4.0


class KeyframeRequests:
    """The requests of all who want a keyframe of one layer, made into few.

    Attributes:
        wanted: one was asked for, and has not come.
        tries: how often it was asked for since it is wanted.
        made: how many requests were made in all; those that repeat one included.
        number: of what is wanted now, modulo 256: it tells a FIR from its repetition (RFC 5104,
            4.3.1.2).
    """

    __slots__ = ("_asked", "made", "number", "tries", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self.tries = 0
        self.made = 0
        self.number = -1
        self._asked = float("-inf")

    def want(self) -> bool:
        """Somebody wants a keyframe; True: nobody did before, so `next` has changed."""
        if self.wanted:
            return False
        self.wanted = True
        self.tries = 0
        self.number = self.number + 1 & 255
        return True

    def arrived(self) -> None:
        """One has begun."""
        self.wanted = False

    def due(self, now: float) -> bool:
        """Whether to ask now; True counts as asked."""
        when = self.next()
        if when is None or when > now:
            return False
        self._asked = now
        self.tries += 1
        self.made += 1
        return True

    def next(self) -> float | None:
        """When to ask; None: nobody wants one."""
        if not self.wanted:
            return None
        wait = EVERY_SECONDS * (1 << max(0, min(self.tries, 2 * TRIES) - TRIES))
        return self._asked + min(wait, SELDOM_SECONDS)
