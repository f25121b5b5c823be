"""media/extension_block.py, read back with media/extensions.py."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from media import extension_block as module
from media import extensions
from media.extension_block import Block, ExtensionBlock, extension_block
from media.extensions import FORWARDED, Extension
from tests.media.watching import H264, FakeTrack, video_section

LAYER = FakeTrack("video", H264).layers[0]
ALL = [each for each in Extension if each not in {Extension.RID, Extension.REPAIRED_RID}]


def whole(block: Block, number: bytes = b"\0\0") -> bytes:
    """What is written, with a transport-wide sequence number where there is room for one."""
    written = block.before if block.after is None else block.before + number + block.after
    assert len(written) == block.size
    return written


def read(block: bytes, ids: dict[int, int]) -> dict[int, bytes]:
    profile = int.from_bytes(block[:2], "big")
    assert len(block) == 4 + 4 * int.from_bytes(block[2:4], "big")
    return extensions.read(block, profile, 4, len(block), extensions.names(ids))


@given(
    ids=st.dictionaries(st.sampled_from(ALL), st.integers(1, 14), max_size=8).filter(
        lambda ids: len(set(ids.values())) == len(ids)
    ),
    sent=st.dictionaries(st.sampled_from(ALL), st.binary(min_size=1, max_size=40), max_size=5),
    now=st.floats(0, 1e6),
)
def test_what_was_agreed_upon_is_in_it(
    ids: dict[int, int], sent: dict[int, bytes], now: float
) -> None:
    block = ExtensionBlock("video", ids)
    packet = LAYER.packet(0, 0, extensions=sent)
    made = block.of(packet, now)
    assert block.of(packet, now) is made
    expected = {name: sent[name] for name in FORWARDED if name in ids and name in sent}
    if Extension.MID in ids:
        expected[Extension.MID] = b"video"
    if Extension.ABS_SEND_TIME in ids:
        expected[Extension.ABS_SEND_TIME] = extensions.abs_send_time(now)
    if Extension.TRANSPORT_SEQUENCE in ids:
        expected[Extension.TRANSPORT_SEQUENCE] = b"\x12\x34"
    written = whole(made, b"\x12\x34")
    assert (read(written, ids) if written else {}) == expected
    assert (made.after is not None) == (Extension.TRANSPORT_SEQUENCE in ids)


def test_it_is_made_anew_for_another_moment() -> None:
    block = ExtensionBlock("v", {Extension.ABS_SEND_TIME: 2})
    packet = LAYER.packet(0, 0)
    assert block.of(packet, 1.0) is block.of(LAYER.packet(1, 0), 1.0)
    assert whole(block.of(packet, 1.0)) != whole(block.of(packet, 1.5))


def test_viewers_who_agreed_upon_the_same_share_it() -> None:
    ids: dict[int, int] = {Extension.MID: 3, Extension.ABS_SEND_TIME: 2}
    one = extension_block(video_section(extensions=ids), varying=True)
    assert extension_block(video_section(extensions=ids), varying=True) is one
    assert extension_block(video_section(extensions=ids), varying=False) is not one
    assert extension_block(video_section(extensions=ids, mid="x"), varying=True) is not one


def test_nothing_is_kept_of_viewers_who_have_gone() -> None:
    for number in range(50):
        extension_block(video_section(mid=f"gone {number}"), varying=True)
    gc.collect()
    assert not [key for key in module._blocks if key[0].startswith("gone")]


def test_without_leave_to_vary_it_does_not() -> None:
    ids: dict[int, int] = {
        Extension.MID: 3,
        Extension.ABS_SEND_TIME: 2,
        Extension.TRANSPORT_SEQUENCE: 1,
    }
    block = extension_block(video_section(extensions=ids), varying=False)
    packet = LAYER.packet(0, 0)
    assert block.of(packet, 1).after is None
    assert read(whole(block.of(packet, 1)), ids) == {Extension.MID: b"1"}
    assert whole(block.of(packet, 1)) == whole(block.of(packet, 77))
