"""server/rest/openapi.py and docs.py."""

from html.parser import HTMLParser

import httpx
import msgspec
import pytest

from protocol.codec import from_builtins
from server.rest import (
    bodies,
    engagement_bodies,
    people_bodies,
    post_bodies,
    stream_bodies,
    upload_bodies,
)

BODIES = [bodies, engagement_bodies, people_bodies, post_bodies, stream_bodies, upload_bodies]


@pytest.fixture
async def document(site):
    return (await site.anyone.get("/schema/openapi.json")).json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


async def test_is_openapi_3_1_at_two_addresses(site, document):
    assert document["openapi"].startswith("3.1")
    answer = await site.anyone.get("/schema")
    assert answer.json() == document
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"


async def test_has_every_route(document):
    assert {name for name, _ in operations(document)} == {
        f"{method} /api/v1{path}"
        for path, methods in {
            "/accounts": "POST GET",
            "/accounts/{account}": "GET PATCH",
            "/accounts/{account}/follow": "PUT DELETE",
            "/accounts/{account}/follower": "DELETE",
            "/accounts/{account}/close": "PUT DELETE",
            "/accounts/{account}/followers": "GET",
            "/accounts/{account}/following": "GET",
            "/accounts/{account}/mutuals": "GET",
            "/me": "GET DELETE",
            "/me/exports": "POST",
            "/me/exports/{export}": "GET",
            "/trends/tags": "GET",
            "/trends/posts": "GET",
            "/me/password": "PUT",
            "/me/blocks": "GET",
            "/me/blocks/{account}": "PUT DELETE",
            "/me/mutes": "GET",
            "/me/mutes/{account}": "PUT DELETE",
            "/me/settings": "GET PATCH",
            "/me/friends": "GET",
            "/me/follow-requests": "GET",
            "/me/follow-requests/{account}": "PUT DELETE",
            "/me/relationships": "GET",
            "/streams": "POST GET",
            "/streams/{stream}": "GET PATCH DELETE",
            "/streams/{stream}/key": "POST",
            "/streams/{stream}/end": "POST",
            "/streams/{stream}/health": "GET",
            "/me/streams": "GET",
            "/sessions": "POST GET",
            "/sessions/refresh": "POST",
            "/sessions/current": "DELETE",
            "/sessions/{session}": "DELETE",
            "/rooms": "POST GET",
            "/rooms/{room}": "GET PATCH",
            "/rooms/{room}/events": "GET",
            "/rooms/{room}/read": "PUT",
            "/rooms/{room}/receipts": "GET",
            "/rooms/{room}/me": "PATCH",
            "/me/read-all": "POST",
            "/rooms/{room}/messages": "POST",
            "/rooms/{room}/messages/{seq}": "PATCH DELETE",
            "/rooms/{room}/messages/{seq}/reactions/{emoji}": "PUT DELETE",
            "/rooms/{room}/members": "GET POST",
            "/rooms/{room}/members/{account}": "PATCH DELETE",
            "/rooms/{room}/members/{account}/mute": "PUT DELETE",
            "/rooms/{room}/bans": "GET",
            "/rooms/{room}/bans/{account}": "PUT DELETE",
            "/rooms/{room}/pins": "GET",
            "/rooms/{room}/pins/{seq}": "PUT DELETE",
            "/search/messages": "GET",
            "/posts": "POST GET",
            "/posts/{post}": "GET PATCH DELETE",
            "/posts/{post}/edits": "GET",
            "/posts/{post}/share": "POST DELETE",
            "/accounts/{account}/posts": "GET",
            "/feed": "GET",
            "/tags/{tag}/posts": "GET",
            "/me/drafts": "GET",
            "/posts/{post}/like": "PUT DELETE",
            "/posts/{post}/likes": "GET",
            "/posts/{post}/vote": "PUT DELETE",
            "/posts/{post}/bookmark": "PUT DELETE",
            "/posts/{post}/comments": "POST GET",
            "/comments/{comment}": "GET PATCH DELETE",
            "/comments/{comment}/like": "PUT DELETE",
            "/me/bookmarks": "GET",
            "/uploads": "POST GET",
            "/uploads/{upload}": "GET HEAD PATCH DELETE",
        }.items()
        for method in methods.split()
    }


async def test_every_route_says_what_it_is_for_and_how_it_fails(document):
    anyone = set()
    for name, operation in operations(document):
        assert operation["summary"]
        assert operation["tags"]
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}
                assert response["description"].startswith("`")
        if operation.get("security") == [{}]:
            anyone.add(name)
        elif "401" not in operation["responses"]:
            pytest.fail(f"{name} needs a token, and does not say how it refuses")
    assert anyone == {
        "POST /api/v1/accounts",
        "POST /api/v1/sessions",
        "POST /api/v1/sessions/refresh",
    }


async def test_every_body_has_an_example_that_fits(document):
    for _, operation in operations(document):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"].get("application/json")
            if content is None:  # a file
                assert operation["operationId"] == "send_file"
                continue
            name = content["schema"]["$ref"].rpartition("/")[2]
            shape = next(getattr(module, name) for module in BODIES if hasattr(module, name))
            from_builtins(content["example"], shape)


async def test_ids_are_strings(document):
    properties = document["components"]["schemas"]["Room"]["properties"]
    assert properties["id"] == {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}


async def test_parameters_cannot_be_null(document):
    for _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert "null" not in msgspec.json.encode(parameter["schema"]).decode()


class Page(HTMLParser):
    """What a page links to and loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids.add(named.get("id"))
        if tag == "a":
            self.links.append(named["href"])
        elif tag in ("script", "link", "img", "iframe") or "src" in named:
            self.loaded.append(tag)


async def test_the_page_shows_all_and_loads_nothing(site, document):
    answer = await site.anyone.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Page(answer.text)
    assert page.loaded == []
    assert {operation["operationId"] for _, operation in operations(document)} <= page.ids
    assert set(document["components"]["schemas"]) <= page.ids
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            answer = await site.anyone.get(httpx.URL(site.url).join(link))
            assert answer.status_code == 200
