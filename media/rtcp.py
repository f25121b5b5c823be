"""Compound RTCP packets (RFC 3550, 6.1; reduced-size ones: RFC 5506), by what is in them.

Read with `parse`, written with `compound`; what they are made of has `parse` and `__bytes__`.
"""

from collections.abc import Callable, Iterable

from media import rtcp_header
from media.remb import APPLICATION, Remb
from media.rtcp_feedback import (
    FULL_INTRA_REQUEST,
    NACK,
    PICTURE_LOSS,
    FullIntraRequest,
    Nack,
    PictureLoss,
)
from media.rtcp_reports import (
    Bye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from media.twcc import TRANSPORT_WIDE, TransportFeedback

__all__ = [
    "Bye",
    "FullIntraRequest",
    "Message",
    "Nack",
    "PictureLoss",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "SenderReport",
    "SourceDescription",
    "TransportFeedback",
    "compound",
    "parse",
]

Message = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | Nack
    | TransportFeedback
    | PictureLoss
    | FullIntraRequest
    | Remb
)

# By packet type, those whose header has a count; by packet type and format, feedback.
_COUNTED: dict[int, Callable[[int, bytes], Message | None]] = {
    rtcp_header.SENDER_REPORT: SenderReport.parse,
    rtcp_header.RECEIVER_REPORT: ReceiverReport.parse,
    rtcp_header.SOURCE_DESCRIPTION: SourceDescription.parse,
    rtcp_header.BYE: Bye.parse,
}
_FEEDBACK: dict[tuple[int, int], Callable[[bytes], Message | None]] = {
    (rtcp_header.TRANSPORT_FEEDBACK, NACK): Nack.parse,
    (rtcp_header.TRANSPORT_FEEDBACK, TRANSPORT_WIDE): TransportFeedback.parse,
    (rtcp_header.PAYLOAD_FEEDBACK, PICTURE_LOSS): PictureLoss.parse,
    (rtcp_header.PAYLOAD_FEEDBACK, FULL_INTRA_REQUEST): FullIntraRequest.parse,
    (rtcp_header.PAYLOAD_FEEDBACK, APPLICATION): Remb.parse,
}


def parse(data: bytes) -> list[Message]:
    """What a compound packet says.

    Packets of types that are not understood are passed over, as are those that are broken within
    their length; where a length itself is wrong, what comes behind it is lost.

    Args:
        data: anything at all.
    """
    messages: list[Message] = []
    for packet_type, count, body in rtcp_header.unpacked(data):
        if counted := _COUNTED.get(packet_type):
            message = counted(count, body)
        elif feedback := _FEEDBACK.get((packet_type, count)):
            message = feedback(body)
        else:
            continue
        if message is not None:
            messages.append(message)
    return messages


def compound(messages: Iterable[Message]) -> bytes:
    """One packet that says all of them, in their order."""
    return b"".join(map(bytes, messages))
