"""media/rtcp.py and what it is made of, beside aiortc's."""

import pytest
from aiortc import rtp as aiortc
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp, rtcp_header
from media.remb import Remb
from media.rtcp_feedback import FullIntraRequest, Nack, PictureLoss
from media.rtcp_reports import Bye, ReceiverReport, ReportBlock, SenderReport, SourceDescription
from tests.media.captured import packets

WORD = st.integers(0, 2**32 - 1)
NUMBER = st.integers(0, 0xFFFF)
BLOCK = st.builds(
    ReportBlock,
    ssrc=WORD,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-(2**23), 2**23 - 1),
    highest=WORD,
    jitter=WORD,
    last_report=WORD,
    delay=WORD,
)
BLOCKS = st.lists(BLOCK, max_size=31).map(tuple)
MESSAGE: st.SearchStrategy[rtcp.Message] = st.one_of(
    st.builds(
        SenderReport,
        ssrc=WORD,
        ntp=st.integers(0, 2**64 - 1),
        rtp=WORD,
        packets=WORD,
        octets=WORD,
        blocks=BLOCKS,
    ),
    st.builds(ReceiverReport, ssrc=WORD, blocks=BLOCKS),
    st.builds(
        SourceDescription,
        st.tuples(st.tuples(WORD, st.binary(max_size=255))),
    ),
    st.builds(Bye, st.lists(WORD, max_size=31).map(tuple)),
    st.builds(PictureLoss, WORD, WORD),
    st.builds(
        FullIntraRequest,
        WORD,
        st.lists(st.tuples(WORD, st.integers(0, 255)), max_size=5).map(tuple),
    ),
    st.builds(
        Remb, WORD, st.integers(0, 2**18 - 1).map(lambda m: m << 7), st.lists(WORD).map(tuple)
    ),
)


@given(st.lists(MESSAGE, max_size=5))
def test_what_was_built_is_what_was_said(messages: list[rtcp.Message]) -> None:
    compound = rtcp.compound(messages)
    assert len(compound) % 4 == 0
    assert rtcp.parse(compound) == messages


@given(st.lists(NUMBER, unique=True, max_size=200), WORD, WORD)
def test_lost_packets(lost: list[int], sender: int, media: int) -> None:
    """All that were named are read, and no others, in whatever order."""
    written = bytes(Nack(sender, media, tuple(lost)))
    [message] = rtcp.parse(written)
    assert isinstance(message, Nack)
    assert set(message.lost) == set(lost)
    assert len(message.lost) == len(lost)
    [theirs] = aiortc.RtcpPacket.parse(written)
    assert isinstance(theirs, aiortc.RtcpRtpfbPacket)
    assert {number & 0xFFFF for number in theirs.lost} == set(lost)


def test_lost_packets_around_the_end_take_one_pair() -> None:
    nack = Nack(1, 2, (0xFFFE, 0xFFFF, 0, 13, 14))
    assert bytes(nack)[12:] == bytes.fromhex("fffe c003")
    assert rtcp.parse(bytes(nack)) == [nack]


def test_reports_are_those_of_aiortc() -> None:
    block = ReportBlock(7, 64, -3, 0x10002, 5, 0x12345678, 65536)
    theirs = aiortc.RtcpReceiverInfo(7, 64, -3, 0x10002, 5, 0x12345678, 65536)
    assert bytes(block) == bytes(theirs)
    assert bytes(ReceiverReport(1, (block,))) == bytes(aiortc.RtcpRrPacket(1, [theirs]))
    info = aiortc.RtcpSenderInfo(2**63, 9, 10, 11)
    ours = SenderReport(1, 2**63, 9, 10, 11, (block, block))
    assert bytes(ours) == bytes(aiortc.RtcpSrPacket(1, info, [theirs, theirs]))
    chunks = [aiortc.RtcpSourceInfo(1, [(1, b"cname")])]
    assert rtcp.parse(bytes(aiortc.RtcpSdesPacket(chunks))) == [SourceDescription(((1, b"cname"),))]
    named = aiortc.RtcpPacket.parse(bytes(SourceDescription(((1, b"cname"), (2, b"ab")))))
    assert [packet.chunks[0].ssrc for packet in named] == [1, 2]
    assert bytes(Bye((1, 2))) == bytes(aiortc.RtcpByePacket([1, 2]))
    loss = aiortc.RtcpPsfbPacket(aiortc.RTCP_PSFB_PLI, 1, 2)
    assert bytes(PictureLoss(1, 2)) == bytes(loss)


