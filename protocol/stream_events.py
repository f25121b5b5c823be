"""What the server says of live streams.

Signs of life: a reader that is behind does not get them, and reads the stream anew. That one has
begun or is over is told to those who follow its owner and have not muted them, and to those who
listen to its chat; the rest to the latter. Nobody is shown a stream that they could not read.
"""

from protocol.events import Event
from protocol.ids import Id
from protocol.records import Time
from protocol.streams import Stream, StreamState


class StreamStarted(Event, tag="stream.started"):
    """Somebody whom one follows has gone live; or a stream whose chat one listens to has."""

    stream: Stream


class StreamChanged(Event, tag="stream.changed"):
    """The publisher of a stream is gone for now, or is back; to those who listen to its chat."""

    stream: Id
    state: StreamState


class StreamEnded(Event, tag="stream.ended"):
    """A stream is over."""

    stream: Id
    at: Time


class StreamViewers(Event, tag="stream.viewers", omit_defaults=False):
    """How many watch a stream: the latest, at most once a second; to those in its chat."""

    stream: Id
    viewers: int


AnyStreamEvent = StreamStarted | StreamChanged | StreamEnded | StreamViewers
