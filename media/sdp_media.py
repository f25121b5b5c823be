"""What an m= section of an offer says about its media: codecs, extensions, layers, sources."""

import re
from collections.abc import Iterable, Sequence

from media.description import Codec
from media.sdp_lines import Lines

# A publisher with more layers or sources than these is not one of people who stream.
RIDS_MOST = 8
SSRCS_MOST = 16

# Names differ in case between peers: OBS wrote OPUS. Ours are those of the RFCs.
_SPELLED = {name.lower(): name for name in ("H264", "VP8", "VP9", "AV1", "opus", "rtx")}
_RTPMAP = re.compile(r"(\d{1,3}) +([A-Za-z0-9.+_-]{1,32})/(\d{1,9})(?:/(\d{1,3}))?", re.ASCII)
_FMTP = re.compile(r"(\d{1,3}) +([ -~]{1,2000})", re.ASCII)
_FEEDBACK = re.compile(r"(\d{1,3}|\*) +([ -~]{1,64})", re.ASCII)
_EXTMAP = re.compile(r"(\d{1,3})(/[a-z]{1,16})? +([!-~]{1,200})( .*)?", re.ASCII)
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_SSRC = re.compile(r"[0-9]{1,10}")

Parameters = tuple[tuple[str, str], ...]


def codecs_of(lines: Lines, formats: Sequence[str]) -> tuple[Codec, ...]:
    """The codecs of a section, preferred first, each with the retransmissions offered for it.

    Args:
        formats: of the m= line. Those without an rtpmap are left out.
    """
    parameters = _parameters(lines.all("fmtp"))
    maps = _maps(lines.all("rtpmap"))
    feedback = _feedback(lines.all("rtcp-fb"))
    ordered = [maps[format_] for format_ in dict.fromkeys(formats) if format_ in maps]
    rtx: dict[str, int] = {}
    for number, name, _, _ in ordered:
        if name == "rtx":
            rtx.setdefault(dict(parameters.get(number, ())).get("apt", ""), int(number))
    return tuple(
        Codec(
            name=name,
            payload_type=int(number),
            clock_rate=clock_rate,
            channels=channels,
            parameters=parameters.get(number, ()),
            feedback=frozenset(feedback.get("*", set()) | feedback.get(number, set())),
            rtx=rtx.get(number),
        )
        for number, name, clock_rate, channels in ordered
        if name != "rtx"
    )


def _maps(values: Iterable[str]) -> dict[str, tuple[str, str, int, int]]:
    """By payload type: it, the name, the clock rate and the channels."""
    maps: dict[str, tuple[str, str, int, int]] = {}
    for value in values:
        # With rtcp-mux, payload types of 64 to 95 would be taken for RTCP (RFC 5761, 4).
        if (match := _RTPMAP.fullmatch(value)) and _is_payload_type(int(match[1])):
            name = _SPELLED.get(match[2].lower(), match[2])
            maps.setdefault(match[1], (match[1], name, int(match[3]), int(match[4] or 0)))
    return maps


def _is_payload_type(number: int) -> bool:
    return number < 64 or 96 <= number < 128


def _parameters(values: Iterable[str]) -> dict[str, Parameters]:
    """By payload type: the parameters, keys in lower case."""
    parameters: dict[str, Parameters] = {}
    for value in values:
        if match := _FMTP.fullmatch(value):
            pairs = [pair.strip().partition("=") for pair in match[2].split(";")]
            found = {key.strip().lower(): text.strip() for key, _, text in pairs if key.strip()}
            parameters.setdefault(match[1], tuple(found.items()))
    return parameters


def _feedback(values: Iterable[str]) -> dict[str, set[str]]:
    """By payload type, or * for all of them: kinds of feedback."""
    feedback: dict[str, set[str]] = {}
    for value in values:
        if match := _FEEDBACK.fullmatch(value):
            feedback.setdefault(match[1], set()).add(" ".join(match[2].lower().split()))
    return feedback


def extensions_of(lines: Lines, *, two_byte: bool) -> dict[str, int]:
    """URI -> id of the header extensions (RFC 8285, 5).

    Args:
        two_byte: ids that need two-byte headers are fine: the offer allows both kinds.
    """
    extensions: dict[str, int] = {}
    for value in lines.all("extmap"):
        match = _EXTMAP.fullmatch(value)
        if not match or match[2] == "/inactive":
            continue
        number = int(match[1])
        taken = number in extensions.values() or match[3] in extensions
        if not taken and 0 < number < (256 if two_byte else 15):
            extensions[match[3]] = number
    return extensions


def rids_of(lines: Lines) -> tuple[str, ...]:
    """The layers that an offerer would send (RFC 8853, 5.1), as it orders them."""
    sent = [value.split() for value in lines.all("rid")]
    declared = [words[0] for words in sent if words[1:2] == ["send"] and _RID.fullmatch(words[0])]
    wanted = _simulcast(lines.first("simulcast") or "")
    ordered = [rid for rid in wanted if rid in declared] if wanted else declared
    return tuple(dict.fromkeys(ordered))[:RIDS_MOST]


def _simulcast(value: str) -> list[str]:
    """The rids that are sent; of alternatives the first."""
    words = value.split()
    if "send" not in words[:-1]:
        return []
    # Chromium once wrote `send rid=q;h;f`, as an early draft has it.
    streams = words[words.index("send") + 1].removeprefix("rid=")
    return [stream.split(",")[0].removeprefix("~") for stream in streams.split(";")]


def ssrcs_of(lines: Lines) -> tuple[tuple[int, ...], ...]:
    """The sources that are announced, those of a simulcast group in its order.

    Groups of two are a source and its retransmissions (RFC 5576, 4.2; RFC 4588, 8.5).
    """
    groups = [value.split() for value in lines.all("ssrc-group")]
    fid = {words[1]: words[2] for words in groups if words[:1] == ["FID"] and len(words) == 3}
    layers = [word for words in groups if words[:1] == ["SIM"] for word in words[1:]]
    single = [value.split(" ", 1)[0] for value in lines.all("ssrc")]
    found: list[tuple[int, ...]] = []
    for ssrc in dict.fromkeys([*layers, *fid, *single]):
        if ssrc in fid.values():
            continue
        group = (ssrc, fid[ssrc]) if ssrc in fid else (ssrc,)
        numbers = tuple(int(word) for word in group if _SSRC.fullmatch(word))
        if len(numbers) == len(group) and all(number < 1 << 32 for number in numbers):
            found.append(numbers)
    return tuple(found[:SSRCS_MOST])
