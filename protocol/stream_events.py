"""What the server says of live streams."""

from protocol.events import Event
from protocol.ids import Id
from protocol.records import Time
from protocol.streams import Stream, StreamState


class StreamStarted(Event, tag="stream.started"):
    """Somebody whom one follows has gone live; or a stream whose chat one has open has."""

    stream: Stream


class StreamChanged(Event, tag="stream.changed"):
    """The publisher of a stream was interrupted, or is back; to those who have its chat open."""

    stream: Id
    state: StreamState


class StreamEnded(Event, tag="stream.ended"):
    """A stream is over."""

    stream: Id
    at: Time


class StreamViewers(Event, tag="stream.viewers", omit_defaults=False):
    """How many watch: the latest number, at most once a second; to those who have its chat open."""

    stream: Id
    viewers: int
