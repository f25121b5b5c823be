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

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def requests(node: str) -> list[dict[str, Any]]:
    script = HERE / "rest_calls.js"
    finished = subprocess.run([node, script], check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


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


async def test_every_request_is_known_to_the_server(requests, document) -> None:
    for request in requests:
        key = find(document, request)
        assert key is not None, f"{request['method']} {request['path']}"
        operation = operations(document)[key]
        declared = {each["name"]: each for each in operation.get("parameters", ())}
        for name, value in request["params"].items():
            assert name in declared, (key, name)
            if declared[name]["schema"].get("type") == "integer":
                assert value.isdigit()
        assert request["key"] is None or "Idempotency-Key" in declared
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert (body is None) == (request["body"] is None), key
        if body is not None:
            schema = {**body["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(request["body"])


async def test_everything_that_the_server_offers_can_be_asked_for(requests, document) -> None:
    asked = {find(document, request) for request in requests}
    assert operations(document).keys() - asked == set()
