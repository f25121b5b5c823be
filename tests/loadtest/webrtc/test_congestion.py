"""Transport-wide feedback: what is written is read again, by us and by aiortc's framing."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.webrtc import congestion, rtcp
from loadtest.webrtc.congestion import TICK, Recorder


def read(report: bytes) -> list[tuple[int, float | None]]:
    [packet] = rtcp.parse(report)
    assert isinstance(packet, rtcp.TransportFeedback)
    return congestion.read(packet.body)


@given(
    st.integers(0, 65_535),
    st.lists(st.tuples(st.integers(1, 40), st.floats(0, 0.5)), min_size=1, max_size=60),
)
def test_arrivals_come_back(first: int, steps: list[tuple[int, float]]) -> None:
    recorder = Recorder(1)
    sequence, now = first, 1_000.0
    expected = {}
    for step, delay in steps:
        now += delay
        recorder.received(sequence, now)
        expected[sequence] = now
        sequence = (sequence + step) & 0xFFFF
    found: dict[int, float | None] = {}
    while report := recorder.report(2):
        assert len(report) % 4 == 0
        found.update(read(report))
    assert {number for number, at in found.items() if at is not None} == set(expected)
    for number, at in expected.items():
        seen = found[number]
        assert seen is not None
        assert abs(seen - at) <= TICK


def test_reports_follow_each_other() -> None:
    recorder = Recorder(1)
    for sequence in (65_534, 65_535, 1):
        recorder.received(sequence, 5.0)
    assert [(n, at is not None) for n, at in read(recorder.report(2))] == [
        (65_534, True), (65_535, True), (0, False), (1, True),
    ]  # fmt: skip
    assert recorder.report(2) == b""
    recorder.received(0, 5.1)  # it was reported to be lost
    assert recorder.report(2) == b""
    recorder.received(2, 5.2)
    [(number, at)] = read(recorder.report(2))
    assert number == 2
    assert at is not None
    assert abs(at - 5.2) <= TICK


def test_one_bit_vectors_are_read_too() -> None:
    # Packets 7 and 9 of three, 1 and 2 ticks behind 64 ms.
    body = bytes.fromhex("0007 0003 000001 00 a800 01 02".replace(" ", ""))
    assert congestion.read(body) == [
        (7, 0.064 + TICK), (8, None), (9, 0.064 + 3 * TICK),
    ]  # fmt: skip


@given(st.binary(max_size=60))
def test_nonsense_is_no_report(body: bytes) -> None:
    assert isinstance(congestion.read(body), list)
