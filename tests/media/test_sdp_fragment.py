"""media/sdp_fragment.py: trickle ICE and restarts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import sdp_fragment
from media.description import IceCredentials
from media.sdp_fragment import Fragment, SdpError, restart_answer
from tests.media.offering import LOCAL

# In the form of RFC 9725, 4.3.2: the group names a section that the fragment leaves out.
TRICKLED = """a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw
a=end-of-candidates
""".replace("\n", "\r\n")


def test_candidates() -> None:
    fragment = sdp_fragment.parse(TRICKLED)
    assert fragment.credentials == IceCredentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert fragment.sections == (("audio 9 UDP/TLS/RTP/SAVPF 111", "0"),)
    assert fragment.bundle == ("0", "1")
    assert [one.split()[4] for one in fragment.candidates] == ["192.0.2.1", "198.51.100.2"]
    assert fragment.ended


def test_a_restart_is_answered_in_its_sections() -> None:
    fragment = sdp_fragment.parse(TRICKLED)
    assert restart_answer(fragment, LOCAL).split("\r\n") == [
        "a=ice-lite",
        "a=ice-options:trickle ice2",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=ice-ufrag:plazaplaza",
        f"a=ice-pwd:{'p' * 32}",
        "a=candidate:1 1 udp 2130706431 2001:db8::1 8189 typ host",
        "a=candidate:2 1 udp 2130706175 192.0.2.1 8189 typ host",
        "a=candidate:3 1 tcp 1520434687 192.0.2.1 8189 typ host tcptype passive",
        "a=end-of-candidates",
        "",
    ]


def test_credentials_alone() -> None:
    """For the whole session, as RFC 8840 allows."""
    fragment = sdp_fragment.parse("a=ice-ufrag:abcd\na=ice-pwd:" + "p" * 22)
    assert fragment == Fragment(IceCredentials("abcd", "p" * 22), (), (), (), False)
    answer = restart_answer(fragment, LOCAL)
    assert "a=ice-ufrag:plazaplaza\r\n" in answer
    again = sdp_fragment.parse(answer)
    assert again.credentials == LOCAL.credentials
    assert len(again.candidates) == 3


def test_candidates_alone() -> None:
    fragment = sdp_fragment.parse("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n")
    assert fragment.credentials is None
    assert not fragment.ended


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{}", "Line 1"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid"),
        ("m=audio\na=mid:0", "m= line"),
        ("a=ice-ufrag:a\na=ice-pwd:b", "a=ice-ufrag"),
        ("a=candidate:1\n" * 257, "256"),
        ("a=x\n" * 20_000, "65536"),
    ],
)
def test_what_is_refused(body: str, sentence: str) -> None:
    with pytest.raises(SdpError, match=sentence):
        sdp_fragment.parse(body)


@given(st.lists(st.tuples(st.integers(0, 400), st.characters()), max_size=6) | st.text(max_size=60))
def test_anything_at_all(changes: str | list[tuple[int, str]]) -> None:
    """Nothing but `SdpError` escapes; what is answered can be read."""
    if isinstance(changes, list):
        characters = list(TRICKLED)
        for place, character in changes:
            characters[place % len(characters)] = character
        changes = "".join(characters)
    try:
        fragment = sdp_fragment.parse(changes)
    except SdpError:
        return
    answer = restart_answer(fragment, LOCAL)
    assert answer.isascii()
    again = sdp_fragment.parse(answer)
    assert again.sections == fragment.sections
    assert again.credentials == LOCAL.credentials
