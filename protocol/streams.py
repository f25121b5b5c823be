"""The nouns of live streams."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from protocol.ids import Id
from protocol.posts import Author, Media, Visibility
from protocol.records import Record, Time


class StreamState(StrEnum):
    """Where a stream is in its life."""

    IDLE = "idle"  # made, never live yet
    LIVE = "live"  # a publisher sends
    INTERRUPTED = "interrupted"  # the publisher is gone; viewers stay and wait, for a while
    ENDED = "ended"  # over for now: the publisher may start it again


class LiveOrder(StrEnum):
    """In which order the live list comes."""

    VIEWERS = "viewers"  # those with the most viewers first
    NEWEST = "newest"  # those that have gone live last


class HealthWarning(StrEnum):
    """What is wrong with what a streamer sends, and can be put right by them."""

    NO_VIDEO = "no_video"
    NO_AUDIO = "no_audio"
    HIGH_LOSS = "high_loss"  # 2 % and more of the packets are lost on the way here
    HIGH_JITTER = "high_jitter"
    RARE_KEYFRAMES = "rare_keyframes"  # more than 4 s from one to the next: viewers wait for them
    NO_KEYFRAMES = "no_keyframes"  # none on request either
    BITRATE_CAPPED = "bitrate_capped"  # more than is allowed: packets are dropped
    LOW_BITRATE = "low_bitrate"
    B_FRAMES = "b_frames"  # browsers show them in the wrong order
    UNSUPPORTED_BY_SOME = "unsupported_by_some"  # a codec that not every browser plays


class TrackHealth(Record, frozen=True):
    """One layer of what is sent, over the last seconds.

    `loss` is a fraction after retransmission; `jitter` and `round_trip` are in milliseconds,
    `keyframe_interval` in seconds; None: not known yet, or not of this kind of track.
    """

    kind: str
    codec: str
    rid: str = ""
    bitrate: int = 0  # bits per second
    packets: int = 0
    loss: float = 0.0
    jitter: float = 0.0
    frame_rate: float | None = None
    width: int | None = None
    height: int | None = None
    keyframe_interval: float | None = None
    round_trip: float | None = None


class StreamHealth(Record, frozen=True):
    """How a stream is, for its streamer."""

    state: StreamState
    bitrate: int = 0
    duration: float = 0.0  # seconds since it went live, or that it lasted
    viewers: int = 0
    peak_viewers: int = 0
    total_viewers: int = 0
    tracks: list[TrackHealth] = []
    warnings: list[HealthWarning] = []


class Stream(Record, frozen=True):
    """A live stream.

    `room` is its chat: a public room. `viewers` are those who watch now; `peak_viewers` the most
    there were at once, `total_viewers` all who have watched, since it last went live.
    """

    id: Id
    owner: Author
    title: str
    description: str
    category: str
    visibility: Visibility
    state: StreamState
    room: Id
    play_url: Annotated[str, Meta(description="The WHEP endpoint: a path on this server")]
    created_at: Time
    thumbnail: Media | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    viewers: int = 0
    peak_viewers: int = 0
    total_viewers: int = 0


def publish_url(stream: Id) -> str:
    """The path at which a stream is published (WHIP, RFC 9725)."""
    return f"/whip/{stream}"


def play_url(stream: Id) -> str:
    """The path at which a stream is watched (WHEP)."""
    return f"/whep/{stream}"
