import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import close
from protocol.close import CATALOGUE, Close, delay_of, may_reconnect, with_delay


def every_close() -> list[Close]:
    return [entry for entry in vars(close).values() if isinstance(entry, Close)]


def test_codes_and_reasons_are_unique_and_all_in_the_catalogue() -> None:
    assert len(CATALOGUE) == len(every_close())
    assert len({entry.reason for entry in every_close()}) == len(every_close())
    assert all(CATALOGUE[entry.code] is entry for entry in every_close())


@pytest.mark.parametrize("entry", every_close(), ids=lambda entry: str(entry.code))
def test_each_fits_its_frame_and_has_a_meaning(entry: Close) -> None:
    assert entry.code in range(1000, 1016) or entry.code in range(4000, 5000)
    assert entry.code not in (1004, 1005, 1006, 1015)  # never in a frame: RFC 6455 section 7.4.1
    assert len(entry.reason.encode()) <= 123  # RFC 6455 section 5.5
    assert re.fullmatch(r"[a-z_ ]+", entry.reason)
    assert entry.text.endswith(".")


@given(st.integers(4000, 4999))
def test_the_range_says_whether_to_reconnect(code: int) -> None:
    assert may_reconnect(code) == (code < 4500)


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015])
def test_the_network_and_the_server_may_have_another_go(code: int) -> None:
    assert may_reconnect(code)


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010])
def test_a_client_that_is_wrong_would_be_wrong_again(code: int) -> None:
    assert not may_reconnect(code)


@pytest.mark.parametrize("entry", every_close(), ids=lambda entry: str(entry.code))
@given(seconds=st.floats(0, 9_999))
def test_the_delay_goes_into_the_reason_and_comes_out_again(entry: Close, seconds: float) -> None:
    delayed = with_delay(entry, seconds)
    assert delayed.code == entry.code
    assert delayed.reason.startswith(f"{entry.reason}; ")
    assert len(delayed.reason.encode()) <= 123
    assert delay_of(delayed.reason) == pytest.approx(seconds, abs=0.05001)


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("restart; retry_after=2.5", 2.5),
        ("restart; retry_after=3", 3.0),
        ("back soon; retry_after=0.125; thanks", 0.125),
        ("", None),
        ("restart", None),
        ("restart; retry_after=", None),
        ("restart; retry_after=-1", None),
        ("restart; retry_after=soon", None),
        ("restart; retry_after=99999", None),
    ],
)
def test_what_reasons_say_of_a_delay(reason: str, seconds: float | None) -> None:
    assert delay_of(reason) == seconds
