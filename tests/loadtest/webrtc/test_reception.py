"""What a receiver asks for, and what it reports."""

from loadtest.webrtc.reception import Reception


def reception(first: int = 65_530) -> Reception:
    return Reception(7, 90_000, first, patience=1.0)


def test_what_is_missing_is_asked_for_once_a_round_trip() -> None:
    source = reception()
    for sequence in (65_530, 65_531, 1):
        assert source.add(sequence, 0, 10.0) is not None
    missing = [65_532, 65_533, 65_534, 65_535, 0]
    assert source.wanted(10.0, 0.05) == missing
    assert source.wanted(10.04, 0.05) == []
    assert source.repair(65_535) == 65_535
    assert source.repair(65_535) is None
    assert source.wanted(10.06, 0.05) == [65_532, 65_533, 65_534, 0]
    assert source.add(0, 0, 10.07) == 65_536
    assert source.wanted(11.5, 0.05) == []
    assert not source.is_waiting
    assert (source.repaired, source.duplicates) == (1, 1)


def test_what_is_needed_no_more_is_forgotten() -> None:
    source = reception(0)
    source.add(0, 0, 1.0)
    source.add(5, 0, 1.0)
    source.forget(before=4)
    assert source.wanted(1.0, None) == [4]


def test_a_gap_without_end_is_not_asked_for() -> None:
    source = reception(0)
    source.add(0, 0, 1.0)
    source.add(20_000, 0, 1.0)
    assert len(source.wanted(1.0, None)) == 1_000


def test_a_report() -> None:
    source = reception()
    for sequence in (65_530, 65_531, 65_533, 65_535):
        source.add(sequence, 0, 10.0)
    report = source.report(10.0)
    assert (report.ssrc, report.highest_sequence, report.packets_lost) == (7, 65_535, 2)
    assert report.fraction_lost == 256 * 2 // 6
    source.add(0, 0, 10.1)
    source.sender_report = (0x1234_5678_9ABC_DEF0, 0, 10.0)
    report = source.report(10.5)
    assert report.highest_sequence == 65_536
    assert report.fraction_lost == 0
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32_768)
