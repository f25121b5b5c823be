"""RTP header extensions (RFC 8285): those that Plaza knows, by their URIs."""

from enum import IntEnum


class Extension(IntEnum):
    """Those that are understood. The numbers are ours; each session has its own ids for them."""

    MID = 1
    RID = 2
    REPAIRED_RID = 3
    ABS_SEND_TIME = 4
    AUDIO_LEVEL = 5
    TRANSPORT_SEQUENCE = 6
    VIDEO_ORIENTATION = 7
    ABS_CAPTURE_TIME = 8
    PLAYOUT_DELAY = 9
    DEPENDENCY_DESCRIPTOR = 10


URIS = {
    Extension.MID: "urn:ietf:params:rtp-hdrext:sdes:mid",
    Extension.RID: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    Extension.REPAIRED_RID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    Extension.ABS_SEND_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    Extension.AUDIO_LEVEL: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    Extension.TRANSPORT_SEQUENCE: (
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    ),
    Extension.VIDEO_ORIENTATION: "urn:3gpp:video-orientation",
    Extension.ABS_CAPTURE_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    Extension.PLAYOUT_DELAY: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    Extension.DEPENDENCY_DESCRIPTOR: (
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    ),
}

# Passed on from the publisher to viewers as they are.
FORWARDED = frozenset(
    {
        Extension.AUDIO_LEVEL,
        Extension.VIDEO_ORIENTATION,
        Extension.ABS_CAPTURE_TIME,
        Extension.DEPENDENCY_DESCRIPTOR,
    }
)
