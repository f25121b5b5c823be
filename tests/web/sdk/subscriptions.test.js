/** Channels that one follows without joining them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fakeClient, settle } from "./fakes.js";

const STAGE = { id: "70", kind: "channel", title: "Stage", last_seq: 4, members: 1 };

const message = (seq) => ({
  t: "message", room: "70", seq, event_id: String(seq), sender: "2", body: `m${seq}`, at: "2026-01-01T00:00:00.000Z",
});

async function subscribed() {
  const scene = fakeClient();
  scene.client.connect();
  await settle();
  const [socket] = scene.sockets;
  await socket.welcome();
  scene.note("message");
  const subscribing = scene.client.subscribe("70");
  await settle();
  socket.answer("subscribe", { room: STAGE });
  const room = await subscribing;
  return { ...scene, socket, room };
}

const seqs = (events) => events.map(([, entry]) => entry.seq);

test("entries come from the answer's last_seq on, and the channel is none of one's rooms", async () => {
  const { client, events, room, socket } = await subscribed();
  assert.deepEqual([room.last_seq, room.title], [4, "Stage"]);
  socket.say(message(5));
  assert.deepEqual(seqs(events), [5]);
  assert.equal(client.rooms.has("70"), false);
});

test("what was missed during an interruption is read from the log", async () => {
  const { client, clock, events, sockets, socket } = await subscribed();
  socket.say(message(5));
  socket.end();
  await settle();
  await clock.advance(60);
  const again = sockets.at(-1);
  assert.notEqual(again, socket);
  await again.welcome();
  assert.deepEqual(again.last("hello").cursors ?? {}, {}, "it is no room of one's own");
  again.answer("subscribe", { room: { ...STAGE, last_seq: 7 } });
  await settle();
  assert.deepEqual([again.last("history").after, again.last("history").limit], [5, 2]);
  again.say(message(8));
  again.answer("history", { events: [message(6), message(7)], more: false });
  await settle();
  assert.deepEqual(seqs(events), [5, 6, 7, 8]);
  assert.equal(client.cursors.get("70"), 8);
});

test("after unsubscribe it is forgotten", async () => {
  const { client, socket } = await subscribed();
  const ending = client.unsubscribe("70");
  await settle();
  socket.answer("unsubscribe");
  await ending;
  assert.equal(client.cursors.has("70"), false);
});
