"""Which peer a datagram belongs to, and what there is to do before the next read."""

from collections.abc import Callable

from media import stun
from media.peer import Peer
from media.ports import Path
from media.timers import Timers

# Addresses from which one peer is heard at a time: its networks, IPv4, IPv6 and TCP, and the
# ports that a NAT gave it before. Beyond them the oldest is forgotten.
PATHS_OF_A_PEER = 8

# Checks of one peer's name that may fail in so many seconds. To look at one costs ten times what it
# costs to turn it away, and everybody knows a name who has seen an answer.
GUESSES = 50
GUESS_SECONDS = 1.0


class _Known:
    """What is kept of a peer."""

    __slots__ = ("failures", "paths", "since", "ufrags")

    def __init__(self) -> None:
        self.ufrags: tuple[bytes, ...] = ()
        self.paths: list[Path] = []
        self.failures = 0
        self.since = 0.0  # the first of the failures


class Relay:
    """The peers of a process, by their ICE user fragments.

    Args:
        timers: everybody's.
        fault: is told of an exception that should not have been, such as of a flush: a bug. The
            other broadcasts go on.

    Attributes:
        timers, fault: these.
        flushes: to be called, once each, when what has arrived is read. A broadcast appends
            itself with its first packet; the list is emptied by `flush`.
    """

    __slots__ = ("_known", "_peers", "fault", "flushes", "timers")

    def __init__(self, timers: Timers, *, fault: Callable[[Exception], None]) -> None:
        self.timers = timers
        self.flushes: list[Callable[[float], None]] = []
        self.fault = fault
        self._peers: dict[bytes, Peer] = {}
        self._known: dict[Peer, _Known] = {}

    def __len__(self) -> int:
        """How many peers there are."""
        return len(self._known)

    @property
    def paths(self) -> int:
        """From how many addresses they are heard."""
        return sum(path.peer is peer for peer, known in self._known.items() for path in known.paths)

    def add(self, peer: Peer) -> None:
        """Its checks are answered from now on."""
        self._known[peer] = _Known()
        peer.registry = self
        self.restarted(peer)

    def restarted(self, peer: Peer) -> None:
        """Its `local_ufrags` have changed: an ICE restart has begun, or is through."""
        known = self._known.get(peer)
        if known is None:
            return
        for ufrag in known.ufrags:
            del self._peers[ufrag]
        known.ufrags = tuple(ufrag.encode() for ufrag in peer.local_ufrags)
        for ufrag in known.ufrags:
            self._peers[ufrag] = peer

    def remove(self, peer: Peer) -> None:
        """It is gone: its addresses are strangers' again. Has no effect on one that is not here."""
        known = self._known.pop(peer, None)
        if known is None:
            return
        for ufrag in known.ufrags:
            del self._peers[ufrag]
        for path in known.paths:
            if path.peer is peer:
                path.close()

    def peer_of_check(self, data: bytes) -> Peer | None:
        """Whose a STUN message is, by its USERNAME. Nothing is believed yet.

        Returns:
            None: it is none, or names nobody who is here.
        """
        username = stun.username_of(data)
        if username is None:
            return None
        # The receiver's fragment comes first (RFC 8445, 7.2.2).
        return self._peers.get(username.partition(b":")[0])

    def is_guessed(self, peer: Peer, now: float) -> bool:
        """Whether somebody tries passwords of a peer: so many of its checks were not authentic.

        Then those from addresses that are not the peer's yet are not looked at for a while. It can
        be reached where it is, but changes its address only when that is over.
        """
        known = self._known.get(peer)
        return known is not None and known.failures >= GUESSES and now - known.since < GUESS_SECONDS

    def guessed(self, peer: Peer, now: float) -> None:
        """A check of the peer's name was not authentic."""
        known = self._known.get(peer)
        if known is None:
            return
        if now - known.since >= GUESS_SECONDS:
            known.since, known.failures = now, 0
        known.failures += 1

    def adopt(self, peer: Peer, path: Path) -> None:
        """An authentic check has come by a path that was not the peer's before."""
        known = self._known.get(peer)
        if known is None:
            path.close()
            return
        known.paths = [kept for kept in known.paths if kept.peer is peer]
        if len(known.paths) >= PATHS_OF_A_PEER:
            oldest = next(kept for kept in known.paths if kept is not peer.path)
            known.paths.remove(oldest)
            oldest.close()
        known.paths.append(path)

    def flush(self, now: float) -> None:
        """Let all that waits be sent. What a flush adds is called too."""
        flushes = self.flushes
        while flushes:
            waiting = flushes[:]
            flushes.clear()
            for flush in waiting:
                try:
                    flush(now)
                except Exception as error:  # one broadcast's bug is not the others'
                    self.fault(error)
