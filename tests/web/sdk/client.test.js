import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOM, fakeClient, message, room, settle } from "./fakes.js";

async function connected(options, ready = { rooms: [room()] }) {
  const scene = fakeClient(options);
  const connecting = scene.client.connect();
  await settle();
  await scene.sockets[0].welcome(ready);
  await connecting;
  return { ...scene, socket: scene.sockets[0] };
}

test("hello carries the token; ready brings the rooms, with their defaults", async () => {
  const { client, socket } = await connected();
  assert.equal(socket.url, "ws://127.0.0.1:8080/ws");
  assert.deepEqual(socket.protocols, ["plaza.v1.json"]);
  assert.deepEqual(socket.sent[0], { t: "hello", id: 1, token: "good", cursors: {} });
  assert.equal(client.user.username, "ada");
  assert.equal(client.status.state, "connected");
  assert.equal(client.rooms.get(ROOM).unread, 0);
  assert.equal(client.rooms.get(ROOM).notify, "all");
});

test("an entry is told once, in order, after the room has counted it", async () => {
  const { client, events, note, socket } = await connected();
  for (const type of ["event", "message", "room"]) note(type);
  socket.say(message(1));
  socket.say(message(1));
  assert.deepEqual(events.map(([type]) => type), ["room", "event", "message"]);
  assert.equal(events[2][1].deleted, false);
  assert.equal(client.rooms.get(ROOM).unread, 1);
  assert.equal(client.cursors.get(ROOM), 1);
});

test("what ready has counted is not counted when it comes", async () => {
  const scene = fakeClient({ cursors: { [ROOM]: 3 } });
  scene.client.connect();
  await settle();
  assert.deepEqual(scene.sockets[0].last("hello"), undefined);
  await scene.sockets[0].welcome({ rooms: [room({ last_seq: 5, unread: 2 })] });
  assert.deepEqual(scene.sockets[0].last("hello").cursors, { [ROOM]: 3 });
  scene.note("message");
  for (const seq of [4, 5, 6]) scene.sockets[0].say(message(seq));
  assert.deepEqual(scene.events.map(([, { seq }]) => seq), [4, 5, 6]);
  assert.equal(scene.client.rooms.get(ROOM).unread, 3);
});

test("a lost connection is made again, and resumed from the cursors", async () => {
  const { client, clock, events, note, socket, sockets } = await connected();
  note("status");
  note("message");
  note("ready");
  socket.say(message(1));
  socket.end(1006);
  await settle();
  assert.equal(client.status.state, "waiting");
  assert.equal(client.status.error.code, "connection_lost");
  assert.equal(client.status.delay, 0.125);
  await clock.advance(0.125);
  await sockets[1].welcome({ rooms: [room({ last_seq: 2, unread: 2 })] });
  assert.deepEqual(sockets[1].sent[0].cursors, { [ROOM]: 1 });
  sockets[1].say(message(2));
  const types = events.map(([type, value]) => value.state ?? value.seq ?? type);
  assert.deepEqual(types, [1, "waiting", "connecting", "connected", "ready", 2]);
  assert.equal(events.find(([type]) => type === "ready")[1].resumed, true);
});

test("the server's hint is heeded, and a sign of life cuts the wait short", async () => {
  const { client, clock, socket, sockets, wake } = await connected();
  socket.end(4001, "restart; retry_after=10.0");
  await settle();
  assert.equal(client.status.delay, 12.5);
  await clock.advance(5);
  assert.equal(sockets.length, 1);
  wake();
  await settle();
  assert.equal(sockets.length, 2);
});

test("failed attempts wait longer and longer, until a connection has been stable", async () => {
  const { client, clock, sockets } = await connected();
  const delays = [];
  client.on("status", ({ state, delay }) => state === "waiting" && delays.push(delay));
  for (let index = 0; index < 4; index += 1) {
    sockets[index].end(1006);
    await settle();
    await clock.advance(delays.at(-1));
  }
  assert.deepEqual(delays, [0.125, 0.25, 0.5, 1]);
  await sockets[4].welcome();
  sockets[4].end(1006); // too soon
  await settle();
  assert.equal(delays.at(-1), 2);
  await clock.advance(2);
  await sockets[5].welcome();
  for (let index = 0; index < 6; index += 1) {
    await clock.advance(5);
    sockets[5].say({ t: "typing", room: ROOM, account: "2", active: false });
  }
  sockets[5].end(1006);
  await settle();
  assert.equal(delays.at(-1), 0.125);
});

test("codes that forbid it end the client", async () => {
  const { client, socket, sockets, clock } = await connected();
  const lost = { code: "connection_lost", status: 1008, mayRetry: false };
  const refused = assert.rejects(client.history(ROOM), lost);
  socket.end(1008, "policy violation");
  await refused;
  assert.equal(client.status.state, "closed");
  await clock.advance(100);
  assert.equal(sockets.length, 1);
});

