"""The application keeps what its OpenAPI document promises, whatever it is sent.

Schemathesis makes requests up from the document, right ones and wrong ones, and checks that no
answer is a server error and that every answer is as documented: status, media type, schema, and
that wrong requests are refused.
"""

import asyncio

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

EXAMPLES = 8  # of each kind for each operation: some 500 requests in all

# The rules for usernames, bodies and so on are no JSON Schema, so a request that fits the document
# may be refused all the same.
EXCLUDED = [positive_data_acceptance]


async def test_answers_are_as_documented(site, alice, bob):
    room = (
        await alice.post("/rooms", json={"kind": "group", "title": "x", "members": [bob.id]})
    ).json()["id"]
    document = (await site.anyone.get("/schema/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == sum(map(len, document["paths"].values()))
    for operation in operations:
        # Somebody new for each: operations that end sessions end their own.
        person = await site.sign_up(f"person_{len(site.people)}")
        await alice.post(f"/rooms/{room}/members", json={"account": person.id})
        own = {"type": "poll", "content": "Tea?", "poll": {"options": ["yes", "no"]}}
        post = (await person.post("/posts", json=own)).json()["id"]
        comment = await person.post(f"/posts/{post}/comments", json={"content": "No."})
        given_ids = {"room": room, "post": post, "comment": comment.json()["id"]}
        await asyncio.to_thread(_try, operation, site, person, given_ids)


def _try(operation, site, person, given_ids):
    base_url = site.url.removesuffix("/api/v1")
    headers = {"Authorization": f"Bearer {person.access_token}"}
    in_path = {name: id_ for name, id_ in given_ids.items() if f"{{{name}}}" in operation.path}
    there = {"path_parameters": in_path} if in_path else {}
    strategies = [
        operation.as_strategy(GenerationMode.POSITIVE, headers=headers, **there),
        operation.as_strategy(GenerationMode.POSITIVE, headers=headers),
    ]
    if operation.definition.raw.keys() & {"parameters", "requestBody"}:
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE, headers=headers))
    for strategy in strategies:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def check(case):
            case.call_and_validate(base_url=base_url, headers=headers, excluded_checks=EXCLUDED)

        check()
