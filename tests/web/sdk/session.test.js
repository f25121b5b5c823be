import assert from "node:assert/strict";
import { test } from "node:test";

import { LocalTokens, Rest } from "../../../web/sdk/plaza.js";
import { FakeClock, settle } from "./fakes.js";

const ADA = { id: "1", username: "ada", email: "ada@example.org", created_at: "2026-01-01T00:00:00.000Z" };

/** A server that hands out tokens, and ends the session when one is shown twice. */
function fakeServer() {
  const server = { access: "a0", refresh: "r0", refreshes: 0, revoked: false, gate: Promise.resolve() };
  const answer = (status, body) => new Response(status === 204 ? null : JSON.stringify(body), { status });
  const refuse = (code) => answer(401, { error: { code, message: `${code}.` } });
  server.fetch = async (url, { method, body, headers }) => {
    await server.gate;
    if (url.endsWith("/sessions/refresh")) {
      server.refreshes += 1;
      if (server.revoked || JSON.parse(body).refresh_token !== server.refresh) {
        server.revoked = true;
        return refuse("refresh_reused");
      }
      server.access = `a${server.refreshes}`;
      server.refresh = `r${server.refreshes}`;
      return answer(200, { account: ADA, access_token: server.access, refresh_token: server.refresh });
    }
    if (url.endsWith("/sessions") && method === "POST") {
      return answer(201, { account: ADA, access_token: server.access, refresh_token: server.refresh });
    }
    if (headers.get("Authorization") !== `Bearer ${server.access}`) return refuse("token_expired");
    if (url.endsWith("/sessions/current")) return answer(204);
    if (url.endsWith("/me/password")) {
      [server.access, server.refresh] = ["a-new", "r-new"];
      await server.slow;
      return answer(200, { account: ADA, access_token: "a-new", refresh_token: "r-new" });
    }
    if (url.endsWith("/me") && method === "DELETE") {
      const { password } = JSON.parse(body);
      return password === "correct horse battery" ? answer(204) : refuse("invalid_credentials");
    }
    return answer(200, ADA);
  };
  return server;
}

class FakeStorage {
  #items = new Map();
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, value);
  }
  removeItem(key) {
    this.#items.delete(key);
  }
}

/** The Web Locks of one origin. */
class FakeLocks {
  #last = Promise.resolve();
  request(name, task) {
    const run = this.#last.then(task);
    this.#last = run.catch(() => {});
    return run;
  }
}

const URL_ = "http://127.0.0.1:8080";
const rested = (server, tokens, clock) => new Rest(URL_, { fetch: server.fetch, tokens, clock });

test("logging in keeps the tokens; logging out forgets them", async () => {
  const server = fakeServer();
  const { session } = rested(server);
  const heard = [];
  session.on("change", () => heard.push("change"));
  session.on("end", ({ code }) => heard.push(code));
  assert.equal(session.active, false);
  assert.deepEqual(await session.logIn("ada", "correct horse battery"), ADA);
  assert.deepEqual([session.active, session.accessToken, session.account], [true, "a0", ADA]);
  await session.logOut();
  assert.deepEqual([session.active, session.account], [false, null]);
  assert.deepEqual(heard, ["change", "change", "unauthorized"]);
});

test("an expired token is refreshed on the way, once for all who ask", async () => {
  const server = fakeServer();
  const rest = rested(server);
  await rest.session.logIn("ada", "correct horse battery");
  server.access = "another";
  const accounts = await Promise.all(Array.from({ length: 20 }, () => rest.accounts.me()));
  assert.equal(accounts.length, 20);
  assert.equal(server.refreshes, 1);
});

for (const [how, locks] of [["Web Locks", () => new FakeLocks()], ["a lease", () => null]]) {
  test(`tabs refresh once between them: ${how}`, async () => {
    const server = fakeServer();
    const [storage, shared, clock] = [new FakeStorage(), locks(), new FakeClock()];
    const tabs = Array.from({ length: 5 }, () => {
      return rested(server, new LocalTokens("plaza", { storage, locks: shared, clock }), clock);
    });
    await tabs[0].session.logIn("ada", "correct horse battery");
    server.access = "another";
    let done = false;
    const all = Promise.all(tabs.map((tab) => tab.accounts.me())).then((accounts) => {
      done = true;
      return accounts;
    });
    while (!done) await clock.advance(0.05);
    assert.equal((await all).length, 5);
    assert.equal(server.refreshes, 1);
    assert.equal(server.revoked, false);
  });
}

/** What a tab sees of a storage: its own writes at once, those of other tabs a moment later. */
class TabStorage extends FakeStorage {
  constructor(clock, tabs) {
    super();
    this.clock = clock;
    this.tabs = tabs;
    tabs.push(this);
  }

  setItem(key, value) {
    super.setItem(key, value);
    for (const tab of this.tabs) {
      if (tab !== this) this.clock.after(() => FakeStorage.prototype.setItem.call(tab, key, value), 0.2);
    }
  }
}

