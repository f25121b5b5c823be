"""Pages of a room's log."""

import pytest

from tests.e2e.device import Device
from tests.e2e.site import Site


@pytest.fixture(params=["json", "msgpack"])
async def device(request: pytest.FixtureRequest, site: Site) -> Device:
    return await site.device(await site.person(), request.param)


@pytest.fixture
async def room(device: Device) -> str:
    """A log of 30 entries: the creation and 29 messages."""
    created = await device.do("create", kind="group", title="Log", members=[])
    room = created["room"]["id"]
    await device.event()
    commands = [device.tell("send", room=room, body=f"message {seq}") for seq in range(2, 31)]
    await device.answer(commands[-1])
    return str(room)


@pytest.mark.parametrize(
    ("bounds", "first", "last", "more"),
    [
        ({"limit": 10}, 21, 30, True),
        ({"limit": 30}, 1, 30, False),
        ({}, 1, 30, False),
        ({"before": 21, "limit": 10}, 11, 20, True),
        ({"before": 11, "limit": 10}, 1, 10, False),
        ({"before": 11, "limit": 9}, 2, 10, True),
        ({"before": 99, "limit": 1}, 30, 30, True),
        ({"after": 0, "limit": 10}, 1, 10, True),
        ({"after": 20, "limit": 10}, 21, 30, False),
        ({"after": 20, "limit": 9}, 21, 29, True),
        ({"around": 15, "limit": 10}, 10, 19, True),
        ({"around": 15, "limit": 1}, 15, 15, True),
        ({"around": 2, "limit": 10}, 1, 6, False),
        ({"around": 29, "limit": 10}, 21, 30, True),
        ({"around": 0, "limit": 2}, 1, 1, False),
    ],
)  # fmt: skip
async def test_a_page(
    device: Device, room: str, bounds: dict[str, int], first: int, last: int, more: bool
) -> None:
    page = await device.do("history", room=room, **bounds)
    assert [event["seq"] for event in page["events"]] == list(range(first, last + 1))
    assert page["more"] is more


@pytest.mark.parametrize("bounds", [{"before": 1}, {"before": 0}, {"after": 30}, {"after": 99}])
async def test_an_empty_page(device: Device, room: str, bounds: dict[str, int]) -> None:
    page = await device.do("history", room=room, **bounds)
    assert (page["events"], page["more"]) == ([], False)


async def test_the_pages_are_what_was_heard(device: Device, room: str) -> None:
    heard = await device.up_to(room, 30)
    paged, after = [], 1
    while True:
        page = await device.do("history", room=room, after=after, limit=7)
        paged += page["events"]
        after = page["events"][-1]["seq"]
        if not page["more"]:
            break
    assert paged == heard


@pytest.mark.parametrize(
    "bounds",
    [
        {"before": 1, "after": 2},
        {"around": 1, "after": 2},
        {"limit": 0},
        {"limit": 201},
        {"before": -1},
        {"after": 2**53},
        {"around": "1"},
    ],
)
async def test_a_page_that_cannot_be(device: Device, room: str, bounds: dict[str, object]) -> None:
    assert await device.refused("history", room=room, **bounds) == "bad_request"
