"""media/turn_credentials.py"""

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.turn_credentials import IceServer, credential_of, ice_servers, link_of

NOW = 1_800_000_000


def servers_of(*urls, secret="north", name="118094", seconds=600):
    return ice_servers(urls, secret=secret, name=name, now=NOW, seconds=seconds)


def test_the_password_is_what_coturn_computes():
    # echo -n 1800000600:118094 | openssl dgst -binary -sha1 -hmac north | base64
    assert credential_of("1800000600:118094", "north") == "Fg6p9M2nb048HBk/rDXwbqgb1F8="


def test_only_what_relays_gets_credentials():
    stun, turn, turns = servers_of(
        "stun:stun.example:3478", "turn:turn.example:3478?transport=udp", "TURNS:turn.example"
    )
    assert stun == IceServer("stun:stun.example:3478")
    assert turn.username == turns.username == f"{NOW + 600}:118094"
    assert turn.credential == turns.credential == credential_of(turn.username, "north")


def test_without_a_secret_there_are_none():
    assert servers_of("turn:turn.example", secret="") == (IceServer("turn:turn.example"),)


def test_links_are_as_the_text_shows_them():
    stun, turn = servers_of("stun:stun.example", "turn:turn.example?transport=udp")
    assert link_of(stun) == '<stun:stun.example>; rel="ice-server"'
    assert link_of(turn) == (
        '<turn:turn.example?transport=udp>; rel="ice-server"; '
        f'username="{NOW + 600}:118094"; credential="{turn.credential}"; '
        'credential-type="password"'
    )


def as_obs_reads(header):
    """What obs-webrtc takes from a value of Link: see WHIPOutput::ParseLinkHeader."""
    found = []
    for value in header.split(","):
        url = username = password = ""
        for token in value.split(";"):
            quoted = token[token.find('"') + 1 : token.rfind('"')]
            if token.startswith(("<stun:", "<turn:")):
                url = token[token.find("<") + 1 : token.find(">")]
            elif "username=" in token:
                username = quoted
            elif "credential=" in token:
                password = quoted
        found.append((url, username, password))
    return found


@given(st.binary(min_size=1, max_size=40), st.integers(1, 2**62), st.integers(60, 86_400))
def test_obs_reads_them(secret, name, seconds):
    [turn] = servers_of("turn:turn.example", secret=secret.hex(), name=str(name), seconds=seconds)
    assert as_obs_reads(link_of(turn)) == [tuple(turn)]
    digest = hmac.new(secret.hex().encode(), turn.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn.credential) == digest


@pytest.mark.parametrize("attribute", ["username", "credential", "credential-type"])
def test_attributes_are_quoted_strings(attribute):
    [turn] = servers_of("turn:turn.example")
    assert len(re.findall(rf'; {attribute}="[^"\\]+"', link_of(turn))) == 1
