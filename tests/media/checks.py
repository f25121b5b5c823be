"""Connectivity checks as browsers make them, and a peer that does nothing but answer them."""

from typing import Any, cast

from aioice import stun

from media import stun as ours
from media.peer import Peer
from media.ports import Path
from media.relay import Relay

USERNAME_ONLY = {"PRIORITY": 1, "ICE-CONTROLLING": 1}


def check(ufrag: str, pwd: str, *, nominate: bool = True) -> bytes:
    """A Binding request to a peer with these credentials."""
    message = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        attributes={"USERNAME": f"{ufrag}:theirs", **USERNAME_ONLY},
    )
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(pwd.encode())
    message.add_fingerprint()
    return bytes(message)


class EchoPeer:
    """As far as the endpoint goes, a peer: it answers authentic checks, and echoes all else."""

    def __init__(self, ufrag: str = "abcd", pwd: str = "p" * 22) -> None:
        self.local_ufrags: tuple[str, ...] = (ufrag,)
        self.pwd = pwd
        self.path: Path | None = None
        self.registry: Relay | None = None
        self.received: list[bytes] = []
        self.fails = False

    @property
    def as_peer(self) -> Peer:
        return cast(Peer, self)

    def check(self, **options: Any) -> bytes:
        """A check that it takes for authentic."""
        return check(self.local_ufrags[0], self.pwd, **options)

    def receive_check(self, data: bytes, path: Path, now: float) -> bool:
        request = ours.parse(data)
        if request is None or not request.is_authentic(self.pwd.encode()):
            return False
        path.peer = self.as_peer
        if request.nominates:
            self.path = path
        path.send(request.success(path.address, self.pwd.encode()))
        return True

    def receive(self, data: bytes, path: Path, now: float) -> None:
        if self.fails:
            raise RuntimeError("a bug")
        self.received.append(data)
        path.send(b"\x80" + data)
