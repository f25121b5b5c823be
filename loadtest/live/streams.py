"""Streams for a scenario, made over REST by a person, and deleted when it is over."""

from contextlib import suppress
from urllib.parse import urljoin

import httpx
import msgspec
from msgspec import Struct

from loadtest.crowd.orders import Person
from loadtest.target import TargetError

_SECONDS = 20.0


class Stream(Struct):
    """Of a stream that was made, what is needed here; the addresses are absolute.

    Attributes:
        token: of whom it belongs to.
    """

    id: str
    publish_url: str
    stream_key: str
    play_url: str
    token: str = ""


class _Problem(Struct):
    code: str
    message: str


class _Refusal(Struct):
    error: _Problem


class Streams:
    """Those of one run; an asynchronous context manager.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(base_url=f"{url}/api/v1/streams", timeout=_SECONDS)
        self._made: list[Stream] = []

    async def __aenter__(self) -> "Streams":
        return self

    async def __aexit__(self, *exception: object) -> None:
        for stream in self._made:
            # Whoever ends it may be one who found the server gone.
            with suppress(httpx.HTTPError):
                await self._http.delete(f"/{stream.id}", headers=_bearer(stream.token))
        await self._http.aclose()

    async def make(self, person: Person) -> Stream:
        """Make a stream of somebody's.

        Raises:
            TargetError: the server does not.
        """
        try:
            response = await self._http.post(
                "", json={"title": "Load test"}, headers=_bearer(person.token)
            )
        except httpx.HTTPError as error:
            raise TargetError(
                f"No stream could be made at {self._url}: {str(error) or type(error).__name__}. "
                "See that the server is still there."
            ) from None
        try:
            response.raise_for_status()
            stream = msgspec.json.decode(response.content, type=Stream)
        except (httpx.HTTPStatusError, msgspec.DecodeError):
            raise TargetError(_words(response)) from None
        stream.publish_url = urljoin(self._url, stream.publish_url)
        stream.play_url = urljoin(self._url, stream.play_url)
        stream.token = person.token
        self._made.append(stream)
        return stream


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _words(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=_Refusal).error
        why = f"{problem.code}: {problem.message}"
    except msgspec.DecodeError:
        why = "it does not say why. It may have no live streams, or be no Plaza"
    return f"The server makes no stream: HTTP status {response.status_code}, {why.rstrip('.')}."
