/** Whip and Whep: an offer is posted, and what is lost is made again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Whep } from "../../../web/sdk/plaza.js";
import { iceServersOf, linksOf } from "../../../web/sdk/signalling.js";
import { FakeClock, settle } from "./fakes.js";

globalThis.MediaStream = class {
  tracks = [];
  addTrack(track) {
    this.tracks.push(track);
  }
};

class FakePeer extends EventTarget {
  static all = [];
  connectionState = "new";
  kinds = [];
  dtls = Object.assign(new EventTarget(), { state: "new" });

  constructor() {
    super();
    FakePeer.all.push(this);
  }

  addTransceiver(kind) {
    this.kinds.push(kind);
  }

  getTransceivers() {
    return this.kinds.map(() => ({ receiver: { transport: this.dtls } }));
  }

  async setLocalDescription() {
    this.localDescription = { sdp: "offer" };
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
  }

  getConfiguration() {
    return this.configuration ?? {};
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  close() {
    this.connectionState = "closed";
  }
}

const CREATED = () =>
  new Response("answer", { status: 201, headers: { Location: "/whep/7/secret", ETag: '"1"' } });

const problem = (status, code, headers = {}) =>
  new Response(JSON.stringify({ code, detail: `${code}.` }), {
    status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });

/** A viewer whose server answers with what is in `answers`. */
function watching(...answers) {
  FakePeer.all = [];
  const requests = [];
  const clock = new FakeClock();
  const whep = new Whep({
    url: "http://127.0.0.1:8080/whep/7",
    token: "t",
    RTCPeerConnection: FakePeer,
    clock,
    random: () => 1,
    fetch: async (url, { method, headers, body }) => {
      requests.push({ url, method, headers, body });
      if (method === "DELETE") return new Response(null, { status: 200 });
      return (answers.shift() ?? CREATED)();
    },
  });
  const states = [];
  whep.on("state", ({ state, error }) => states.push(error === null ? state : `${state}: ${error.code}`));
  whep.start();
  return { whep, clock, requests, states, peer: () => FakePeer.all.at(-1) };
}

test("the offer is posted with the token, and the answer is used", async () => {
  const { requests, peer, states } = watching();
  await settle();
  assert.deepEqual(requests[0], {
    url: "http://127.0.0.1:8080/whep/7",
    method: "POST",
    headers: { "Content-Type": "application/sdp", Authorization: "Bearer t" },
    body: "offer",
  });
  assert.deepEqual(peer().remoteDescription, { type: "answer", sdp: "answer" });
  assert.deepEqual(peer().kinds, ["video", "audio"]);
  peer().become("connected");
  assert.deepEqual(states, ["connecting", "connected"]);
});

test("a connection that fails is ended on the server and made again", async () => {
  const { requests, clock, peer, states } = watching();
  await settle();
  const first = peer();
  first.become("connected");
  first.become("failed");
  await settle();
  assert.equal(first.connectionState, "closed");
  assert.deepEqual([requests.at(-1).method, requests.at(-1).url], ["DELETE", "http://127.0.0.1:8080/whep/7/secret"]);
  await clock.advance(1);
  assert.notEqual(peer(), first);
  peer().become("connected");
  assert.deepEqual(states, ["connecting", "connected", "waiting", "connecting", "connected"]);
});

test("a connection that was lost has some seconds to come back by itself", async () => {
  const { clock, peer, states } = watching();
  await settle();
  const first = peer();
  first.become("connected");
  first.become("disconnected");
  await clock.advance(5);
  first.become("connected");
  await clock.advance(60);
  assert.equal(peer(), first);
  first.become("disconnected");
  await clock.advance(7);
  assert.notEqual(peer(), first);
  assert.equal(states.at(-1), "connecting");
});

test("a session that the server ends is seen at its DTLS", async () => {
  const { peer, requests, states } = watching();
  await settle();
  const first = peer();
  first.become("connected");
  first.dtls.state = "closed";
  first.dtls.dispatchEvent(new Event("statechange"));
  await settle();
  assert.equal(states.at(-1), "waiting");
  assert.deepEqual(requests.map(({ method }) => method), ["POST"], "there is nothing left to delete");
});

