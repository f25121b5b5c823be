"""What real peers said: offers and packets of tests/media/captures."""

import json
from pathlib import Path

CAPTURES = Path(__file__).parent / "captures"
OFFERS = sorted(path.stem for path in CAPTURES.glob("*.sdp"))
PACKETS: dict[str, dict[str, list[str]]] = json.loads((CAPTURES / "packets.json").read_text())


def offer(name: str) -> str:
    """The offer of a peer, its line ends included."""
    return (CAPTURES / f"{name}.sdp").read_bytes().decode()


def packets(kind: str) -> list[bytes]:
    """All RTP or RTCP packets, in the clear."""
    return [bytes.fromhex(text) for peer in PACKETS.values() for text in peer.get(kind, ())]
