"""Sequence numbers and losses, against the algorithms as RFC 3550 prints them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from media.reception import CYCLE, MOST_AHEAD, MOST_BEHIND, Reception


class Reference:
    """RFC 3550, A.1 and A.3, line by line (but for the limits, which are ours)."""

    def __init__(self, sequence: int) -> None:
        self.base_seq = self.max_seq = sequence
        self.cycles = 0
        self.received = 0
        self.expected_prior = self.received_prior = 0

    def update(self, seq: int) -> None:
        udelta = (seq - self.max_seq) % CYCLE
        if udelta < MOST_AHEAD:
            if seq < self.max_seq:
                self.cycles += CYCLE
            self.max_seq = seq
        elif udelta < CYCLE - MOST_BEHIND:
            return
        self.received += 1

    @property
    def extended_max(self) -> int:
        return self.cycles + self.max_seq

    @property
    def lost(self) -> int:
        return self.extended_max - self.base_seq + 1 - self.received

    def fraction(self) -> int:
        expected = self.extended_max - self.base_seq + 1
        expected_interval = expected - self.expected_prior
        self.expected_prior = expected
        received_interval = self.received - self.received_prior
        self.received_prior = self.received
        lost_interval = expected_interval - received_interval
        if expected_interval == 0 or lost_interval <= 0:
            return 0
        return min(255, (lost_interval << 8) // expected_interval)


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.integers(-40, 60) | st.integers(-0x8000, 0x8000), min_size=1, max_size=150),
    st.integers(1, 20),
)
@settings(max_examples=200)
def test_against_the_reference(first: int, steps: list[int], every: int) -> None:
    reception, reference = Reception(first), Reference(first)
    reception.receive(first)
    reference.update(first)
    sequence = first
    for count, step in enumerate(steps):
        sequence = (reference.max_seq + step) % CYCLE
        reference.update(sequence)
        number = reception.receive(sequence)
        if number is None:
            assert MOST_AHEAD <= step % CYCLE < CYCLE - MOST_BEHIND
        else:
            assert number % CYCLE == sequence
        assert reception.highest - CYCLE == reference.extended_max
        assert reception.lost == reference.lost
        if count % every == 0:
            assert reception.fraction_lost() == reference.fraction()


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-200, 100), max_size=300))
@settings(max_examples=100)
def test_numbers_are_those_of_a_counter_that_never_wraps(first: int, steps: list[int]) -> None:
    """The true number of each packet is found, from its 16 bits alone."""
    true = highest = CYCLE + first
    reception = Reception(first)
    assert reception.receive(first) == true
    for step in steps:
        true = highest + step
        highest = max(highest, true)
        assert reception.receive(true % CYCLE) == true
        assert reception.number(true % CYCLE) == true


def test_numbers_count_on_through_the_wrap() -> None:
    reception = Reception(0xFFFE)
    found = [reception.receive(n) for n in (0xFFFE, 0xFFFF, 0, 1, 0xFFFF)]
    assert found == [0x1FFFE, 0x1FFFF, 0x20000, 0x20001, 0x1FFFF]
    assert reception.lost == -1, "a duplicate counts as received (A.3)"


def test_one_packet_from_elsewhere_is_passed_over_and_two_are_a_new_beginning() -> None:
    reception = Reception(100)
    reception.receive(100)
    assert reception.receive(30000) is None
    assert not reception.jumped
    assert reception.receive(101) == CYCLE + 101
    assert reception.receive(40000) is None
    assert not reception.jumped
    assert reception.receive(40001) is None
    assert reception.jumped


def test_loss_is_a_fraction_of_what_was_sent_since_the_last_report() -> None:
    reception = Reception(0)
    for sequence in range(0, 100, 2):
        reception.receive(sequence)
    assert reception.fraction_lost() == (49 << 8) // 99
    assert reception.fraction_lost() == 0
    for sequence in range(99, 150):
        reception.receive(sequence)
    assert reception.fraction_lost() == 0
    reception.receive(1149)
    assert reception.fraction_lost() == (999 << 8) // 1000
