/**
 * Where the tokens of a session are kept.
 *
 * A refresh token is good for one use, and showing it a second time ends the session. So a store
 * that several tabs share also has to see to it that one of them refreshes at a time.
 */

import { SYSTEM_CLOCK, pause } from "./clock.js";

/**
 * @typedef {object} Kept
 * @property {import("./types.js").Account | null} account
 * @property {string | null} access_token
 * @property {string | null} refresh_token
 *
 * @typedef {object} TokenStore
 * @property {() => Kept | null} read what is kept now
 * @property {(kept: Kept | null) => void} write keeps it; null: nothing any more
 * @property {<T>(task: () => Promise<T>) => Promise<T>} exclusively runs tasks one after the other,
 *     over all that share the store
 * @property {(listener: () => void) => () => void} watch calls when somebody else has written;
 *     returns what stops it
 */

/** @implements {TokenStore} */
export class MemoryTokens {
  /** @type {Kept | null} */
  #kept = null;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  read() {
    return this.#kept;
  }

  /** @param {Kept | null} kept */
  write(kept) {
    this.#kept = kept;
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  exclusively(task) {
    const run = this.#last.then(task);
    this.#last = run.catch(() => {});
    return run;
  }

  watch() {
    return () => {};
  }
}

/**
 * Browsers run tabs in processes of their own: that a lock is free is seen in another tab sooner than
 * what was written before, and who then shows the old refresh token has lost the session.
 */
const SPREAD_SECONDS = 0.5;

/** Longer than a request takes before it is given up. */
const LEASE_SECONDS = 40;
const LEASE_POLL = 0.05;

/**
 * In localStorage, shared by the tabs of an origin. If the browser allows none, in memory.
 *
 * @implements {TokenStore}
 */
export class LocalTokens {
  #name;
  #storage;
  #locks;
  #clock;
  #fallback = new MemoryTokens();

  /**
   * @param {string} [name] of the entry
   * @param {object} [options]
   * @param {Storage | null} [options.storage]
   * @param {Pick<LockManager, "request"> | null} [options.locks] null: there are none, as on pages
   *     that came over plain HTTP; a lease in the storage has to do
   * @param {import("./clock.js").Clock} [options.clock]
   */
  constructor(name = "plaza", { storage = localStorageOf(), locks, clock = SYSTEM_CLOCK } = {}) {
    this.#name = name;
    this.#storage = storage;
    this.#locks = locks === undefined ? (globalThis.navigator?.locks ?? null) : locks;
    this.#clock = clock;
  }

  /** @returns {Kept | null} */
  read() {
    if (this.#storage === null) return this.#fallback.read();
    return parsed(this.#storage.getItem(this.#name));
  }

  /** @param {Kept | null} kept */
  write(kept) {
    if (this.#storage === null) this.#fallback.write(kept);
    else if (kept === null) this.#storage.removeItem(this.#name);
    else this.#storage.setItem(this.#name, JSON.stringify(kept));
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async exclusively(task) {
    if (this.#storage === null) return this.#fallback.exclusively(task);
    if (this.#locks !== null) return this.#withLock(this.#locks, this.#storage, task);
    return this.#withLease(this.#storage, task);
  }

  /**
   * @template T
   * @param {Pick<LockManager, "request">} locks
   * @param {Storage} storage
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #withLock(locks, storage, task) {
    return new Promise((resolve, reject) => {
      const holding = locks.request(`${this.#name}.tokens`, async () => {
        const before = storage.getItem(this.#name);
        await task().then(resolve, reject);
        if (storage.getItem(this.#name) !== before) await pause(this.#clock, SPREAD_SECONDS).over;
      });
      holding.catch(reject);
    });
  }

  /** @param {() => void} listener */
  watch(listener) {
    if (typeof globalThis.addEventListener !== "function") return () => {};
    /** @param {StorageEvent} event */
    const changed = (event) => {
      if (event.key === this.#name || event.key === null) listener();
    };
    globalThis.addEventListener("storage", changed);
    return () => globalThis.removeEventListener("storage", changed);
  }

  /**
   * @template T
   * @param {Storage} storage
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #withLease(storage, task) {
    const key = `${this.#name}.lease`;
    const owner = crypto.getRandomValues(new Uint32Array(2)).join("-");
    for (;;) {
      const held = parsed(storage.getItem(key));
      const free = held === null || held.until <= this.#clock.now();
      if (free) {
        const until = this.#clock.now() + LEASE_SECONDS * 1000;
        storage.setItem(key, JSON.stringify({ owner, until }));
      }
      // Of several that took it at once, the last one to write has it.
      await pause(this.#clock, LEASE_POLL).over;
      if (free && parsed(storage.getItem(key))?.owner === owner) break;
    }
    try {
      return await task();
    } finally {
      if (parsed(storage.getItem(key))?.owner === owner) storage.removeItem(key);
    }
  }
}

function localStorageOf() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // the browser forbids it
  }
}

/**
 * @param {string | null} text
 * @returns {any}
 */
function parsed(text) {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null; // somebody else's
  }
}
