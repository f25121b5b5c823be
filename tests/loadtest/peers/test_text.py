"""Texts are told apart by their numbers, and by nothing less than the whole of them."""

import pytest

from loadtest.peers.text import Text

TEXT = Text(60)


@pytest.mark.parametrize("number", [0, 7, 9_999_999_999])
def test_a_number_is_found_again(number: int) -> None:
    assert len(TEXT.of(number)) == 60
    assert TEXT.number(b'{"body":"' + TEXT.of(number) + b'"}') == number


@pytest.mark.parametrize(
    "payload", [b"", b"PONG", TEXT.of(1)[:-1], TEXT.of(1)[1:], b"#12" + TEXT.of(1)[3:-1]]
)
def test_anything_else_is_none(payload: bytes) -> None:
    assert TEXT.number(payload) is None
