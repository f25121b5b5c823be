"""Which codecs are forwarded, and which of a peer's codecs is another's."""

from collections.abc import Iterable, Sequence

from media.description import Codec, Kind

# Those whose keyframes are known, as a viewer must start with one.
FORWARDED: dict[Kind, frozenset[str]] = {
    "audio": frozenset({"opus"}),
    "video": frozenset({"H264", "VP8", "VP9", "AV1"}),
}

# Profiles of H.264 by profile_idc, and which bits of profile_iop count (RFC 6184, table 5).
_H264_PROFILES = (
    (0x42, 0x4F, 0x40, "constrained baseline"),
    (0x4D, 0x8F, 0x80, "constrained baseline"),
    (0x58, 0xCF, 0xC0, "constrained baseline"),
    (0x42, 0x4F, 0x00, "baseline"),
    (0x58, 0xCF, 0x80, "baseline"),
    (0x4D, 0xAF, 0x00, "main"),
    (0x58, 0xCF, 0x00, "extended"),
    (0x64, 0xFF, 0x00, "high"),
    (0x64, 0xFF, 0x0C, "constrained high"),
)
# What a decoder that has none of the right profile is tried with: they decode more than they say.
_SECOND_BEST = ("constrained baseline", "baseline")
# Where it is missing. RFC 6184 (8.1) means baseline; browsers mean this, and mean it often.
_DEFAULT_PROFILE = "42e01f"


def forwarded(kind: Kind, codecs: Iterable[Codec]) -> tuple[Codec, ...]:
    """Those that can be forwarded, in their order.

    H.264 in packetization mode 0 is left out where there is mode 1: a packet of mode 0 may be sent
    in mode 1, but not the other way round, and who offers both sends the first that we answer.
    """
    known = [codec for codec in codecs if codec.name in FORWARDED[kind]]
    if any(_packetization_mode(codec) == 1 for codec in known if codec.name == "H264"):
        known = [
            codec for codec in known if codec.name != "H264" or _packetization_mode(codec) == 1
        ]
    return tuple(known)


def closest(codec: Codec, others: Sequence[Codec]) -> Codec | None:
    """The one of `others` with whose payload type packets of `codec` are sent; None: there is none.

    Of several that are as close, the first.

    Args:
        codec: of a publisher.
        others: of a viewer.
    """
    found = [(_distance(codec, other), other) for other in others]
    near = [(distance, other) for distance, other in found if distance is not None]
    return min(near, key=lambda pair: pair[0], default=(0, None))[1]


def _distance(codec: Codec, other: Codec) -> int | None:
    """0: the same; None: what is sent as the one cannot be received as the other."""
    if (codec.name, codec.clock_rate) != (other.name, other.clock_rate):
        return None
    if codec.name == "H264":
        return _h264_distance(codec, other)
    # VP9's profile is a bit depth and a subsampling that other decoders do not have (RFC 9628, 6);
    # AV1's is the like.
    name = {"VP9": "profile-id", "AV1": "profile"}.get(codec.name, "")
    return 0 if _parameter(codec, name, "0") == _parameter(other, name, "0") else None


def _h264_distance(codec: Codec, other: Codec) -> int | None:
    mode, other_mode = _packetization_mode(codec), _packetization_mode(other)
    if mode > other_mode:
        return None
    profile = _h264_profile(other)
    if profile == _h264_profile(codec):
        rank = 0
    elif profile in _SECOND_BEST:
        rank = 1 + _SECOND_BEST.index(profile)
    else:
        rank = 1 + len(_SECOND_BEST)
    return 2 * rank + (mode != other_mode)


def _h264_profile(codec: Codec) -> str:
    text = _parameter(codec, "profile-level-id", _DEFAULT_PROFILE).lower()
    try:
        idc, iop = int(text[:2], 16), int(text[2:4], 16)
    except ValueError:
        return text
    for known, mask, bits, name in _H264_PROFILES:
        if idc == known and iop & mask == bits:
            return name
    return text[:4]


def _packetization_mode(codec: Codec) -> int:
    return 1 if _parameter(codec, "packetization-mode", "0") == "1" else 0


def _parameter(codec: Codec, name: str, default: str) -> str:
    return dict(codec.parameters).get(name, default)
