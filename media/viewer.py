"""One who receives: its subscriptions, what it reports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from media import rtcp
from media.broadcast import Broadcast
from media.description import Answer, Kind
from media.estimate_choice import estimator_for
from media.layer_choice import LayerChoice
from media.packet import Packet
from media.presentation import ntp_time
from media.subscription import REPLAY_SECONDS, Subscription
from media.timers import Timer, Timers
from media.viewer_stats import ViewerStats

if TYPE_CHECKING:
    from media.layer import Layer
    from media.peer import Peer

REPORT_SECONDS = 1.0
# The line is looked at as its estimate changes, but not more often than this.
CHOICE_SECONDS = 0.2
# Of the estimate, what video may have: the rest is for retransmissions.
FOR_VIDEO = 0.95


class Viewer:
    """One who watches a broadcast; a `media.ports.Session`. It counts from `connected` to `closed`.

    Args:
        answer: to its offer: what it can play, and under which numbers.
        broadcast: what it watches.
        cname: of what we send (RFC 3550, 6.5.1), as the answer has it.
        timers: everybody's.

    Attributes:
        peer: its connection; None before `attached`, and after `closed`.
    """

    __slots__ = (
        "_broadcast",
        "_burst",
        "_by_layer",
        "_by_ssrc",
        "_choice",
        "_chosen",
        "_cname",
        "_counts",
        "_estimator",
        "_octets",
        "_paused_until",
        "_reports",
        "_since",
        "_stats",
        "_subscriptions",
        "_timer",
        "_timers",
        "peer",
    )

    def __init__(
        self, *, answer: Answer, broadcast: Broadcast, cname: str, timers: Timers, now: float
    ) -> None:
        self.peer: Peer | None = None
        self._broadcast = broadcast
        self._burst = broadcast.burst
        self._counts = broadcast.counts
        self._timers = timers
        self._cname = cname.encode()
        self._subscriptions: dict[Kind, Subscription] = {}
        for section in answer.sections:
            if section.ssrc and section.codecs and section.kind not in self._subscriptions:
                self._subscriptions[section.kind] = Subscription(section, self._burst, self._counts)
        self._by_ssrc = {
            subscription.ssrc: subscription for subscription in self._subscriptions.values()
        }
        self._by_layer: dict[Layer, Subscription] = {}
        self._choice = LayerChoice()
        self._chosen = now
        self._estimator = estimator_for(answer.sections)
        self._stats = ViewerStats()
        self._since, self._octets = now, 0  # of the last receiver report that was acted upon
        self._paused_until = now
        self._timer: Timer | None = None  # of a replay
        self._reports: Timer | None = None

    @property
    def stats(self) -> ViewerStats:
        """What it was sent, and what it says of it, as of now."""
        stats = self._stats
        stats.packets = sum(each.sent for each in self._subscriptions.values())
        stats.octets = sum(each.octets for each in self._subscriptions.values())
        stats.estimate = self._estimator.bitrate
        video = self._subscriptions.get("video")
        stats.rid = video.layer.rid if video is not None and video.layer is not None else ""
        return stats

    # Its life

    def attached(self, peer: "Peer") -> None:
        """The peer is made."""
        self.peer = peer

    def connected(self, now: float) -> None:
        """It watches from now on, and gets the picture there is."""
        self._broadcast.add(self, now)

    def begin(self, now: float) -> None:
        """It is one of the broadcast's viewers: called by the broadcast."""
        self.choose_layers(now)
        self._reports = self._timers.call_at(now + REPORT_SECONDS, self._report)
        self._continue(now)

    def close(self, reason: str, now: float) -> None:
        """Send it away."""
        peer = self.peer
        if peer is not None:
            peer.send_rtcp(bytes(rtcp.Bye(tuple(self._by_ssrc))))
            peer.close(reason, now)

    def closed(self, reason: str, now: float) -> None:  # noqa: ARG002 - whatever the reason
        """The peer is gone."""
        self.peer = None
        for timer in (self._timer, self._reports):
            if timer is not None:
                timer.cancel()
        self._by_layer = {}
        self._broadcast.remove(self)

    # What it gets

    def choose(self, rid: str | None, now: float) -> bool:
        """Have one layer of a simulcast, by its rid, while it is sent; None: by the line.

        Returns:
            False: there is no such layer, and nothing has changed.
        """
        video = self._broadcast.tracks.get("video")
        layers = video.layers if video is not None else []
        if rid is not None and rid not in {layer.rid for layer in layers}:
            return False
        self._choice.rid = rid
        if self._reports is not None:
            self.choose_layers(now)
        return True

    def choose_layers(self, now: float) -> None:
        """The layers of the broadcast have changed, or the line has."""
        self._chosen = now
        for kind, subscription in self._subscriptions.items():
            track = self._broadcast.tracks.get(kind)
            if track is None or not track.layers:
                continue
            current = subscription.next_layer
            if kind == "video":
                layer = self._choice.choose(
                    *(track.layers, current, self._for_video(now), now),
                    waiting=subscription.target is not None,
                )
            else:
                layer = track.layers[0]
            if layer is not None:
                subscription.select(layer, now)
        self._by_layer = {
            layer: subscription
            for subscription in self._subscriptions.values()
            for layer in (subscription.layer, subscription.target)
            if layer is not None
        }
        timer = self._timer
        if (timer is None or timer.call is None) and self._is_replaying():
            self._timer = self._timers.call_at(now, self._continue)

    def _is_replaying(self) -> bool:
        return any(each.replaying for each in self._subscriptions.values())

    def _for_video(self, now: float) -> int | None:
        estimate = self._estimator.bitrate
        if estimate is None:
            return None
        audio = self._subscriptions.get("audio")
        other = audio.layer.bitrate(now) if audio is not None and audio.layer is not None else 0
        return max(round(estimate * FOR_VIDEO) - other, 0)

    def forward(self, layers: Sequence[tuple["Layer", list[Packet]]], now: float) -> None:
        """Send what of a flush is for it, in one burst.

        Args:
            layers: the flush's packets, those of each layer in the order in which they came.
        """
        peer = self.peer
        if peer is None or not self._burst.begin(peer, self._estimator):
            self._counts.dropped += sum(
                len(packets) for layer, packets in layers if layer in self._by_layer
            )
            return
        by_layer = self._by_layer
        replaying = False
        for layer, packets in layers:
            subscription = by_layer.get(layer)
            if subscription is not None and subscription.forward(layer, packets, now):
                replaying = True
        if replaying:
            self._advance(now)
        self._burst.end(now)

    def _advance(self, now: float) -> None:
        """Write what comes next of replays, and see to it that they go on."""
        if now < self._paused_until:
            return
        more = [each.advance(now) for each in self._subscriptions.values()]
        if any(more):
            self._paused_until = now + REPLAY_SECONDS
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._timers.call_at(self._paused_until, self._continue)

    def _continue(self, now: float) -> None:
        # What is in the stores and waits for a flush would be sent twice.
        self._broadcast.flush(now)
        peer = self.peer
        if peer is not None and self._burst.begin(peer, self._estimator):
            self._advance(now)
            self._burst.end(now)
        elif peer is not None and self._is_replaying():
            self._timer = self._timers.call_at(now + REPLAY_SECONDS, self._continue)

    # What it says

    def receive_rtp(self, data: bytes, now: float) -> None:
        """A viewer sends no media: ignored."""

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Reports, requests for packets and keyframes, what it says of its line."""
        for message in rtcp.parse(data):
            match message:
                case rtcp.Nack():
                    self._resend(message, now)
                case rtcp.TransportFeedback():
                    self._estimator.feedback(message, now)
                case rtcp.ReceiverReport() | rtcp.SenderReport():
                    self._reported(message.blocks, now)
                case rtcp.Remb():
                    self._estimator.told(message.bitrate, now)
                case rtcp.PictureLoss():
                    self._request_keyframe(message.media, now)
                case rtcp.FullIntraRequest():
                    for ssrc, _ in message.requests:
                        self._request_keyframe(ssrc, now)
        if now - self._chosen >= CHOICE_SECONDS:
            self.choose_layers(now)

    def _resend(self, nack: rtcp.Nack, now: float) -> None:
        subscription = self._by_ssrc.get(nack.media)
        peer = self.peer
        if subscription is None or peer is None:
            return
        self._stats.nacks += len(nack.lost)
        self._counts.nacks += len(nack.lost)
        if self._burst.begin(peer, self._estimator):
            written = subscription.resend(nack.lost, now, self._stats.round_trip)
            self._burst.end(now)
            self._stats.retransmitted += written
            self._counts.unanswered += len(nack.lost) - written

    def _request_keyframe(self, ssrc: int, now: float) -> None:
        subscription = self._by_ssrc.get(ssrc)
        if subscription is not None:
            self._stats.keyframe_requests += 1
            self._counts.keyframe_requests += 1
            subscription.request_keyframe(now)

    def _reported(self, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        worst: float | None = None
        for block in blocks:
            subscription = self._by_ssrc.get(block.ssrc)
            if subscription is None:
                continue
            worst = max(block.fraction_lost / 256, worst or 0.0)
            layer = subscription.layer
            if layer is not None:
                self._stats.jitter = block.jitter / layer.clock_rate
            if block.last_report:
                # RFC 3550, 6.4.1: the middle 32 bits of the NTP time, in 65,536ths of a second.
                trip = ((ntp_time(now) >> 16) - block.last_report - block.delay) & 0xFFFFFFFF
                if trip < 1 << 31:
                    self._stats.round_trip = trip / 65536
        if worst is None:
            return
        self._stats.loss = worst
        if now - self._since >= REPORT_SECONDS / 2:
            octets = self.stats.octets
            sending = (octets - self._octets) * 8 / (now - self._since)
            self._since, self._octets = now, octets
            self._estimator.reported(worst, round(sending), now)

    def _report(self, now: float) -> None:
        """Sender reports, each second, in one compound packet."""
        self._reports = self._timers.call_at(now + REPORT_SECONDS, self._report)
        self.choose_layers(now)
        line = self._broadcast.line
        for subscription in self._subscriptions.values():
            if subscription.layer is not None:
                line.follow(subscription.layer)
        reports = [
            report
            for subscription in self._subscriptions.values()
            if (report := subscription.report(line, now)) is not None
        ]
        if reports and self.peer is not None:
            names = tuple((report.ssrc, self._cname) for report in reports)
            self.peer.send_rtcp(rtcp.compound([*reports, rtcp.SourceDescription(names)]))
