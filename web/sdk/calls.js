/**
 * Commands, carried out over several connections and attempts if need be.
 *
 *     waiting --connection--> sent --answer--> over          any state: over, by a timeout or the end
 *        ^                     | |
 *        +----------lost-------+ +--patience asked for--> delayed --time--> sent, or waiting
 *
 * Those that wait are sent in the order in which they were asked for: what one connection writes to a
 * room enters its log in the order in which it was sent.
 */

import { FullJitter, heed } from "./backoff.js";
import { PlazaError, isPlazaError } from "./errors.js";

/**
 * @typedef {import("./connection.js").Fields} Fields
 * @typedef {import("./connection.js").Connection} Connection
 *
 * @typedef {object} CallsOptions
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random
 * @property {number} backoffBase
 * @property {number} backoffCap
 * @property {number} commandTimeout how long to try, in seconds
 *
 * @typedef {object} Patience
 * @property {number} [timeout] how long to try, in seconds; Infinity: for as long as the client lives
 * @property {(error: PlazaError | null) => void} [delayed] the server asks for patience; with null:
 *     the next try begins
 *
 * @typedef {object} Call
 * @property {Fields} command
 * @property {"waiting" | "sent" | "delayed"} state
 * @property {FullJitter} backoff
 * @property {number} deadline
 * @property {unknown} timeout a timer
 * @property {unknown} pause a timer
 * @property {(error: PlazaError | null) => void} delayed
 * @property {(answer: Fields) => void} resolve
 * @property {(error: unknown) => void} reject
 */

export class Calls {
  #options;
  /** In the order in which they were asked for. @type {Set<Call>} */
  #calls = new Set();
  /** @type {Connection | null} */
  #connection = null;
  /** @type {PlazaError | null} */
  #end = null;

  /** @param {CallsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * There is a connection.
   *
   * @param {Connection} connection
   */
  attach(connection) {
    this.#connection = connection;
    for (const call of [...this.#calls]) {
      if (call.state === "waiting") this.#try(call);
    }
  }

  /** There is none any more. */
  detach() {
    this.#connection = null;
  }

  /**
   * There will be none any more.
   *
   * @param {PlazaError} error
   */
  end(error) {
    this.#end = error;
    for (const call of [...this.#calls]) this.#settle(call)?.reject(error);
  }

  /**
   * Carry a command out. Repeating it must do no harm: it has a nonce, or asks for a state of things.
   *
   * @param {Fields} command without its id
   * @param {Patience} [patience]
   * @returns {Promise<Fields>} the `ok`
   * @throws {PlazaError}
   */
  request(command, { timeout = this.#options.commandTimeout, delayed = () => {} } = {}) {
    const { clock, random, backoffBase, backoffCap } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#end !== null) {
        reject(this.#end);
        return;
      }
      /** @type {Call} */
      const call = {
        command, delayed, resolve, reject, state: "waiting", pause: null, timeout: null,
        backoff: new FullJitter(random, backoffBase, backoffCap),
        deadline: clock.now() + timeout * 1000,
      };
      this.#calls.add(call);
      if (Number.isFinite(timeout)) {
        call.timeout = clock.after(() => this.#settle(call)?.reject(late(command)), timeout);
      }
      this.#try(call);
    });
  }

  /** @param {Call} call */
  #try(call) {
    if (this.#connection === null) {
      call.state = "waiting";
      return;
    }
    call.state = "sent";
    this.#connection.request(call.command).then(
      (answer) => this.#settle(call)?.resolve(answer),
      (error) => this.#failed(call, error),
    );
  }

  /**
   * @param {Call} call
   * @param {unknown} error
   */
  #failed(call, error) {
    if (!this.#calls.has(call)) return;
    if (isPlazaError(error, "connection_lost")) this.#try(call);
    else if (!isPlazaError(error) || !this.#delay(call, error)) this.#settle(call)?.reject(error);
  }

  /**
   * Try again later, if that makes sense.
   *
   * @param {Call} call
   * @param {PlazaError} error
   * @returns {boolean} whether it does
   */
  #delay(call, error) {
    // Who is muted wants to know it, and not to be heard much later.
    if (!error.mayRetry || error.code === "muted") return false;
    const { clock } = this.#options;
    const hint = error.retryAfter;
    const seconds = hint ? heed(hint, this.#options) : call.backoff.next();
    if (clock.now() + seconds * 1000 >= call.deadline) return false;
    call.state = "delayed";
    call.pause = clock.after(() => {
      call.delayed(null);
      this.#try(call);
    }, seconds);
    call.delayed(error);
    return true;
  }

  /**
   * It is over.
   *
   * @param {Call} call
   * @returns {Call | null} null: it has been for long
   */
  #settle(call) {
    if (!this.#calls.delete(call)) return null;
    this.#options.clock.cancel(call.timeout);
    this.#options.clock.cancel(call.pause);
    return call;
  }
}

/** @param {Fields} command */
function late({ t }) {
  return new PlazaError(
    "timeout", `There was no answer to ${t} in time. It may have been carried out.`,
  );
}