test("a stream that is offline is asked for again, when the server says", async () => {
  const offline = () => problem(409, "stream_offline", { "Retry-After": "3" });
  const { clock, requests, states } = watching(offline, offline);
  await settle();
  assert.equal(states.at(-1), "waiting: stream_offline");
  await clock.advance(2.9);
  assert.equal(requests.length, 1);
  await clock.advance(2);
  assert.equal(requests.length, 2);
});

test("a stream that starts is asked for at once", async () => {
  const { whep, requests } = watching(() => problem(409, "stream_offline", { "Retry-After": "30" }));
  await settle();
  whep.retry();
  await settle();
  assert.equal(requests.length, 2);
});

test("what cannot succeed later is not tried again", async () => {
  const { clock, requests, states } = watching(() => problem(404, "not_found"));
  await clock.advance(600);
  assert.deepEqual([requests.length, states.at(-1)], [1, "ended: not_found"]);
});

test("who ends it leaves nothing behind", async () => {
  const { whep, clock, requests, peer, states } = watching();
  await settle();
  peer().become("connected");
  whep.end();
  await clock.advance(600);
  assert.deepEqual([requests.map(({ method }) => method), states.at(-1)], [["POST", "DELETE"], "ended"]);
});

test("who ends it while the answer is on its way leaves nothing behind either", async () => {
  const { whep, requests, states } = watching();
  whep.end();
  await settle();
  assert.deepEqual([requests.map(({ method }) => method), states.at(-1)], [["POST", "DELETE"], "ended"]);
});

test("ICE servers of Link headers", () => {
  assert.deepEqual(
    iceServersOf(linksOf(
      '<stun:stun.example.net>; rel="ice-server", ' +
        '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="u,1"; ' +
        'credential="p=="; credential-type="password", </style.css>; rel="preload"',
    )),
    [
      { urls: "stun:stun.example.net" },
      { urls: "turn:turn.example.net?transport=udp", username: "u,1", credential: "p==" },
    ],
  );
  assert.deepEqual(iceServersOf(linksOf(null)), []);
});

const REL = "urn:ietf:params:whep:ext:core";

/** A server with layers to choose from; `said` are the texts of its event stream. */
function choosing(said) {
  const created = () =>
    new Response("answer", {
      status: 201,
      headers: {
        Location: "/whep/7/secret",
        Link: `</whep/7/secret/events>; rel="${REL}:server-sent-events"; events="layers", </whep/7/secret/layer>; rel="${REL}:layer"`,
      },
    });
  const events = () => new Response(null, { status: 201, headers: { Location: "/whep/7/secret/events/1" } });
  const stream = () => new Response(new Blob(said).stream(), { status: 200 });
  return watching(created, events, stream, () => new Response(null, { status: 200 }), created);
}

test("layers are asked for once, and one is chosen", async () => {
  const layers = [{ rid: "q", bitrate: 1 }, { rid: "f", bitrate: 9 }];
  const { whep, requests } = choosing(["event: layers\n", `data: ${JSON.stringify({ 1: layers })}\n\n`]);
  await settle();
  assert.deepEqual(await whep.layers(), layers);
  await whep.choose("q");
  const asked = requests.slice(1).map(({ method, url, body }) => [method, new URL(url).pathname, body]);
  assert.deepEqual(asked, [
    ["POST", "/whep/7/secret/events", '["layers"]'],
    ["GET", "/whep/7/secret/events/1", undefined],
    ["DELETE", "/whep/7/secret/events/1", undefined],
    ["POST", "/whep/7/secret/layer", '{"rid":"q"}'],
  ]);
});

test("where there is no choice there are no layers", async () => {
  const { whep } = choosing([]);
  assert.deepEqual(await whep.layers(), []);
  await settle();
  assert.deepEqual(await whep.layers(), []);
});

test("what was chosen is chosen again after a reconnect", async () => {
  const { whep, clock, peer, requests } = choosing([]);
  await settle();
  await whep.layers();
  await whep.choose("q");
  peer().become("connected");
  peer().become("failed");
  await clock.advance(2);
  assert.deepEqual(requests.at(-1).body, '{"rid":"q"}');
  assert.equal(requests.filter(({ body }) => body === '{"rid":"q"}').length, 2);
});
