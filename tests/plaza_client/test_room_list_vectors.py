"""plaza_client/room_list.py obeys the vectors that every client has to obey."""

import json
from pathlib import Path

import pytest

from plaza_client.room_list import RoomList
from plaza_client.wire import JSON
from protocol.codec import from_builtins, to_builtins
from protocol.events import Ready
from protocol.ids import Id
from protocol.records import Room, User

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/room_list.json").read_text())


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vector(case):
    user = User(id=Id(VECTORS["account"]), username="ada")
    room = from_builtins(case["room"], Room)
    rooms = RoomList()
    rooms.renew(Ready(id=1, user=user, session=Id(9), rooms=[room], heartbeat=25))
    for event in case["events"]:
        rooms.apply(JSON.decode(json.dumps(event).encode()))
    assert to_builtins(rooms.rooms[room.id]) == to_builtins(from_builtins(case["expected"], Room))
