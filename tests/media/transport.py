"""The other end of a peer connection: checks, a DTLS association, paths that remember."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path as File
from typing import Any, Literal

from aioice import stun

from media.description import Answer, Fingerprint, IceCredentials
from media.dtls import Certificate, Dtls, DtlsState
from media.peer import Peer, Timeouts
from media.srtp import InboundSrtp, OutboundSrtp
from media.timers import Timers

# Datagrams of Chromium 140, FFmpeg 8.1 (with GnuTLS) and aioice 0.10 to a peer with `LOCAL`.
CAPTURED: dict[str, Any] = json.loads(
    (File(__file__).parent / "captures" / "transport.json").read_text()
)
LOCAL = IceCredentials(CAPTURED["ufrag"], CAPTURED["pwd"])
CHECKS = {
    name: [bytes.fromhex(text) for text in texts] for name, texts in CAPTURED["checks"].items()
}
OURS = Certificate.generate()
THEIRS = Certificate.generate()


def check(
    local: IceCredentials = LOCAL,
    *,
    nominate: bool = True,
    priority: int = 1_845_501_695,
    number: int = 1,
    **others: Any,
) -> bytes:
    """A Binding request to a peer with these credentials.

    Args:
        others: further attributes, `_` for `-` in their names; None leaves one out.
    """
    attributes: dict[str, Any] = {
        "USERNAME": f"{local.ufrag}:theirs",
        "PRIORITY": priority,
        "ICE-CONTROLLING": 7,
    }
    if nominate:
        attributes["USE-CANDIDATE"] = None
    for name, value in others.items():
        attributes.pop(name.replace("_", "-"), None)
        if value is not None:
            attributes[name.replace("_", "-")] = value
    message = stun.Message(
        stun.Method.BINDING, stun.Class.REQUEST, number.to_bytes(12, "big"), attributes
    )
    message.add_message_integrity(local.pwd.encode())
    return bytes(message)


class WirePath:
    """A path that remembers what was sent."""

    def __init__(self, host: str = "192.0.2.1", port: int = 5000) -> None:
        self.peer: Peer | None = None
        self.address = (host, port)
        self.remote = f"udp {host}:{port}"
        self.sent: list[bytes] = []
        self.closes = 0

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        start = 0
        for size in sizes:
            self.sent.append(bytes(buffer[start : start + size]))
            start += size

    def close(self) -> None:
        self.closes += 1
        self.peer = None

    def take(self) -> list[bytes]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


class Log:
    """A session that remembers what it was told."""

    def __init__(self) -> None:
        self.peer: Peer | None = None
        self.told: list[tuple[Any, ...]] = []
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []

    def attached(self, peer: Peer) -> None:
        assert self.peer is None
        self.peer = peer

    def connected(self, now: float) -> None:
        self.told.append(("connected", now))

    def receive_rtp(self, data: bytes, now: float) -> None:
        self.rtp.append(data)

    def receive_rtcp(self, data: bytes, now: float) -> None:
        self.rtcp.append(data)

    def closed(self, reason: str, now: float) -> None:
        self.told.append(("closed", reason, now))


def shake(one: Dtls, other: Dtls, pass_on: Callable[[bytes], bool] = lambda datagram: True) -> None:
    """Carry datagrams to and fro until there are none; `pass_on` says which arrive."""
    quiet = False
    while not quiet:
        quiet = True
        for source, target in ((one, other), (other, one)):
            for datagram in source.datagrams_to_send():
                quiet = False
                if pass_on(datagram):
                    target.receive(datagram)


class Remote:
    """A peer of ours, its session, and the controlling agent at the other end."""

    def __init__(
        self,
        *,
        role: Literal["client", "server"] = "server",
        fingerprints: tuple[Fingerprint, ...] = (THEIRS.fingerprint,),
        certificate: Certificate = THEIRS,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        now: float = 100.0,
    ) -> None:
        self.now = now
        self.timers = Timers()
        self.session = Log()
        answer = Answer(
            sdp="",
            sections=(),
            remote=IceCredentials("theirs", "their-password-of-22-by"),
            fingerprints=fingerprints,
            dtls_role=role,
        )
        self.peer = Peer(
            local=LOCAL,
            answer=answer,
            certificate=OURS,
            session=self.session,
            timers=self.timers,
            now=now,
            timeouts=timeouts,
        )
        self.path = WirePath()
        self.dtls = Dtls(
            certificate,
            role="client" if role == "server" else "server",
            fingerprints=(OURS.fingerprint,),
        )
        self.srtp_in: InboundSrtp | None = None
        self.srtp_out: OutboundSrtp | None = None

    def check(self, path: WirePath | None = None, **options: Any) -> bool:
        """Send a check by `path`."""
        return self.peer.receive_check(check(**options), path or self.path, self.now)

    def exchange(self) -> None:
        """Carry what both sides have to say, until there is nothing; STUN's answers are dropped."""
        while True:
            theirs = self.dtls.datagrams_to_send()
            ours = [datagram for datagram in self.path.take() if 19 < datagram[0] < 64]
            if not theirs and not ours:
                return
            for datagram in theirs:
                self.peer.receive(datagram, self.path, self.now)
            for datagram in ours:
                self.dtls.receive(datagram)

    def connect(self) -> "Remote":
        """ICE and DTLS, until both sides are through."""
        assert self.check()
        self.dtls.start()
        self.exchange()
        assert self.dtls.state is DtlsState.CONNECTED
        self.srtp_in, self.srtp_out = self.dtls.srtp()
        return self

    def pass_time(self, seconds: float, *, checks: bool = False) -> None:
        """Let time pass, a second at a time, with a check each time where `checks` says so."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 1.0, end)
            if checks:
                self.check(nominate=False)
            self.timers.run(self.now)