test("a tab that gets the lock before it sees what was written does not show the old token", async () => {
  const server = fakeServer();
  const [clock, locks, storages] = [new FakeClock(), new FakeLocks(), []];
  const tabs = Array.from({ length: 3 }, () => {
    const storage = new TabStorage(clock, storages);
    return rested(server, new LocalTokens("plaza", { storage, locks, clock }), clock);
  });
  const loggingIn = tabs[0].session.logIn("ada", "correct horse battery");
  await clock.advance(1);
  await loggingIn;
  server.access = "another";
  const all = Promise.all(tabs.map((tab) => tab.accounts.me()));
  await clock.advance(5);
  assert.equal((await all).length, 3);
  assert.deepEqual([server.refreshes, server.revoked], [1, false]);
});

test("a lease that its tab did not give back runs out", async () => {
  const [storage, clock] = [new FakeStorage(), new FakeClock()];
  storage.setItem("plaza.lease", JSON.stringify({ owner: "gone", until: clock.now() + 40_000 }));
  let ran = false;
  new LocalTokens("plaza", { storage, locks: null, clock }).exclusively(async () => {
    ran = true;
  });
  await clock.advance(39);
  assert.equal(ran, false);
  await clock.advance(2);
  assert.equal(ran, true);
});

test("a session that the server has ended is over here, too", async () => {
  const server = fakeServer();
  const rest = rested(server);
  await rest.session.logIn("ada", "correct horse battery");
  server.access = "another";
  server.revoked = true;
  const ends = [];
  rest.session.on("end", ({ code }) => ends.push(code));
  await assert.rejects(rest.accounts.me(), { code: "refresh_reused", status: 401 });
  assert.equal(rest.session.active, false);
  assert.deepEqual(ends, ["refresh_reused"]);
});

test("a server that cannot be reached ends nothing", async () => {
  const server = fakeServer();
  const rest = rested(server);
  await rest.session.logIn("ada", "correct horse battery");
  server.gate = Promise.reject(new TypeError("fetch failed"));
  server.gate.catch(() => {});
  await assert.rejects(rest.session.refresh(), { code: "unreachable", mayRetry: true });
  assert.equal(rest.session.active, true);
});

test("while the password changes nobody refreshes with what it ends", async () => {
  const server = fakeServer();
  const rest = rested(server);
  await rest.session.logIn("ada", "correct horse battery");
  let go;
  server.slow = new Promise((resolve) => {
    go = resolve;
  });
  const changed = rest.session.changePassword("correct horse battery", "staple of battery");
  await settle();
  const refreshed = rest.session.refresh(); // the socket was closed with session_revoked
  await settle();
  go();
  await changed;
  assert.equal(await refreshed, "a-new");
  assert.equal(server.refreshes, 0);
});

test("the password can be changed with an expired token", async () => {
  const server = fakeServer();
  const rest = rested(server);
  await rest.session.logIn("ada", "correct horse battery");
  server.access = "another";
  await rest.session.changePassword("correct horse battery", "staple of battery");
  assert.equal(rest.session.accessToken, "a-new");
});

test("the session ends with the account, and only with the right password", async () => {
  const server = fakeServer();
  const { session } = rested(server);
  await session.logIn("ada", "correct horse battery");
  const ends = [];
  session.on("end", ({ code }) => ends.push(code));
  await assert.rejects(session.deleteAccount("staple of battery"), { code: "invalid_credentials" });
  assert.equal(session.active, true);
  await session.deleteAccount("correct horse battery");
  assert.equal(session.active, false);
  assert.deepEqual(ends, ["unauthorized"]);
});

test("another tab's login and logout are noticed", async () => {
  const server = fakeServer();
  const storage = new FakeStorage();
  const listeners = [];
  const tokens = new LocalTokens("plaza", { storage, locks: new FakeLocks() });
  tokens.watch = (listener) => listeners.push(listener);
  const { session } = rested(server, tokens);
  const ends = [];
  session.on("end", ({ message }) => ends.push(message));
  await session.logIn("ada", "correct horse battery");
  tokens.write({ account: ADA, access_token: "a1", refresh_token: "r1" });
  for (const listener of listeners) listener();
  assert.deepEqual(ends, [], "refreshed, no more");
  assert.equal(session.accessToken, "a1");
  storage.removeItem("plaza");
  for (const listener of listeners) listener();
  assert.equal(ends.length, 1);
});

test("without storage the tokens stay in memory; what is no token is none", async () => {
  const server = fakeServer();
  const rest = rested(server, new LocalTokens("plaza", { storage: null }));
  await rest.session.logIn("ada", "correct horse battery");
  assert.equal((await rest.accounts.me()).username, "ada");
  const storage = new FakeStorage();
  storage.setItem("plaza", "{broken");
  assert.equal(new LocalTokens("plaza", { storage }).read(), null);
});