def test_what_does_not_fit_is_the_most_that_does() -> None:
    block = ReportBlock(1, 300, 2**24, 2**32 + 5, 2**40, 0, 2**40)
    assert ReportBlock.parse(bytes(block), 0) == ReportBlock(
        1, 255, 2**23 - 1, 5, 2**32 - 1, 0, 2**32 - 1
    )


@pytest.mark.parametrize("bitrate", [0, 1, 262143, 262144, 2_500_000, 10**9, 2**80, 2**90])
def test_estimates_are_those_of_aiortc(bitrate: int) -> None:
    written = bytes(Remb(1, bitrate, (2, 3)))
    [theirs] = aiortc.RtcpPacket.parse(written)
    assert isinstance(theirs, aiortc.RtcpPsfbPacket)
    found, ssrcs = aiortc.unpack_remb_fci(theirs.fci)
    [ours] = rtcp.parse(written)
    assert isinstance(ours, Remb)
    assert (ours.bitrate, ours.ssrcs) == (found, (2, 3)) == (found, tuple(ssrcs))
    # Of 18 bits of mantissa, and never more than was meant.
    assert bitrate * (1 - 2**-17) <= ours.bitrate <= bitrate or bitrate > 2**80


@given(st.binary(max_size=400))
def test_anything_at_all(data: bytes) -> None:
    assert len(rtcp.parse(data)) <= len(data) // 4


BODIES = st.tuples(
    st.sampled_from([200, 201, 202, 203, 205, 206]),
    st.integers(0, 31),
    st.binary(max_size=120).map(lambda body: body[: len(body) // 4 * 4]),
)


@given(st.lists(BODIES, max_size=4))
def test_any_body_of_any_type(bodies: list[tuple[int, int, bytes]]) -> None:
    rtcp.parse(b"".join(rtcp_header.packed(*body) for body in bodies))


@given(st.data())
def test_captured_packets_with_bits_turned(data: st.DataObject) -> None:
    packet = bytearray(data.draw(st.sampled_from(packets("rtcp"))))
    for index in data.draw(st.lists(st.integers(0, len(packet) - 1), max_size=4)):
        packet[index] ^= 1 << data.draw(st.integers(0, 7))
    rtcp.parse(bytes(packet))


@pytest.mark.parametrize("packet", packets("rtcp"), ids=lambda packet: packet[:8].hex())
def test_captured_packets(packet: bytes) -> None:
    """Understood whole, and said again word by word."""
    messages = rtcp.parse(packet)
    assert rtcp.parse(rtcp.compound(messages)) == messages
    assert len(messages) == len(list(rtcp_header.unpacked(packet)))


def test_captured_packets_are_of_all_kinds() -> None:
    """Feedback of Chromium's on the way as a whole and on lost packets among them."""
    kinds = {type(message) for packet in packets("rtcp") for message in rtcp.parse(packet)}
    assert kinds >= {SenderReport, ReceiverReport, SourceDescription, Bye, Nack, Remb}
    told = [
        message
        for packet in packets("rtcp")
        for message in rtcp.parse(packet)
        if isinstance(message, rtcp.TransportFeedback)
    ]
    assert sum(len(message.deltas) for message in told) > 20
    assert any(None in message.deltas for message in told)


def test_what_is_broken_does_not_hide_the_rest() -> None:
    loss = bytes(PictureLoss(1, 2))
    short = rtcp_header.packed(rtcp_header.SENDER_REPORT, 0, bytes(20))
    application = rtcp_header.packed(204, 1, bytes(8))
    cut = bytes(Bye((1, 2)))[:-4]
    both = [PictureLoss(1, 2)] * 2
    assert rtcp.parse(loss + short + application + loss) == both
    assert rtcp.parse(loss + loss + cut) == both
    assert rtcp.parse(cut + loss) != both[:1]


def test_padding_is_no_content() -> None:
    padded = bytearray(bytes(Bye((1,))) + bytes.fromhex("00000004"))
    padded[0] |= 0x20
    padded[3] += 1
    assert rtcp.parse(bytes(padded)) == [Bye((1,))]
    padded[-1] = 9
    assert rtcp.parse(bytes(padded)) == []


def test_items_that_are_no_cname_are_passed_over() -> None:
    chunk = bytes.fromhex("00000007 0202 6869 0103 616263 000000")
    assert rtcp.parse(rtcp_header.packed(202, 1, chunk)) == [SourceDescription(((7, b"abc"),))]
    nameless = bytes.fromhex("00000007 0202 6869 00000000 00000008 0101 61 00")
    assert rtcp.parse(rtcp_header.packed(202, 2, nameless)) == [SourceDescription(((8, b"a"),))]
