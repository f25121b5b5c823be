"""What a server says of itself over HTTP: whether it is a Plaza, whether it works, its numbers."""

import contextlib
import re

import httpx
import orjson

from plaza_client.address import rest_url

_SECONDS = 10.0
_METRICS_SECONDS = 5.0
_REALM = 'realm="plaza"'  # of its challenges, RFC 6750

# The text format of Prometheus, but for what starts with #: a name, labels, a value, and perhaps a
# time, which Plaza does not give.
_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+(\S+)(?:\s+-?\d+)?")


class TargetError(Exception):
    """A server that cannot be measured: why not, and what to do about it."""


class Endpoint:
    """A server's HTTP interface; an asynchronous context manager.

    Args:
        url: of the server: http, https, ws or wss.
        metrics_url: of its /metrics, if they are bound to another address.

    Attributes:
        url: such as http://127.0.0.1:8080.

    Raises:
        TargetError: the address cannot be one.
    """

    def __init__(self, url: str, *, metrics_url: str | None = None) -> None:
        try:
            self._api = rest_url(url)
        except ValueError as error:
            raise TargetError(str(error)) from None
        self.url = self._api.removesuffix("/api/v1")
        self._metrics_url = metrics_url or f"{self.url}/metrics"
        self._metrics_expected = metrics_url is not None
        self._http = httpx.AsyncClient(timeout=_SECONDS)

    async def __aenter__(self) -> "Endpoint":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        """See that there is a Plaza that works.

        Raises:
            TargetError: there is none, or it does not.
        """
        # Who has no token is refused, and told by whom.
        answer = await self._get(f"{self._api}/me")
        if _REALM not in answer.headers.get("WWW-Authenticate", ""):
            raise TargetError(
                f"What answers at {self.url} is no Plaza: GET {self._api}/me has the HTTP status "
                f"{answer.status_code}, and not a Plaza's refusal. Give the address that clients "
                "connect to."
            )
        await self._see_that_it_is_ready()
        if self._metrics_expected:
            await self._see_that_it_has_metrics()

    async def metrics(self) -> dict[str, float]:
        """Its numbers; none, when it has none for us, or does not answer in time."""
        try:
            response = await self._http.get(self._metrics_url, timeout=_METRICS_SECONDS)
        except httpx.HTTPError:
            return {}
        return parsed_metrics(response.text) if response.is_success else {}

    async def about(self) -> dict[str, str]:
        """Its address, and `api`, the version of its REST interface, if it says."""
        about = {"url": self.url}
        with contextlib.suppress(TargetError, ValueError, KeyError, TypeError):
            document = orjson.loads((await self._get(f"{self._api}/schema")).content)
            about["api"] = str(document["info"]["version"])
        return about

    async def _see_that_it_is_ready(self) -> None:
        response = await self._get(f"{self.url}/readyz")
        # A proxy may well keep this path from strangers: then it is not known, and soon will be.
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return
        raise TargetError(
            f"The server at {self.url} is not ready: {_problems(response)}. Start when "
            f"{self.url}/readyz answers 200."
        )

    async def _see_that_it_has_metrics(self) -> None:
        response = await self._get(self._metrics_url)
        if not response.is_success or not parsed_metrics(response.text):
            raise TargetError(
                f"There are no metrics at {self._metrics_url} (HTTP status "
                f"{response.status_code}). Give the address of server.metrics_address, with "
                "/metrics."
            )

    async def _get(self, url: str) -> httpx.Response:
        try:
            return await self._http.get(url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = str(error) or type(error).__name__
            raise TargetError(
                f"Nothing answers at {url}: {problem}. See that the server runs and that this is "
                "its address; or leave --url out, and one is started."
            ) from None


def parsed_metrics(text: str) -> dict[str, float]:
    """The samples of Prometheus' text format: name with labels, as it stands there -> value."""
    samples = {}
    for line in text.splitlines():
        sample = _SAMPLE.fullmatch(line.strip())
        if sample is None:
            continue
        try:
            samples[sample[1]] = float(sample[2])
        except ValueError:
            continue
    return samples


def _problems(response: httpx.Response) -> str:
    try:
        checks = orjson.loads(response.content)["error"]["details"]
        problems = [f"{name}: {problem}" for name, problem in checks.items() if problem != "ok"]
    except (ValueError, KeyError, TypeError, AttributeError):
        problems = []
    return ", ".join(problems).rstrip(".") or "it does not say why"
