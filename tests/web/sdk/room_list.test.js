import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { roomOf } from "../../../web/sdk/records.js";
import { fakeClient, settle } from "./fakes.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../vectors/room_list.json", import.meta.url)));

// Through the whole client: what an application sees.
for (const { name, room, events, expected } of VECTORS.cases) {
  test(name, async () => {
    const { client, sockets } = fakeClient();
    client.connect();
    await settle();
    const user = { id: VECTORS.account, username: "ada" };
    await sockets[0].welcome({ user, rooms: [room] });
    for (const event of events) sockets[0].say(event);
    assert.deepEqual(client.rooms.get(room.id), roomOf(expected));
  });
}
