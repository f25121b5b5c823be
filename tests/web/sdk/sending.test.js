import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOM, SELF, fakeClient, message, room, settle } from "./fakes.js";

async function connected() {
  const scene = fakeClient();
  scene.client.connect();
  await settle();
  const [socket] = scene.sockets;
  await socket.welcome({ rooms: [room()] });
  scene.note("pending");
  scene.note("message");
  return { ...scene, socket };
}

const states = (events) => events.map(([type, value]) => (type === "message" ? `#${value.seq}` : value.state));
const own = (seq, nonce) => message(seq, { sender: SELF.id, nonce });

test("a message is shown at once, then settled by its event", async () => {
  const { client, events, socket } = await connected();
  const { nonce, message: pending, promise } = client.send(ROOM, "hi", { replyTo: 3 });
  assert.deepEqual(client.pending.of(ROOM), [pending]);
  assert.equal(pending.sender, SELF.id);
  await settle();
  const { id, ...command } = socket.last("send");
  assert.deepEqual(command, { t: "send", room: ROOM, body: "hi", nonce, reply_to: 3, attachments: [] });
  socket.answer("send", { seq: 1, event_id: "1", at: "now" });
  assert.equal((await promise).seq, 1);
  socket.say(own(1, nonce));
  assert.deepEqual(states(events), ["sending", "sent", "settled", "#1"]);
  assert.deepEqual(client.pending.of(ROOM), []);
});

test("the event may come before the ok", async () => {
  const { client, events, socket } = await connected();
  const { nonce, promise } = client.send(ROOM, "hi");
  await settle();
  socket.say(own(1, nonce));
  socket.answer("send", { seq: 1, event_id: "1", at: "now" });
  await promise;
  assert.deepEqual(states(events), ["sending", "settled", "#1"]);
});

test("after a loss it is sent again with its nonce, and shown once", async () => {
  const { client, clock, events, socket, sockets } = await connected();
  const { nonce, promise } = client.send(ROOM, "hi");
  await settle();
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room({ last_seq: 1 })] });
  sockets[1].say(own(1, nonce)); // it was on disk after all
  assert.equal(sockets[1].last("send").nonce, nonce);
  sockets[1].answer("send", { seq: 1, event_id: "1", at: "now" });
  assert.equal((await promise).seq, 1);
  assert.deepEqual(states(events), ["sending", "settled", "#1"]);
});

test("what was passed over with a gap is settled by its ok", async () => {
  const { client, clock, events, socket, sockets } = await connected();
  const { promise } = client.send(ROOM, "hi");
  await settle();
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room({ last_seq: 900 })] });
  sockets[1].say({ t: "gap", room: ROOM, from: 1, to: 900 });
  sockets[1].answer("send", { seq: 12, event_id: "12", at: "now" });
  await promise;
  assert.deepEqual(states(events), ["sending", "sent", "settled"]);
});

test("a message that failed can be sent again, or forgotten", async () => {
  const { client, events, socket } = await connected();
  const { nonce } = client.send(ROOM, "hi"); // nobody looks at the promise: no unhandled rejection
  await settle();
  socket.refuse("send", "forbidden");
  await settle();
  assert.equal(client.pending.get(nonce).error.code, "forbidden");
  const again = client.retry(nonce);
  assert.equal(client.retry(nonce), null, "it is under way");
  await settle();
  assert.equal(socket.last("send").nonce, nonce);
  socket.refuse("send", "forbidden");
  await assert.rejects(again.promise, { code: "forbidden" });
  client.discard(nonce);
  assert.deepEqual(states(events), ["sending", "failed", "sending", "failed", "discarded"]);
  assert.equal(client.retry(nonce), null);
});

test("patience that the server asks for is shown", async () => {
  const { client, clock, events, socket } = await connected();
  const { promise } = client.send(ROOM, "hi");
  await settle();
  socket.refuse("send", "slow_mode", { retry_after: 4 });
  await settle();
  assert.equal(events.at(-1)[1].error.retryAfter, 4);
  await clock.advance(5);
  socket.answer("send", { seq: 1, event_id: "1", at: "now" });
  await promise;
  assert.deepEqual(states(events), ["sending", "waiting", "sending", "sent"]);
});

test("what was on its way to a room that is gone is discarded", async () => {
  const { client, events, socket } = await connected();
  client.send(ROOM, "hi");
  socket.say({ t: "room_gone", room: ROOM });
  assert.deepEqual(states(events), ["sending", "discarded"]);
});

test("messages are repeated in the order in which they were sent", async () => {
  const { client, clock, socket, sockets } = await connected();
  for (const body of ["one", "two", "three"]) client.send(ROOM, body);
  await settle();
  socket.end(1006);
  client.send(ROOM, "four");
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room()] });
  const bodies = sockets[1].sent.filter(({ t }) => t === "send").map(({ body }) => body);
  assert.deepEqual(bodies, ["one", "two", "three", "four"]);
});
