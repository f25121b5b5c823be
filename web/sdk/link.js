/**
 * A connection that is made again whenever it is lost, for as long as that can help.
 *
 *     connecting --ready--> connected
 *         |                     |
 *         | failed              | lost
 *         v                     v
 *       waiting <---------------+        both: unless the error says that another try is useless
 *         |
 *         +--delay--> connecting         any state: closed, by close() or by such an error
 */

import { FullJitter, heed } from "./backoff.js";
import { SESSION_REVOKED } from "./close.js";
import { pause } from "./clock.js";
import { Connection } from "./connection.js";
import { PlazaError } from "./errors.js";

/**
 * @typedef {object} Status
 * @property {"idle" | "connecting" | "connected" | "waiting" | "closed"} state
 * @property {PlazaError | null} error why it is waiting or closed
 * @property {number | null} delay seconds until the next try, when it is waiting
 * @property {number | null} retryAt when that is: Unix time in milliseconds
 *
 * @typedef {object} LinkOptions
 * @property {typeof WebSocket} WebSocket
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random uniform on [0, 1)
 * @property {number} openTimeout
 * @property {number} backoffBase
 * @property {number} backoffCap
 *
 * @typedef {object} LinkHooks
 * @property {() => Record<string, number>} cursors for hello
 * @property {(ready: import("./types.js").Ready, sent: Record<string, number>) => void} ready
 * @property {(fields: import("./connection.js").Fields & {t: string}) => void} event
 * @property {(status: Status) => void} status
 */

export class Link {
  #url;
  #session;
  #calls;
  #options;
  #hooks;
  #backoff;
  /** What there is, be it ready or not. @type {Connection | null} */
  #connection = null;
  /** What is ready. @type {Connection | null} */
  #live = null;
  /** What would cut a wait short. */
  #wake = () => {};
  /** @type {PlazaError | null} */
  #end = null;
  /** Those who wait for a connection, or for the end. @type {(() => void)[]} */
  #waiters = [];
  /** @type {Promise<void> | null} */
  #running = null;
  #ends = () => {};

  /**
   * @param {string} url of the WebSocket
   * @param {import("./session.js").Session} session has the access tokens
   * @param {import("./calls.js").Calls} calls are given each connection
   * @param {LinkOptions} options
   * @param {LinkHooks} hooks
   */
  constructor(url, session, calls, options, hooks) {
    this.#url = url;
    this.#session = session;
    this.#calls = calls;
    this.#options = options;
    this.#hooks = hooks;
    this.#backoff = new FullJitter(options.random, options.backoffBase, options.backoffCap);
  }

  /** Connect, and stay connected until `close`. Idempotent. */
  start() {
    if (this.#running !== null) return;
    this.#ends = this.#session.on("end", (error) => this.#finish(error));
    this.#running = this.#run();
  }

  /** End it. Idempotent. */
  close() {
    this.#finish(new PlazaError("closed", "The client is closed. Make another one."));
  }

  /** Do not wait any longer; if there seems to be a connection, find out whether it is alive. */
  wake() {
    this.#wake();
    this.#connection?.check();
  }

  /**
   * Wait until there is a connection.
   *
   * @throws {PlazaError} there will be none any more
   */
  async connected() {
    while (this.#live === null) {
      if (this.#end !== null) throw this.#end;
      await new Promise((/** @type {(value: void) => void} */ go) => this.#waiters.push(go));
    }
  }

  /**
   * Send a command whose answer does not matter, if there is a connection.
   *
   * @param {import("./connection.js").Fields} command
   */
  fire(command) {
    this.#live?.fire(command);
  }

  async #run() {
    while (this.#end === null) {
      try {
        await this.#pause(await this.#attempt());
      } catch (error) {
        this.#finish(asPlazaError(error));
      }
    }
  }

  /** Connect, and resolve with the reason when the connection has ended. */
  async #attempt() {
    this.#report("connecting");
    try {
      const token = this.#session.accessToken ?? (await this.#session.refresh(null));
      const error = await this.#connect(token);
      const refused = error.code === "token_expired" || error.code === "unauthorized";
      // With another password the sessions change: the new one may be there already.
      if (!refused && error.status !== SESSION_REVOKED) return error;
      return await this.#connect(await this.#session.refresh(token));
    } catch (error) {
      return asPlazaError(error);
    }
  }

  /**
   * @param {string} token
   * @returns {Promise<PlazaError>} why it ended
   */
  #connect(token) {
    return new Promise((resolve, reject) => {
      if (this.#end !== null) {
        reject(this.#end);
        return;
      }
      const cursors = this.#hooks.cursors();
      let readyAt = Infinity;
      const connection = new Connection(this.#url, { token, cursors }, this.#options, {
        ready: (ready) => {
          readyAt = this.#options.clock.now();
          this.#live = connection;
          this.#report("connected");
          this.#hooks.ready(ready, cursors);
          this.#calls.attach(connection);
          this.#release();
        },
        event: this.#hooks.event,
        closed: (error) => {
          if (this.#connection === connection) this.#connection = this.#live = null;
          this.#calls.detach();
          // Not right when it was ready: a server that accepts and drops would be hammered.
          const stable = this.#options.clock.now() - readyAt;
          if (stable >= this.#options.backoffCap * 1000) this.#backoff.reset();
          resolve(error);
        },
      });
      this.#connection = connection;
    });
  }

  /**
   * Wait before the next attempt.
   *
   * @param {PlazaError} error
   * @throws {PlazaError} the error, when there should not be one
   */
  async #pause(error) {
    if (!error.mayRetry) throw error;
    if (this.#end !== null) return;
    const hint = error.retryAfter;
    const delay = hint ? heed(hint, this.#options) : this.#backoff.next();
    this.#report("waiting", error, delay);
    const { over, end } = pause(this.#options.clock, delay);
    this.#wake = end;
    await over;
    this.#wake = () => {};
  }

  /** @param {PlazaError} error */
  #finish(error) {
    if (this.#end !== null) return;
    this.#end = error;
    this.#ends();
    this.#wake();
    this.#connection?.close();
    this.#connection = this.#live = null;
    this.#calls.end(error);
    this.#report("closed", error);
    this.#release();
  }

  #release() {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const go of waiters) go();
  }

  /**
   * @param {Status["state"]} state
   * @param {PlazaError | null} [error]
   * @param {number | null} [delay]
   */
  #report(state, error = null, delay = null) {
    const retryAt = delay === null ? null : this.#options.clock.now() + delay * 1000;
    this.#hooks.status({ state, error, delay, retryAt });
  }
}

/** @param {unknown} error */
function asPlazaError(error) {
  if (error instanceof PlazaError) return error;
  return new PlazaError("wire", `The client failed: ${error}`, { cause: error });
}
