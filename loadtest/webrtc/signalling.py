"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): an offer posted, an answer got."""

from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from loadtest.webrtc.answer import parse_answer
from loadtest.webrtc.description import Answer

_SDP = "application/sdp"


class NotTaken(Exception):
    """The server does not want the offer.

    Attributes:
        status: of its response.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Resource:
    """What the server has made of an offer.

    Attributes:
        url: of the session, absolute.
        etag: of its ICE session.
        answer: read.
        text: the answer as it came.
    """

    url: str
    etag: str
    answer: Answer
    text: str


async def post_offer(
    http: httpx.AsyncClient, url: str, offer: str, token: str | None = None
) -> Resource:
    """Begin a session.

    Args:
        url: the endpoint, absolute.
        token: the stream's key, or an access token; None: neither.

    Raises:
        NotTaken: the server refuses.
        Refusal: its answer cannot be used.
    """
    headers = {"Content-Type": _SDP}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    response = await http.post(url, content=offer, headers=headers)
    if response.status_code != httpx.codes.CREATED:
        raise NotTaken(response.status_code, response.text)
    return Resource(
        url=urljoin(url, response.headers["Location"]),
        etag=response.headers.get("ETag", ""),
        answer=parse_answer(response.text),
        text=response.text,
    )


async def delete(http: httpx.AsyncClient, resource: Resource, token: str | None = None) -> None:
    """End a session.

    Raises:
        NotTaken: the server refuses.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = await http.delete(resource.url, headers=headers)
    if not response.is_success:
        raise NotTaken(response.status_code, response.text)