test("a token that has expired is refreshed, once", async () => {
  const { answers, client, requests, sockets } = fakeClient();
  const account = { id: "1", username: "ada" };
  answers.push({ body: { account, access_token: "fresh", refresh_token: "r2" } });
  const connecting = client.connect();
  await settle();
  sockets[0].open();
  sockets[0].say({ t: "error", id: 1, code: "token_expired", message: "Expired." });
  await settle();
  assert.equal(requests.length, 1);
  assert.deepEqual(requests[0].body, { refresh_token: "r1" });
  await sockets[1].welcome();
  assert.equal(sockets[1].sent[0].token, "fresh");
  await connecting;
});

test("a session that is over is the end, and said so", async () => {
  const { answers, client, rest, sockets } = fakeClient();
  answers.push({ status: 401, body: { error: { code: "unauthorized", message: "Log in again." } } });
  const connecting = client.connect();
  const ended = new Promise((resolve) => rest.session.on("end", resolve));
  await settle();
  await sockets[0].welcome();
  await connecting;
  sockets[0].end(4502, "session_revoked");
  assert.equal((await ended).code, "unauthorized");
  await settle();
  assert.equal(client.status.state, "closed");
  assert.equal(client.status.error.code, "unauthorized");
  assert.equal(rest.session.active, false);
});

test("silence is noticed: a probe, and then another connection", async () => {
  const { client, clock, socket, sockets } = await connected();
  await clock.advance(49);
  assert.equal(socket.last("presence"), undefined);
  await clock.advance(1);
  assert.deepEqual(socket.last("presence"), { t: "presence", id: 2 });
  socket.answer("presence");
  await clock.advance(49);
  assert.equal(socket.sent.length, 2, "any word counts");
  await clock.advance(1);
  assert.equal(socket.sent.length, 3);
  await clock.advance(10);
  assert.equal(socket.closed, true);
  assert.equal(client.status.state, "waiting");
  await clock.advance(1);
  assert.equal(sockets.length, 2);
});

test("who comes back to the page has the connection tested at once", async () => {
  const { client, clock, socket, wake } = await connected();
  wake();
  wake();
  assert.equal(socket.sent.filter(({ t }) => t === "presence").length, 1);
  await clock.advance(10);
  assert.equal(client.status.state, "waiting");
});

test("a server that does not answer hello is given up", async () => {
  const { client, clock, sockets } = fakeClient();
  client.connect().catch(() => {});
  await settle();
  sockets[0].open();
  await clock.advance(10);
  assert.equal(client.status.error.code, "unreachable");
  assert.equal(sockets[0].closed, true);
});

test("commands wait for the connection, and are repeated with their nonce", async () => {
  const { client, clock, sockets } = fakeClient();
  client.connect();
  const reaction = client.react(ROOM, 1, "+1");
  await settle();
  await sockets[0].welcome({ rooms: [room()] });
  const first = sockets[0].last("react");
  sockets[0].end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room()] });
  const second = sockets[1].last("react");
  assert.equal(second.nonce, first.nonce);
  sockets[1].refuse("react", "unavailable");
  await clock.advance(1);
  assert.equal(sockets[1].last("react").nonce, first.nonce);
  assert.notEqual(sockets[1].last("react").id, second.id);
  sockets[1].answer("react", { seq: 9, event_id: "9", at: "now" });
  assert.deepEqual(await reaction, { seq: 9, event_id: "9", at: "now" });
});

test("refusals that last are passed on, and so is a wait that would be too long", async () => {
  const { client, socket } = await connected();
  for (const [code, more] of [["forbidden", {}], ["muted", { retry_after: 1 }], ["rate_limited", { retry_after: 60 }]]) {
    const refused = assert.rejects(client.rename(ROOM, "Elsewhere"), { code });
    await settle();
    socket.refuse("rename", code, more);
    await refused;
  }
});

test("a command that finds no answer times out", async () => {
  const { client, clock } = await connected();
  const timedOut = assert.rejects(client.history(ROOM), { code: "timeout", mayRetry: true });
  await clock.advance(30);
  await timedOut;
});

test("close refuses what waits", async () => {
  const { client, socket } = await connected();
  const refused = assert.rejects(client.history(ROOM), { code: "closed" });
  await settle();
  await client.close();
  await refused;
  assert.equal(socket.closed, true);
  assert.equal(client.status.state, "closed");
  await assert.rejects(client.connect(), { code: "closed" });
});

test("with gaps reported, what was missed is passed over", async () => {
  const { client, events, note, socket } = await connected({}, { rooms: [room({ last_seq: 2 })] });
  note("gap");
  note("message");
  socket.say({ t: "gap", room: ROOM, from: 3, to: 900 });
  socket.say(message(901));
  assert.deepEqual(events[0], ["gap", { room: ROOM, from: 3, to: 900 }]);
  assert.equal(events[1][1].seq, 901);
  assert.equal(client.cursors.get(ROOM), 901);
});

test("with gaps filled, it is read from the log", async () => {
  const { client, events, note, socket } = await connected({ gaps: "fill" });
  note("message");
  socket.say({ t: "gap", room: ROOM, from: 1, to: 2 });
  socket.say(message(3));
  await settle();
  assert.deepEqual(events, []);
  socket.answer("history", { events: [message(1), message(2)], more: true });
  await settle();
  assert.deepEqual(events.map(([, { seq }]) => seq), [1, 2, 3]);
  assert.equal(client.rooms.get(ROOM).unread, 3);
});

