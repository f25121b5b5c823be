"""server/rest/pins.py. The rules themselves: tests/rooms/test_permissions.py."""

import pytest


@pytest.fixture
async def group(alice, bob):
    body = {"kind": "group", "title": "Engines", "members": [bob.id]}
    return (await alice.post("/rooms", json=body)).json()["id"]


async def say(person, room, body="hi"):
    return (await person.post(f"/rooms/{room}/messages", json={"body": body})).json()["seq"]


async def pinned(person, room):
    page = (await person.get(f"/rooms/{room}/pins")).json()
    assert page["next_cursor"] is None
    return [message["seq"] for message in page["items"]]


async def test_pins_and_unpins(site, alice, bob, group):
    seqs = [await say(bob, group, body) for body in ("one", "two", "three")]
    for seq in (seqs[1], seqs[0]):
        site.clock.advance(1)
        answer = await alice.put(f"/rooms/{group}/pins/{seq}")
        assert (answer.status_code, set(answer.json())) == (200, {"seq", "event_id", "at"})
    assert await pinned(bob, group) == [seqs[0], seqs[1]]
    assert (await alice.put(f"/rooms/{group}/pins/{seqs[0]}")).json() == {}
    assert (await alice.delete(f"/rooms/{group}/pins/{seqs[0]}")).json()["seq"]
    assert (await alice.delete(f"/rooms/{group}/pins/{seqs[0]}")).json() == {}
    assert await pinned(bob, group) == [seqs[1]]


async def test_the_log_shows_both_the_act_and_the_state(alice, bob, group):
    seq = await say(bob, group)
    entry = (await alice.put(f"/rooms/{group}/pins/{seq}")).json()
    (listed,) = (await bob.get(f"/rooms/{group}/pins")).json()["items"]
    events = (await bob.get(f"/rooms/{group}/events")).json()["items"]
    message, act = events[-2:]
    assert message == listed
    assert message["pinned"] is True
    assert act == {"t": "pin", "room": group, "sender": alice.id, "target": seq, **entry}


async def test_a_deleted_message_is_pinned_no_longer(alice, bob, group):
    seq = await say(bob, group)
    await alice.put(f"/rooms/{group}/pins/{seq}")
    await bob.delete(f"/rooms/{group}/messages/{seq}")
    assert await pinned(alice, group) == []
    assert (await alice.put(f"/rooms/{group}/pins/{seq}")).code == "message_deleted"


async def test_who_may(site, alice, bob, group):
    carol = await site.sign_up("carol")
    seq = await say(bob, group)
    assert (await bob.put(f"/rooms/{group}/pins/{seq}")).code == "forbidden"
    assert (await bob.delete(f"/rooms/{group}/pins/{seq}")).code == "forbidden"
    assert (await carol.put(f"/rooms/{group}/pins/{seq}")).code == "not_found"
    assert (await carol.get(f"/rooms/{group}/pins")).code == "not_found"
    dm = (await alice.post("/rooms", json={"kind": "dm", "members": [bob.id]})).json()["id"]
    seq = await say(alice, dm)
    assert (await bob.put(f"/rooms/{dm}/pins/{seq}")).status_code == 200
    assert await pinned(alice, dm) == [seq]


async def test_a_retry_with_the_same_key_has_no_second_effect(alice, group):
    seq = await say(alice, group)
    key = {"Idempotency-Key": "p1"}
    first = (await alice.put(f"/rooms/{group}/pins/{seq}", headers=key)).json()
    await alice.delete(f"/rooms/{group}/pins/{seq}")
    assert (await alice.put(f"/rooms/{group}/pins/{seq}", headers=key)).json() == first
    assert await pinned(alice, group) == []


@pytest.mark.parametrize(
    ("seq", "code"), [("1", "not_found"), ("99", "not_found"), ("0", "bad_request")]
)
async def test_refuses_what_is_no_message(alice, group, seq, code):
    assert (await alice.put(f"/rooms/{group}/pins/{seq}")).code == code
