/** Typing and markers. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOM, fakeClient, message, room, settle } from "./fakes.js";

async function connected(ready = { rooms: [room({ last_seq: 5, unread: 3, mentions: 1 })] }, options = {}) {
  const scene = fakeClient(options);
  scene.client.connect();
  await settle();
  const [socket] = scene.sockets;
  await socket.welcome(ready);
  return { ...scene, socket };
}

const typing = (account, more = {}) => ({ t: "typing", room: ROOM, account, active: true, ...more });

test("somebody who is typing is so for eight seconds", async () => {
  const { client, clock, events, note, socket } = await connected();
  note("typing");
  socket.say(typing("2"));
  socket.say(typing("3"));
  await clock.advance(5);
  socket.say(typing("2"));
  await clock.advance(3);
  assert.deepEqual(client.typists.of(ROOM), ["2"]);
  await clock.advance(5);
  assert.deepEqual(events.map(([, { accounts }]) => accounts), [["2"], ["2", "3"], ["2"], []]);
});

test("a message, or a word, ends it", async () => {
  const { client, socket } = await connected();
  socket.say(typing("2"));
  socket.say(typing("3", { thread: 4 }));
  socket.say(typing("4"));
  socket.say(message(6, { sender: "2" }));
  socket.say(typing("4", { active: false }));
  assert.deepEqual(client.typists.of(ROOM), []);
  assert.deepEqual(client.typists.of(ROOM, 4), ["3"]);
  socket.end(1006);
  await settle();
  assert.deepEqual(client.typists.of(ROOM, 4), [], "who knows");
});

test("one's own typing is said at most every three seconds", async () => {
  const { client, clock, socket } = await connected();
  const said = () => socket.sent.filter(({ t }) => t === "typing");
  for (let key = 0; key < 10; key += 1) {
    client.typing(ROOM);
    await clock.advance(0.5);
  }
  assert.equal(said().length, 2);
  client.typing(ROOM, { active: false });
  client.typing(ROOM, { active: false });
  assert.equal(said().length, 3);
  assert.equal(said().at(-1).active, false);
  client.typing(ROOM, { thread: 4 });
  assert.equal(said().at(-1).thread, 4);
});

test("after a message one may be typing again at once", async () => {
  const { client, socket } = await connected();
  client.typing(ROOM);
  client.send(ROOM, "hi");
  client.typing(ROOM);
  assert.equal(socket.sent.filter(({ t }) => t === "typing").length, 2);
});

test("to read everything counts at once; in the middle, the server says what is left", async () => {
  const { client, events, note, socket } = await connected();
  note("read");
  const done = client.read(ROOM, 4);
  await settle();
  assert.equal(client.rooms.get(ROOM).unread, 3);
  socket.say({ t: "read", room: ROOM, account: "1", seq: 4, unread: 1, mentions: 0 });
  assert.equal(client.rooms.get(ROOM).unread, 1);
  socket.answer("read");
  await done;
  client.read(ROOM, 5);
  assert.deepEqual([client.rooms.get(ROOM).unread, client.rooms.get(ROOM).read_seq], [0, 5]);
  socket.say(message(6));
  socket.say({ t: "read", room: ROOM, account: "1", seq: 5, unread: 1, mentions: 0, last_seq: 6 });
  assert.equal(client.rooms.get(ROOM).unread, 1);
  await client.read(ROOM, 5);
  assert.deepEqual(events, []);
});

test("many read markers go as few commands, the highest last", async () => {
  const { client, socket } = await connected();
  for (const seq of [3, 4, 5]) client.read(ROOM, seq);
  await settle();
  socket.answer("read");
  await settle();
  socket.answer("read");
  await settle();
  assert.deepEqual(socket.sent.filter(({ t }) => t === "read").map(({ seq }) => seq), [3, 5]);
});

test("others' markers never move back", async () => {
  const { client, events, note, socket } = await connected();
  note("read");
  note("delivered");
  socket.say({ t: "delivered", room: ROOM, account: "2", seq: 5 });
  socket.say({ t: "read", room: ROOM, account: "2", seq: 4 });
  socket.say({ t: "read", room: ROOM, account: "2", seq: 3 });
  assert.deepEqual(client.receipts.of(ROOM).get("2"), { account: "2", read_seq: 4, delivered_seq: 5 });
  assert.equal(events.length, 3);
});

test("what has arrived is told by itself, together, after a second", async () => {
  const { clock, socket } = await connected({ rooms: [room(), room({ id: "200" })] });
  socket.say(message(1));
  socket.say(message(2));
  socket.say(message(1, { room: "200" }));
  socket.say(message(2, { room: "200", sender: "1" }));
  await clock.advance(0.9);
  assert.equal(socket.last("delivered"), undefined);
  await clock.advance(0.1);
  assert.deepEqual(socket.last("delivered").cursors, { [ROOM]: 2, 200: 1 });
});

test("what waits unread at the start has arrived; what was read need not be told", async () => {
  const { client, clock, socket } = await connected();
  client.read(ROOM, 5);
  await clock.advance(1);
  assert.equal(socket.last("delivered"), undefined);
  const other = await connected();
  await other.clock.advance(1);
  assert.deepEqual(other.socket.last("delivered").cursors, { [ROOM]: 5 });
  const silent = await connected(undefined, { delivered: false });
  await silent.clock.advance(1);
  assert.equal(silent.socket.last("delivered"), undefined);
});
