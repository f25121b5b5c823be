"""Who is compared."""

from collections.abc import Sequence

from loadtest.peers.nats import Nats
from loadtest.peers.nchan import Nchan
from loadtest.peers.peer import Peer
from loadtest.peers.plaza import Plaza
from loadtest.peers.socket_io import SocketIo
from loadtest.peers.uwebsockets import UWebSockets
from loadtest.peers.websockets_broadcast import WebsocketsBroadcast


class UnknownPeer(ValueError):
    """There is no peer of this name. The text says which there are."""


def everybody() -> list[Peer]:
    """Plaza, and all peers."""
    return [Plaza(), UWebSockets(), Nchan(), Nats(), WebsocketsBroadcast(), SocketIo()]


def chosen(only: Sequence[str] = ()) -> list[Peer]:
    """Plaza, and those that are asked for.

    Args:
        only: their names, in any case; none: all.

    Raises:
        UnknownPeer: there is none of a name.
    """
    peers = everybody()
    wanted = {name.lower() for name in only}
    known = {peer.name.lower() for peer in peers}
    if strangers := sorted(wanted - known):
        names = ", ".join(peer.name for peer in peers)
        raise UnknownPeer(f"There is no peer {strangers[0]!r}. There are: {names}.")
    if not wanted:
        return peers
    return [peer for peer in peers if peer.name.lower() in wanted | {Plaza.name}]
