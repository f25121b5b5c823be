"""Offers made for a test, and our side of their answers."""

from media.description import Candidate, Codec, Fingerprint, IceCredentials, Local
from media.sdp_answer import Outgoing

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)
LOCAL = Local(
    credentials=IceCredentials("plazaplaza", "p" * 32),
    candidates=(
        Candidate("2001:db8::1", 8189),
        Candidate("192.0.2.1", 8189),
        Candidate("192.0.2.1", 8189, "tcp"),
    ),
    fingerprint=Fingerprint("sha-256", ":".join(["CD"] * 32)),
    session_id=4711,
    version=2,
)
SESSION = (
    "v=0",
    "o=- 1 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    f"a=fingerprint:{FINGERPRINT}",
    "a=setup:actpass",
)
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "c=IN IP4 0.0.0.0",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
)
VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98",
    "c=IN IP4 0.0.0.0",
    "a=mid:1",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:* nack pli",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 transport-cc",
    "a=rtcp-fb:96 x-unheard-of",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96;rtx-time=3000",
    "a=rtpmap:98 H264/90000",
    "a=fmtp:98 packetization-mode=1; Profile-Level-Id=42e01f",
)
OUTGOING = (Outgoing("audio", (), 1111, 2222), Outgoing("video", (), 3333, 4444))


def text_of(*parts: tuple[str, ...], end: str = "\r\n", **changes: str) -> str:
    """Lines of an offer.

    Args:
        changes: what a line begins with, underscores for what cannot be a name -> what stands
            instead; empty: nothing does.
    """
    lines = [line for part in parts for line in part]
    for name, instead in changes.items():
        start = name.replace("__", ":").replace("_", "-")
        start = f"a={start}" if len(name) > 1 else f"{name}="
        assert any(line.startswith(start) for line in lines), start
        lines = [instead if line.startswith(start) else line for line in lines]
    return "".join(line + end for line in lines if line)


def h264(profile: str, mode: str = "1", payload_type: int = 96) -> Codec:
    """A codec of a peer."""
    parameters = (("packetization-mode", mode), ("profile-level-id", profile))
    return Codec("H264", payload_type, 90_000, parameters=parameters)


def lines_of(sdp: str) -> list[list[str]]:
    """The lines of an answer, those of the session first, then those of each section."""
    parts: list[list[str]] = [[]]
    assert sdp.endswith("\r\n")
    for line in sdp.split("\r\n")[:-1]:
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    return parts
