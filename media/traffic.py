"""What the endpoint counts: in plain integers, which whoever shows metrics reads."""

from collections import deque

SEGMENTS = 64
"""Of one sendmsg with UDP_SEGMENT, at most (UDP_MAX_SEGMENTS of Linux before 6.9; 128 since)."""

DROPPED = (
    *("unknown", "unauthentic", "guessed", "overload", "unsendable", "malformed", "refused"),
)
"""Why datagrams are dropped.

- unknown: nobody's: an address without a peer, or a check that names none.
- unauthentic: a check whose integrity, or fingerprint, is wrong.
- guessed: a check of a name of which too many were not authentic just now.
- overload: the kernel's buffer for sending was full.
- unsendable: the kernel has refused to send.
- malformed: over TCP: no frame of ours.
- refused: TCP connections beyond those that are taken.
"""


class Traffic:
    """Datagrams in and out, UDP and TCP.

    Attributes:
        packets_in, bytes_in: received, garbage included.
        packets_out, bytes_out: taken by the kernel.
        dropped: by reason, of `DROPPED`.
        bursts: how many sendmsg calls carried so many segments; [1]: plain datagrams.
        timed: the batch under way is one that is measured.
        sending: seconds that it has spent in system calls that send.
    """

    __slots__ = (
        "bursts",
        "bytes_in",
        "bytes_out",
        "dropped",
        "packets_in",
        "packets_out",
        "sending",
        "timed",
    )

    def __init__(self) -> None:
        self.packets_in = self.bytes_in = 0
        self.packets_out = self.bytes_out = 0
        self.dropped = dict.fromkeys(DROPPED, 0)
        self.bursts = [0] * (SEGMENTS + 1)
        self.timed = False
        self.sending = 0.0


class Egress:
    """Bits a second that leave, over the last second.

    Args:
        traffic: whose bytes.
        now: the time, in seconds.

    Attributes:
        bitrate: as of the last `sample`.
    """

    SECONDS = 1.0

    def __init__(self, traffic: Traffic, now: float) -> None:
        self._traffic = traffic
        self._samples = deque([(now, traffic.bytes_out)])
        self.bitrate = 0.0

    def sample(self, now: float) -> None:
        """Look at the counter; to be called some times a second."""
        samples = self._samples
        samples.append((now, self._traffic.bytes_out))
        while samples[1][0] <= now - self.SECONDS:
            samples.popleft()
        then, sent = samples[0]
        if now > then:
            self.bitrate = (self._traffic.bytes_out - sent) * 8 / (now - then)


class Stages:
    """Where the time of batches goes, of one batch in `EVERY`.

    Attributes:
        seconds: by stage: `receive` (read, decrypted, taken apart), `forward` (rewritten,
            encrypted) and `send` (the kernel's part).
        packets: that went through a stage in these seconds.
    """

    EVERY = 64
    __slots__ = ("packets", "seconds")

    def __init__(self) -> None:
        self.seconds = {"receive": 0.0, "forward": 0.0, "send": 0.0}
        self.packets = {"receive": 0, "forward": 0, "send": 0}

    def add(self, *, receive: float, forward: float, send: float, came: int, left: int) -> None:
        """One batch more: seconds, and how many packets came and left in it."""
        for stage, seconds, packets in (
            ("receive", receive, came),
            ("forward", forward, left),
            ("send", send, left),
        ):
            self.seconds[stage] += seconds
            self.packets[stage] += packets
