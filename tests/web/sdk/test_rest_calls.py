"""What Rest asks for is what the server offers: all of it, and nothing else."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tests.e2e.process import ServerProcess
from tests.web.sdk.rest_routes import ROUTES

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def printed(node: str) -> dict[str, Any]:
    script = HERE / "rest_calls.js"
    finished = subprocess.run([node, script], check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def requests(printed: dict[str, Any]) -> list[dict[str, Any]]:
    return printed["requests"]


@pytest.fixture(scope="module")
async def document(served: ServerProcess) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=served.url) as client:
        answer = await client.get("/api/v1/schema/openapi.json")
    return answer.json()


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def find(document: dict[str, Any], request: dict[str, Any]) -> tuple[str, str] | None:
    # The fixed paths first: /sessions/current is no session's id.
    for method, path in sorted(operations(document), key=lambda key: key[1].count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if method == request["method"] and re.fullmatch(pattern, request["path"]):
            return method, path
    return None


def together(params: list[list[str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in params:
        values.setdefault(name, []).append(value)
    return values


def meant(values: list[str], schema: dict[str, Any]) -> Any:
    """What a parameter of the query says: a list, a number or a text."""
    if schema.get("type") == "array":
        return values
    (value,) = values
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}[value]
    return int(value) if schema.get("type") == "integer" else value


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


async def test_every_request_is_known_to_the_server(requests, document) -> None:
    for request in requests:
        key = find(document, request)
        assert key is not None, f"{request['method']} {request['path']}"
        operation = operations(document)[key]
        declared = {each["name"]: each for each in operation.get("parameters", ())}
        given = together(request["params"])
        assert given.keys() <= declared.keys(), key
        for name, parameter in declared.items():
            assert name in given or not (parameter["in"] == "query" and parameter["required"])
        for name, values in given.items():
            check(document, declared[name]["schema"], meant(values, declared[name]["schema"]))
        assert request["key"] is None or "Idempotency-Key" in declared
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json")
        if request["body"] is None:
            assert set(content) != {"application/json"}, key
        else:
            assert body is not None, key
            check(document, body["schema"], request["body"])


async def test_everything_that_the_server_offers_can_be_asked_for(requests, document) -> None:
    asked = {find(document, request) for request in requests}
    missing = operations(document).keys() - asked
    # HEAD says what GET says, to those who speak tus.
    assert {key for key in missing if key[0] != "HEAD"} == set()


async def test_every_method_asks_for_what_its_name_says(printed, document) -> None:
    asked: dict[str, set[str]] = {}
    for request in printed["requests"]:
        operation = operations(document)[find(document, request)]
        asked.setdefault(request["asking"], set()).add(operation["operationId"])
    expected = {
        f"{part}.{method}": ids
        for part, methods in ROUTES.items()
        for method, ids in methods.items()
    }
    assert asked == expected
    assert set(printed["methods"]) - {"session.call", "session.visit"} == expected.keys()


def test_what_is_written_has_a_key(requests) -> None:
    for method in ("posts.create", "comments.write", "streams.create"):
        keys = [request["key"] for request in requests if request["asking"] == method]
        assert None not in keys
        assert "k" in keys
        assert len(set(keys)) == len(keys)


def test_lists_are_said_one_by_one(requests) -> None:
    params = {request["asking"]: request["params"] for request in requests}
    assert [name for name, _ in params["graph.relationships"]] == ["account", "account"]
    assert [name for name, _ in params["posts.several"]] == ["ids", "ids"]
