"""server/tokens.py."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from protocol.errors import TOKEN_EXPIRED, UNAUTHORIZED, PlazaError
from protocol.ids import Id
from server.tokens import Claims, TokenKey, new_refresh_token, refresh_token_hash

SECRET = bytes(range(32))
NOW = 1_800_000_000.5
KEY = TokenKey(SECRET, lifetime=900)


def signed(*, algorithm: str = "HS256", secret: bytes = SECRET, **claims: object) -> str:
    whole = {"iss": "plaza", "sub": "5", "sid": "6", "iat": int(NOW), "exp": int(NOW) + 900}
    chosen = {name: value for name, value in (whole | claims).items() if value is not None}
    return jwt.encode({"alg": algorithm}, chosen, OctKey.import_key(secret), [algorithm])


def refusal(token: str, now: float = NOW) -> PlazaError:
    with pytest.raises(PlazaError) as caught:
        KEY.read(token, now)
    return caught.value


def test_reads_what_it_issued():
    token = KEY.issue(Id(5), Id(6), NOW)
    assert KEY.read(token, NOW) == Claims(Id(5), Id(6))
    assert KEY.read(token, NOW + 899) == Claims(Id(5), Id(6))


def test_ids_are_strings_in_the_token():
    claims = json.loads(base64.urlsafe_b64decode(KEY.issue(Id(5), Id(6), NOW).split(".")[1] + "=="))
    assert claims == {
        "iss": "plaza",
        "sub": "5",
        "sid": "6",
        "iat": 1_800_000_000,
        "exp": 1_800_000_900,
    }


def test_expires():
    token = KEY.issue(Id(5), Id(6), NOW)
    assert refusal(token, NOW + 900).spec is TOKEN_EXPIRED


@pytest.mark.parametrize(
    "token",
    [
        signed(secret=bytes(32)),
        signed(algorithm="HS512", secret=bytes(64)),
        signed(algorithm="HS384", secret=SECRET * 2),
        signed(iss="elsewhere"),
        signed(iss=None),
        signed(exp=None),
        signed(exp="soon"),
        signed(exp=[1]),
        signed(sub=None),
        signed(sub=5),
        signed(sub="-5"),
        signed(sub="five"),
        signed(sid=None),
        "",
        "a.b.c",
        "not a token",
        "é" * 40,
        "\ud800",
        "x" * 100_000,
    ],
)
def test_refuses_what_it_did_not_issue(token: str):
    assert refusal(token).spec is UNAUTHORIZED


def test_refuses_an_unsigned_token():
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert refusal(f"{header}.{signed().split('.')[1]}.").spec is UNAUTHORIZED


@given(st.text())
def test_refuses_anything(token: str):
    assert refusal(token).spec is UNAUTHORIZED


def test_refuses_a_short_key():
    with pytest.raises(ValueError, match="32 bytes"):
        TokenKey(b"short", lifetime=900)


def test_refresh_tokens_differ_and_are_kept_as_hashes():
    first, second = new_refresh_token(), new_refresh_token()
    assert first != second
    assert len(first) == 43
    assert len(refresh_token_hash(first)) == 32
    assert refresh_token_hash(first) == refresh_token_hash(first) != refresh_token_hash(second)
