"""A stream of somebody's, published and watched over real HTTP, with peers that really connect."""

import json
from typing import Any

import httpx

from protocol import errors
from protocol.ids import Id
from tests.server.live import PUBLISH, WATCH, House, Party
from tests.server.rest.conftest import Person, Site

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
ORIGIN = {"Origin": "https://elsewhere.example"}


class Stream:
    """A stream, and clients of it.

    Attributes:
        site: where it is; owner: whose it is.
        id: its id.
        key: its stream key.
        house: the sessions of the server.
    """

    def __init__(self, site: Site, owner: Person, made: dict[str, Any]) -> None:
        self.site = site
        self.owner = owner
        self.id = Id(int(made["id"]))
        self.key: str = made["stream_key"]
        self.whip = f"/whip/{self.id}"
        self.whep = f"/whep/{self.id}"
        self.house: House = site.house
        self._http = httpx.AsyncClient(base_url=site.url.removesuffix("/api/v1"))

    @classmethod
    async def make(cls, site: Site, owner: Person, **fields: Any) -> "Stream":
        site.streaming.carried_by(site.house.live)
        answer = await owner.post("/streams", json={"title": "Weaving, live", **fields})
        assert answer.status_code == 201, answer.text
        return cls(site, owner, answer.json())

    async def close(self) -> None:
        self.house.live.end_stream(self.id, "ended")
        await self._http.aclose()

    async def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Make a request, and check what is true of every answer."""
        headers = {**ORIGIN, **options.pop("headers", {})}
        answer = await self._http.request(method, url, headers=headers, **options)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Location" in answer.headers["access-control-expose-headers"]
        assert answer.headers["cache-control"] == "no-store"
        answer.code = problem_in(answer)  # type: ignore[attr-defined]
        return answer

    async def post_offer(self, url: str, offer: str, token: str | None, **headers: str) -> Any:
        bearer = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return await self.ask("POST", url, content=offer, headers={**SDP, **bearer, **headers})

    async def publish(self, offer: str = PUBLISH) -> httpx.Response:
        return await self.post_offer(self.whip, offer, self.key)

    async def watch(self, viewer: Person | None = None, offer: str = WATCH) -> httpx.Response:
        return await self.post_offer(self.whep, offer, viewer.access_token if viewer else None)

    async def patch(self, url: str, fragment: str, **headers: str) -> Any:
        return await self.ask("PATCH", url, content=fragment, headers={**FRAGMENT, **headers})

    def party_of(self, answer: httpx.Response) -> Party:
        """The client's end of a session."""
        assert answer.status_code == 201, answer.text
        _, role, _, session = answer.headers["location"].split("/")
        return Party(self.house.live.find(role, self.id, session))

    async def go_on_air(self, offer: str = PUBLISH) -> Party:
        party = self.party_of(await self.publish(offer)).connect(self.house.now)
        for sequence in range(3):
            party.send_picture(sequence, self.house.now)
        self.house.relay.flush(self.house.now)
        return party


def problem_in(answer: httpx.Response) -> str | None:
    """Check that an error is a problem as RFC 9457 has it; return its code."""
    if answer.status_code < 400 or answer.request.method == "HEAD":
        return None
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.content)
    assert set(problem) == {"type", "title", "status", "detail", "code"}
    assert problem["type"] == "about:blank"
    assert problem["status"] == answer.status_code == errors.CATALOGUE[problem["code"]].status
    assert problem["title"] == answer.reason_phrase
    assert problem["detail"].endswith(".")
    code: str = problem["code"]
    return code


def links_in(answer: httpx.Response) -> list[str]:
    """The values of Link, one a line."""
    return answer.headers.get_list("link")