test("reading a hole goes on over a lost connection", async () => {
  const { clock, events, note, socket, sockets } = await connected();
  note("message");
  socket.say(message(2));
  await settle();
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room({ last_seq: 2, unread: 2 })] });
  assert.deepEqual(sockets[1].sent[0].cursors, { [ROOM]: 2 });
  sockets[1].answer("history", { events: [message(1)], more: true });
  await settle();
  assert.deepEqual(events.map(([, { seq }]) => seq), [1, 2]);
});

test("rooms come and go, live and while one is away", async () => {
  const { client, clock, events, note, socket, sockets } = await connected();
  note("room_added");
  note("room_gone");
  socket.say({ t: "room", room: room({ id: "200", last_seq: 4 }) });
  socket.say(message(5, { room: "200" }));
  assert.equal(client.rooms.get("200").unread, 1);
  socket.say({ t: "room_gone", room: ROOM });
  socket.say({ t: "room_gone", room: ROOM });
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome({ rooms: [room({ id: "300" })] });
  sockets[1].say({ t: "room_gone", room: "200" });
  assert.deepEqual(events.map(([type, value]) => [type, value.id ?? value.room]), [
    ["room_added", "200"], ["room_gone", ROOM], ["room_gone", "200"], ["room_added", "300"],
  ]);
  assert.deepEqual([...client.rooms.keys()], ["300"]);
});

test("a created room is known at once, whichever word comes first", async () => {
  const { client, events, note, socket } = await connected({}, {});
  note("room_added");
  const created = client.createRoom("group", { title: "Engines", members: ["2"] });
  await settle();
  socket.say({ t: "room", room: room({ last_seq: 1, title: "Engines" }) });
  socket.say(message(2));
  socket.answer("create", { room: room({ last_seq: 1, title: "Engines" }) });
  assert.equal((await created).last_seq, 2);
  assert.equal(events.length, 1);
});

test("relations, settings, levels and presence are kept up", async () => {
  const { client, clock, socket, sockets } = await connected({}, {
    rooms: [room()], blocked: ["5"], muted: ["6"], busy: true,
  });
  assert.deepEqual([[...client.blocked], [...client.muted], client.settings], [["5"], ["6"], { busy: true, hidden: false }]);
  socket.say({ t: "relation", account: "5", blocked: false, muted: true });
  socket.say({ t: "settings", busy: false, hidden: true });
  socket.say({ t: "notify", room: ROOM, level: "none" });
  socket.say({ t: "presence", account: "2", state: "away" });
  socket.say({ t: "room_presence", room: ROOM, online: 300 });
  assert.deepEqual([[...client.blocked], [...client.muted]], [[], ["6", "5"]]);
  assert.deepEqual(client.settings, { busy: false, hidden: true });
  assert.equal(client.rooms.get(ROOM).notify, "none");
  assert.equal(client.presence.of("2").state, "away");
  assert.equal(client.presence.online(ROOM), 300);
  assert.equal(client.presence.of("3").state, "offline");
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome();
  assert.equal(client.presence.of("2").state, "offline", "until one is told otherwise");
});

test("what the server forgets with a connection is said again", async () => {
  const { client, clock, socket, sockets } = await connected();
  client.setPresence({ state: "away" });
  client.watch(["7", "8"]);
  client.unwatch(["8"]);
  await settle();
  socket.end(1006);
  await settle();
  await clock.advance(1);
  await sockets[1].welcome();
  assert.equal(sockets[1].last("presence").state, "away");
  assert.ok(sockets[1].sent.some(({ t, accounts }) => t === "watch" && accounts.join() === "7"));
});

test("an error in a listener disturbs nobody else", async (context) => {
  const { client, events, note, socket } = await connected();
  const reported = context.mock.method(console, "error", () => {});
  client.on("message", () => {
    throw new Error("a bug of the application");
  });
  note("message");
  socket.say(message(1));
  assert.equal(events.length, 1);
  assert.equal(reported.mock.callCount(), 1);
});

test("what only a newer client understands does no harm", async () => {
  const { client, events, note, socket } = await connected();
  note("unknown");
  note("event");
  socket.say({ t: "poll", room: ROOM, seq: 1, event_id: "1", sender: "2", at: "now", question: "?" });
  socket.say({ t: "weather", sun: true });
  socket.say(message(2));
  assert.deepEqual(events.map(([type, { t }]) => [type, t]), [
    ["event", "unknown"], ["unknown", "poll"], ["unknown", "weather"], ["event", "message"],
  ]);
  assert.equal(client.rooms.get(ROOM).last_seq, 2);
});

test("a peer that does not speak Plaza is left", async () => {
  const { client, socket } = await connected();
  socket.onmessage({ data: "<html>" });
  await settle();
  assert.equal(client.status.state, "closed");
  assert.equal(client.status.error.code, "wire");
});
