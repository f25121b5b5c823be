"""Somebody who only listens, without the client's care for doubles and holes: what is written down
is what the server sent.
"""

import asyncio
from collections import defaultdict

from plaza_client import Rest
from protocol.ids import Id, parse_id
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.process import ServerProcess
from tests.e2e.websocket import Closed

PAUSE = 0.05  # seconds between two tries to connect


class Witness:
    """One account's connection, made again when it is lost and resumed from the last seq.

    Attributes:
        here: set when it has said hello for the first time.
        first: room -> the seq from which it listens.
        heard: room -> the ids of the log's entries from there on, as they came.
        connections: how many it took.
    """

    def __init__(self, server: ServerProcess, token: str, encoding: Encoding) -> None:
        self._server = server
        self._token = token
        self._encoding = encoding
        self._cursors: dict[str, int] = {}
        self._progress = asyncio.Event()
        self.here = asyncio.Event()
        self.first: dict[Id, int] = {}
        self.heard: dict[Id, list[Id]] = defaultdict(list)
        self.connections = 0

    @classmethod
    async def log_in(
        cls, server: ServerProcess, username: str, password: str, encoding: Encoding
    ) -> "Witness":
        async with Rest(server.url) as rest:
            session = await rest.log_in(username, password)
        return cls(server, session.access_token, encoding)

    async def listen(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._hear(await Device.open(self._server.url, self._encoding))
            except (Closed, OSError):  # TimeoutError as well
                await asyncio.sleep(PAUSE)

    async def _hear(self, device: Device) -> None:
        ready = await device.hello(self._token, self._cursors)
        if ready["t"] != "ready":
            raise await device.closed()
        self.connections += 1
        if self.connections == 1:
            self._cursors = {room["id"]: room["last_seq"] for room in ready["rooms"]}
            self.first = {parse_id(room): seq + 1 for room, seq in self._cursors.items()}
            self.here.set()
        while True:
            event = await device.event()
            if event["t"] == "gap":
                await self._read(device, event["room"], event["to"])
            elif "seq" in event:
                self._note(event)

    async def _read(self, device: Device, room: str, upto: int) -> None:
        while (cursor := self._cursors[room]) < upto:
            limit = min(200, upto - cursor)
            page = await device.do("history", room=room, after=cursor, limit=limit)
            for event in page["events"]:
                self._note(event)

    def _note(self, event: Fields) -> None:
        self._cursors[event["room"]] = event["seq"]
        self.heard[parse_id(event["room"])].append(parse_id(event["event_id"]))
        self._progress.set()

    async def heard_up_to(self, room: Id, seq: int) -> None:
        """Wait until the last thing heard of a room is its entry `seq`."""
        while self._cursors.get(str(room), 0) < seq:
            self._progress.clear()
            await self._progress.wait()
