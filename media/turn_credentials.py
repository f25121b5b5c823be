"""Credentials for a TURN server that are good for a while: made here, checked there.

The scheme that coturn (`use-auth-secret`), Pion and the hosted services share
(draft-uberti-behave-turn-rest-00): both sides know a secret, the user name begins with the Unix
time at which it expires, and the password is a digest of the user name. So nothing needs to be
told to the TURN server, and a password that leaks is worthless soon.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple

# RFC 7064 and RFC 7065. Only what relays wants credentials.
_RELAYS = ("turn:", "turns:")


class IceServer(NamedTuple):
    """A STUN or TURN server, as a client's RTCIceServer has it; STUN has empty credentials."""

    url: str
    username: str = ""
    credential: str = ""


def credential_of(username: str, secret: str) -> str:
    """The password of a user name: HMAC-SHA1 by the secret, in base64."""
    # SHA-1 is what the scheme says; as a keyed digest it is not broken.
    digest = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


def ice_servers(
    urls: Iterable[str], *, secret: str, name: str, now: int, seconds: int
) -> tuple[IceServer, ...]:
    """The servers, those that relay with credentials.

    Args:
        urls: `stun:`, `turn:` and `turns:` URIs.
        secret: that the TURN servers share; empty: they ask for no credentials of ours.
        name: whose they are, for the TURN server's logs and quotas.
        now: Unix time in seconds.
        seconds: how long they are good. An allocation that exists goes on to be refreshed with
            them for as long as the TURN server lets it.
    """
    username = f"{now + seconds}:{name}"
    credential = credential_of(username, secret) if secret else ""
    return tuple(
        IceServer(url, username, credential)
        if credential and url.lower().startswith(_RELAYS)
        else IceServer(url)
        for url in urls
    )


def link_of(server: IceServer) -> str:
    """The server as a value of the header Link (RFC 9725, 4.6).

    No comma may be in it: OBS splits header values there, whatever is quoted.
    """
    link = f'<{server.url}>; rel="ice-server"'
    if server.credential:
        link += (
            f'; username="{server.username}"; credential="{server.credential}"'
            '; credential-type="password"'
        )
    return link
