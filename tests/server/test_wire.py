"""Frames, read back by the client side of a WebSocket library."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from protocol.codec import CODECS, JSON, MSGPACK, Codec
from protocol.events import Event, Message
from protocol.ids import Id
from server.wire import DeflatedCodec, FramedCodec, frame_header

FIN, RSV1, TEXT, BINARY = 0x80, 0x40, 0x1, 0x2

codecs = pytest.mark.parametrize("codec", list(CODECS.values()), ids=lambda codec: codec.name)


def read(frames: bytes, *, deflate: bool = False) -> list[Frame]:
    """What a client makes of the server's frames."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN, max_size=None)
    if deflate:
        client.extensions = [
            PerMessageDeflate(
                remote_no_context_takeover=True,
                local_no_context_takeover=True,
                remote_max_window_bits=15,
                local_max_window_bits=15,
            )
        ]
    client.receive_data(frames)
    events = client.events_received()
    assert client.parser_exc is None
    return [event for event in events if isinstance(event, Frame)]


def message(body: str, at: str = "") -> Message:
    return Message(room=Id(1), sender=Id(2), seq=3, event_id=Id(4), at=at, body=body)


def of_length(codec: Codec, length: int) -> Message:
    """A message whose encoding is so long."""
    # `at` makes up for the lengths at which a character more of body is two bytes more in all.
    for at in ("", "x", "xx"):
        for body in range(length - 100, length):
            event = message("x" * body, at)
            if len(codec.encode(event)) == length:
                return event
    raise ValueError(length)


def opcode(codec: Codec) -> Opcode:
    return Opcode.TEXT if codec.text else Opcode.BINARY


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        (2**40, b"\x81\x7f\x00\x00\x01\x00\x00\x00\x00\x00"),
    ],
)
def test_the_header_has_the_shortest_length_field(length: int, header: bytes) -> None:
    assert frame_header(FIN | TEXT, length) == header


@pytest.mark.parametrize("length", [125, 126, 65_535, 65_536, 70_000])
@codecs
def test_an_event_is_a_frame(codec: Codec, length: int) -> None:
    event = of_length(codec, length)
    (frame,) = read(FramedCodec(codec).frame(event))
    assert frame == Frame(opcode(codec), codec.encode(event))


@codecs
def test_frames_can_be_joined(codec: Codec) -> None:
    wire = FramedCodec(codec)
    events = [of_length(codec, length) for length in (120, 65_536, 126, 200)]
    frames = read(b"".join(map(wire.frame, events)))
    assert [frame.data for frame in frames] == [codec.encode(event) for event in events]


class TestDeflate:
    @codecs
    def test_long_frames_are_compressed_and_short_ones_are_not(self, codec: Codec) -> None:
        wire = DeflatedCodec(codec, min_bytes=256)
        short, long = of_length(codec, 255), of_length(codec, 256)
        assert wire.frame(short) == FramedCodec(codec).frame(short)
        compressed = wire.frame(long)
        assert compressed[0] == FIN | RSV1 | opcode(codec)
        assert len(compressed) < 256
        frames = read(wire.frame(short) + compressed + wire.frame(short), deflate=True)
        assert [frame.data for frame in frames] == [
            codec.encode(event) for event in (short, long, short)
        ]

    @codecs
    def test_each_frame_stands_alone(self, codec: Codec) -> None:
        """A receiver who came later reads it as well as one who got those before it."""
        wire = DeflatedCodec(codec, min_bytes=0)
        first, second = (wire.frame(message(body * 100)) for body in ("one ", "two "))
        assert read(first + second, deflate=True)[1] == read(second, deflate=True)[0]

    @pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
    @settings(deadline=None)
    @given(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=5),
        st.integers(0, 400),
    )
    def test_what_is_inflated_is_what_was_said(
        self, codec: Codec, bodies: list[str], min_bytes: int
    ) -> None:
        wire = DeflatedCodec(codec, min_bytes=min_bytes)
        events: list[Event] = [message(body) for body in bodies]
        frames = read(b"".join(map(wire.frame, events)), deflate=True)
        assert [bytes(frame.data) for frame in frames] == [codec.encode(event) for event in events]

    def test_a_large_frame(self) -> None:
        wire = DeflatedCodec(JSON, min_bytes=256)
        event = message("".join(chr(0x4E00 + n * n % 20_000) for n in range(30_000)))
        (frame,) = read(wire.frame(event), deflate=True)
        assert msgspec.json.decode(frame.data)["body"] == event.body
