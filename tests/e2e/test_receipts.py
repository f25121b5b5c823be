"""Read and delivered markers over real sockets: who is told, of what, and who is not."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest

from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(limits=Limits(receipts_members=3))


@dataclass
class Scene:
    """A room of ada, on two devices, and bob. Ada has read all, bob nothing but its creation.

    Attributes:
        last: the room's last seq; 2 up to it are ada's messages, and the last two mention bob.
    """

    site: Site
    people: list[Person]
    ada: Device
    tablet: Device
    bob: Device
    phone: Device
    room: str
    last: int = 5

    def read(self, seq: int) -> Fields:
        """That bob has read up to a seq, as ada hears it."""
        return {"t": "read", "room": self.room, "account": self.people[1].id, "seq": seq}

    def counted(self, seq: int, unread: int, mentions: int) -> Fields:
        """The same, as bob hears it."""
        counts = {"unread": unread, "mentions": mentions, "last_seq": self.last}
        return self.read(seq) | counts

    async def everybody_hears(self, **of: list[Fields]) -> None:
        """What has come to each device by now."""
        for name in ("ada", "tablet", "bob", "phone"):
            assert await getattr(self, name).heard() == of.get(name, []), name


@pytest.fixture(params=["json", "msgpack"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    encoding: Encoding = request.param
    return encoding


@pytest.fixture
async def scene(site: Site, encoding: Encoding) -> Scene:
    ada, bob = people = await site.people("ada", "bob")
    devices = [await site.device(person, encoding) for person in (ada, ada, bob, bob)]
    room = (await devices[0].do("create", kind="group", title="Garden", members=[bob.id]))["room"]
    for text in ("hi", "hi", f"@{bob.username}", f"@{bob.username}"):
        await devices[0].do("send", room=room["id"], body=text)
    for device in devices:
        await device.heard()
    return Scene(site, people, *devices, room=room["id"])


class TestRead:
    async def test_is_told_to_ones_own_devices_with_counts_and_to_others_without(
        self, scene: Scene
    ) -> None:
        await scene.bob.do("read", room=scene.room, seq=4)
        await scene.everybody_hears(
            ada=[scene.read(4)],
            tablet=[scene.read(4)],
            bob=[scene.counted(4, 1, 1)],
            phone=[scene.counted(4, 1, 1)],
        )

    async def test_what_does_not_move_is_told_to_nobody(self, scene: Scene) -> None:
        await scene.bob.do("read", room=scene.room, seq=5)
        await scene.phone.do("read", room=scene.room, seq=4)
        await scene.ada.do("read", room=scene.room, seq=5)
        await scene.everybody_hears(
            ada=[scene.read(5)],
            tablet=[scene.read(5)],
            bob=[scene.counted(5, 0, 0)],
            phone=[scene.counted(5, 0, 0)],
        )

    async def test_ends_with_the_room(self, scene: Scene) -> None:
        await scene.bob.do("read", room=scene.room, seq=2**53 - 1)
        assert await scene.phone.heard() == [scene.counted(5, 0, 0)]

    async def test_over_rest_has_the_same_effect(self, scene: Scene) -> None:
        bob = scene.people[1]
        async with httpx.AsyncClient(headers=bob.bearer) as http:
            url = f"{scene.site.url}/api/v1/rooms/{scene.room}/read"
            assert (await http.put(url, json={"seq": 3})).status_code == 204
        await scene.everybody_hears(
            ada=[scene.read(3)],
            tablet=[scene.read(3)],
            bob=[scene.counted(3, 2, 2)],
            phone=[scene.counted(3, 2, 2)],
        )

    async def test_is_told_in_the_order_of_what_it_counts(self, scene: Scene) -> None:
        """Reads and messages at once: at any moment the numbers fit what has been heard."""

        async def talk() -> None:
            for _ in range(40):
                await scene.ada.do("send", room=scene.room, body=f"@{scene.people[1].username}")

        async def read() -> None:
            for message in range(6, 46):
                while (seq := (await scene.bob.event())["seq"]) < message:
                    pass
                await scene.bob.do("read", room=scene.room, seq=seq - 1)

        await asyncio.gather(talk(), read())
        read_seq, unread, mentions, last = 1, 4, 2, 5
        for event in await scene.phone.heard():
            if event["t"] == "message":
                last, unread, mentions = event["seq"], unread + 1, mentions + 1
            else:
                read_seq, unread, mentions = event["seq"], event["unread"], event["mentions"]
                assert event["last_seq"] == last
            assert unread == last - read_seq
            assert mentions == last - max(read_seq, 3)
        assert (read_seq, last) == (44, 45)

    async def test_in_a_larger_room_is_ones_own_affair(self, scene: Scene) -> None:
        for extra in await scene.site.people("eve", "eve"):
            await scene.ada.do("invite", room=scene.room, account=extra.id)
        for device in (scene.ada, scene.tablet, scene.bob, scene.phone):
            await device.heard()
        scene.last += 2
        await scene.bob.do("read", room=scene.room, seq=5)
        await scene.bob.do("delivered", cursors={scene.room: 7})
        counted = scene.counted(5, 0, 0)
        await scene.everybody_hears(bob=[counted], phone=[counted])
        async with httpx.AsyncClient(headers=scene.people[0].bearer) as http:
            url = f"{scene.site.url}/api/v1/rooms/{scene.room}/receipts"
            assert (await http.get(url)).status_code == 403

    async def test_everything_at_once(self, scene: Scene) -> None:
        other = (await scene.ada.do("create", kind="dm", members=[scene.people[1].id]))["room"]
        await scene.ada.do("send", room=other["id"], body="hi")
        for device in (scene.ada, scene.tablet, scene.bob, scene.phone):
            await device.heard()
        await scene.bob.do("read_all")
        here, there = scene.counted(5, 0, 0), scene.counted(2, 0, 0)
        there |= {"room": other["id"], "last_seq": 2}
        for device in (scene.bob, scene.phone):
            told = await device.heard()
            assert sorted(told, key=lambda event: event["seq"]) == [there, here]
        assert {event["room"] for event in await scene.ada.heard()} == {scene.room, other["id"]}
        await scene.phone.do("read_all")
        assert await scene.bob.heard() == []

    async def test_is_for_members(self, scene: Scene) -> None:
        eve = await scene.site.device(await scene.site.person("eve"))
        assert await eve.refused("read", room=scene.room, seq=2) == "not_found"
        assert await eve.refused("notify", room=scene.room, level="none") == "not_found"
        await eve.do("read_all")
        await scene.everybody_hears()


class TestDelivered:
    async def test_is_told_to_the_others(self, scene: Scene) -> None:
        await scene.bob.do("delivered", cursors={scene.room: 3})
        delivered = scene.read(3) | {"t": "delivered"}
        await scene.everybody_hears(ada=[delivered], tablet=[delivered])

    async def test_says_nothing_about_what_has_been_read(self, scene: Scene) -> None:
        await scene.bob.do("read", room=scene.room, seq=4)
        await scene.phone.do("delivered", cursors={scene.room: 4})
        await scene.everybody_hears(
            ada=[scene.read(4)],
            tablet=[scene.read(4)],
            bob=[scene.counted(4, 1, 1)],
            phone=[scene.counted(4, 1, 1)],
        )

    async def test_of_several_rooms(self, scene: Scene) -> None:
        """Of which one has just left one, perhaps."""
        other = (await scene.ada.do("create", kind="group", title="Shed"))["room"]["id"]
        await scene.tablet.heard()
        await scene.ada.heard()
        await scene.bob.do("delivered", cursors={scene.room: 5, other: 1, "7": 1})
        assert await scene.ada.heard() == [scene.read(5) | {"t": "delivered"}]

    async def test_is_in_the_receipts(self, scene: Scene) -> None:
        await scene.bob.do("read", room=scene.room, seq=2)
        await scene.bob.do("delivered", cursors={scene.room: 4})
        async with httpx.AsyncClient(headers=scene.people[0].bearer) as http:
            answer = await http.get(f"{scene.site.url}/api/v1/rooms/{scene.room}/receipts")
        ada, bob = scene.people
        assert answer.json()["items"] == [
            {"account": ada.id, "read_seq": 5, "delivered_seq": 5},
            {"account": bob.id, "read_seq": 2, "delivered_seq": 4},
        ]


class TestNotify:
    async def test_is_told_to_ones_own_devices_and_kept(self, scene: Scene) -> None:
        await scene.bob.do("notify", room=scene.room, level="mentions")
        level = {"t": "notify", "room": scene.room, "level": "mentions"}
        await scene.everybody_hears(bob=[level], phone=[level])
        await scene.phone.do("notify", room=scene.room, level="mentions")
        await scene.everybody_hears()
        back = await scene.site.device(scene.people[1])
        assert [room["notify"] for room in back.ready["rooms"]] == ["mentions"]

    async def test_over_rest_has_the_same_effect(self, scene: Scene) -> None:
        async with httpx.AsyncClient(headers=scene.people[1].bearer) as http:
            url = f"{scene.site.url}/api/v1/rooms/{scene.room}/me"
            answer = await http.patch(url, json={"notify": "none"})
        assert answer.json()["notify"] == "none"
        level = {"t": "notify", "room": scene.room, "level": "none"}
        await scene.everybody_hears(bob=[level], phone=[level])


async def test_without_the_database_it_is_unavailable_and_then_works(site: Site) -> None:
    (ada,) = await site.people("ada")
    async with site.another() as other:
        device, second = await other.device(ada), await other.device(ada)
        room = (await device.do("create", kind="group", title="Garden"))["room"]["id"]
        await device.do("rename", room=room, title="Shed")
        async with other.without("room_members"):
            assert await device.refused("read", room=room, seq=2) == "internal"
        pids = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        name = other.database.dsn.rsplit("/", 1)[1].split("?")[0]
        await site.fetch(f"{pids} AND pid <> pg_backend_pid()", name)
        while (answer := await device.ask("read", room=room, seq=2))["t"] == "error":
            assert answer["code"] == "unavailable"
        while (event := await second.event())["t"] != "read":
            pass
        assert (event["seq"], event["unread"]) == (2, 0)
