"""A stream as it happens: a publisher, who watches, and the clock."""

from typing import Any

from media.broadcast import Broadcast
from media.description import Section
from media.packet import Packet
from media.timers import Timers
from tests.media.watching import (
    H264,
    FakeLayer,
    FakePublisher,
    FakeTrack,
    NoFlushes,
    Received,
    RememberingStage,
    WatchingPeer,
    video_section,
    watch,
)

FRAME = 3000
SECONDS = FRAME / 90000


class Show:
    """A stream of one publisher, and its clock."""

    def __init__(self, *tracks: FakeTrack) -> None:
        self.now = 100.0
        self.timers = Timers()
        self.relay = NoFlushes()
        self.stage = RememberingStage()
        self.broadcast = Broadcast(
            1,
            relay=self.relay,
            stage=self.stage,
            timers=self.timers,
            grace_seconds=30,
            now=self.now,
        )
        self.publish(*(tracks or (FakeTrack("video", H264),)))

    def publish(self, *tracks: FakeTrack) -> None:
        self.publisher = FakePublisher(self.broadcast, *tracks)
        self.publisher.connected(self.now)

    @property
    def video(self) -> FakeLayer:
        return self.publisher.tracks["video"].layers[0]

    def watch(self, *sections: Section) -> WatchingPeer:
        return watch(self.broadcast, self.timers, self.now, *(sections or (video_section(),)))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while (when := self.timers.next()) is not None and when <= until:
            self.now = max(self.now, when)
            self.timers.run(self.now)
            self.relay.flush(self.now)
        self.now = until

    def flush(self) -> None:
        self.relay.flush(self.now)

    def packet(
        self,
        sequence: int,
        *,
        layer: FakeLayer | None = None,
        payload: bytes | None = None,
        **others: Any,
    ) -> Packet:
        """The packet of a layer whose frames are one packet each, which says its number."""
        packet = (layer or self.video).packet(
            sequence,
            sequence * FRAME,
            sequence.to_bytes(4, "big", signed=True) if payload is None else payload,
            now=self.now,
            **others,
        )
        self.broadcast.forward(packet)
        return packet

    def send(self, sequence: int, **others: Any) -> None:
        self.packet(sequence, **others)
        self.flush()


def numbers(packets: list[Received]) -> list[int]:
    """The publisher's numbers of packets of `Show.packet`."""
    return [int.from_bytes(packet.payload, "big", signed=True) for packet in packets]
