/** A clock that is moved by hand, and servers that say what a test wants. */

import { Client, Rest } from "../../../web/sdk/plaza.js";

export const SELF = { id: "1", username: "ada" };
export const ROOM = "100";

/** Lets everything run that does not wait for the clock. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeClock {
  #now = Date.parse("2026-01-01T00:00:00Z");
  #timers = new Set();

  now() {
    return this.#now;
  }

  after(task, seconds) {
    const timer = { task, at: this.#now + seconds * 1000 };
    this.#timers.add(timer);
    return timer;
  }

  cancel(timer) {
    this.#timers.delete(timer);
  }

  /** Seconds until each timer, ascending. */
  get waits() {
    return [...this.#timers].map(({ at }) => (at - this.#now) / 1000).sort((a, b) => a - b);
  }

  async advance(seconds) {
    const until = this.#now + seconds * 1000;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until);
      if (due.length === 0) break;
      const next = due.reduce((first, timer) => (timer.at < first.at ? timer : first));
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settle();
    }
    this.#now = until;
  }
}

/** The sockets that a client opens, in order; a class to be handed in as WebSocket. */
export function fakeSockets() {
  const sockets = [];
  class FakeSocket {
    onopen = null;
    onmessage = null;
    onclose = null;
    sent = [];
    closed = false;

    constructor(url, protocols) {
      this.url = url;
      this.protocols = protocols;
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    open() {
      this.onopen?.();
    }

    /** The server says something. */
    say(fields) {
      this.onmessage?.({ data: JSON.stringify(fields) });
    }

    /** The server, or the network, ends it. */
    end(code = 1006, reason = "") {
      this.closed = true;
      this.onclose?.({ code, reason });
    }

    /** The last command of a type. */
    last(t) {
      return this.sent.findLast((command) => command.t === t);
    }

    /** Answers the last command of a type. */
    answer(t, fields = {}) {
      this.say({ t: "ok", id: this.last(t).id, ...fields });
    }

    refuse(t, code, more = {}) {
      this.say({ t: "error", id: this.last(t).id, code, message: `${code}.`, ...more });
    }

    /** Hello is over. */
    async welcome(ready = {}) {
      this.open();
      this.say({ t: "ready", id: 1, user: SELF, session: "9", heartbeat: 25, rooms: [], ...ready });
      await settle();
    }
  }
  return { FakeSocket, sockets };
}

/** A client with all that surrounds it in the test's hands. */
export function fakeClient(options = {}) {
  const clock = new FakeClock();
  const { FakeSocket, sockets } = fakeSockets();
  const requests = [];
  const answers = [];
  const fetch = async (url, init) => {
    requests.push({ url, method: init.method, body: init.body && JSON.parse(init.body) });
    const { status = 200, body } = await (answers.shift() ?? { status: 503, body: {} });
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  };
  const rest = new Rest("http://127.0.0.1:8080", { accessToken: "good", refreshToken: "r1", fetch, clock });
  let wake = () => {};
  const client = new Client(rest, {
    WebSocket: FakeSocket,
    clock,
    random: () => 0.5,
    wakeups: (listener) => {
      wake = listener;
      return () => {};
    },
    ...options,
  });
  const events = [];
  const note = (type) => client.on(type, (value) => events.push([type, value]));
  return { answers, client, clock, events, note, requests, rest, sockets, wake: () => wake() };
}

export function room(fields = {}) {
  return { id: ROOM, kind: "group", last_seq: 0, members: 2, ...fields };
}

export function message(seq, fields = {}) {
  return {
    t: "message", room: ROOM, seq, event_id: `${seq}`, sender: "2", at: "2026-01-01T00:00:00.000Z",
    body: `#${seq}`, ...fields,
  };
}
