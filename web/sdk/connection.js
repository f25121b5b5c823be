/**
 * One WebSocket connection, from hello to close.
 *
 * Browsers do not show pings to scripts, so silence says nothing. After two heartbeats without a
 * word a command that changes nothing is sent; whoever does not answer it is gone.
 */

import { ABNORMAL, delayOf, mayReconnect } from "./close.js";
import { PlazaError } from "./errors.js";
import { eventIn, readyOf } from "./records.js";

export const SUBPROTOCOL = "plaza.v1.json";

const SILENT_HEARTBEATS = 2;

/** How long the answer to a probe may take, in seconds. */
const PROBE = 10;

/**
 * @typedef {Record<string, any>} Fields
 *
 * @typedef {object} ConnectionHooks all called from the socket's own events, in their order
 * @property {(ready: import("./types.js").Ready) => void} ready
 * @property {(fields: Fields & {t: string}) => void} event everything but answers
 * @property {(error: PlazaError) => void} closed once, at the end; also when it never was ready
 *
 * @typedef {object} ConnectionOptions
 * @property {typeof WebSocket} WebSocket
 * @property {import("./clock.js").Clock} clock
 * @property {number} openTimeout until `ready`, in seconds
 */

export class Connection {
  #socket;
  #clock;
  #hooks;
  /** @type {unknown} */
  #timer = null;
  #heardAt = 0;
  #probing = false;
  #heartbeat = 0;
  #live = false;
  #over = false;
  #lastId = 1; // hello's
  /** @type {Map<number, {resolve: (answer: Fields) => void, reject: (error: unknown) => void}>} */
  #waiting = new Map();

  /**
   * Connect and say hello.
   *
   * @param {string} url of the WebSocket
   * @param {{token: string, cursors: Record<string, number>}} hello
   * @param {ConnectionOptions} options
   * @param {ConnectionHooks} hooks
   */
  constructor(url, hello, { WebSocket, clock, openTimeout }, hooks) {
    this.#clock = clock;
    this.#hooks = hooks;
    const socket = (this.#socket = new WebSocket(url, [SUBPROTOCOL]));
    socket.onopen = () => this.#write({ t: "hello", id: 1, ...hello });
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = ({ code, reason }) => this.#end(closeError(code, reason, this.#live));
    const sentence = `The server did not answer within ${openTimeout} seconds.`;
    this.#timer = clock.after(() => this.#drop(new PlazaError("unreachable", sentence)), openTimeout);
  }

  /**
   * Send a command.
   *
   * @param {Fields} command without its id
   * @returns {Promise<Fields>} the `ok` that answers it
   * @throws {PlazaError} the refusal, or `connection_lost`
   */
  request(command) {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(closeError(ABNORMAL, "", true));
        return;
      }
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve, reject });
      this.#write({ ...command, id: this.#lastId });
    });
  }

  /**
   * Send a command whose answer does not matter.
   *
   * @param {Fields} command without its id
   */
  fire(command) {
    if (this.#over) return;
    this.#lastId += 1;
    this.#write({ ...command, id: this.#lastId });
  }

  /** Find out soon whether anybody is still there. */
  check() {
    if (this.#live && !this.#over) this.#probe();
  }

  /** End it, with a closing handshake. */
  close() {
    this.#drop(new PlazaError("connection_lost", "We closed the connection.", { status: 1000 }));
  }

  /** @param {Fields} fields */
  #write(fields) {
    this.#socket.send(JSON.stringify(fields));
  }

  /** @param {unknown} frame */
  #receive(frame) {
    this.#heardAt = this.#clock.now();
    if (this.#probing) {
      this.#probing = false;
      this.#clock.cancel(this.#timer);
      this.#listen(this.#heartbeat * SILENT_HEARTBEATS);
    }
    try {
      this.#sort(eventIn(frame));
    } catch (error) {
      if (!(error instanceof PlazaError)) throw error;
      this.#drop(error);
    }
  }

  /** @param {Fields & {t: string}} fields */
  #sort(fields) {
    if (!this.#live) this.#welcome(fields);
    else if (fields.t === "ok") this.#settle(fields.id)?.resolve(fields);
    else if (fields.t === "error") this.#settle(fields.id)?.reject(refusal(fields));
    else this.#hooks.event(fields);
  }

  /** @param {Fields & {t: string}} fields */
  #welcome(fields) {
    if (fields.t === "error") throw refusal(fields);
    if (fields.t !== "ready") {
      throw new PlazaError("wire", "The server answered hello with something else than ready.");
    }
    this.#live = true;
    this.#clock.cancel(this.#timer);
    this.#heartbeat = fields.heartbeat;
    this.#listen(this.#heartbeat * SILENT_HEARTBEATS);
    this.#hooks.ready(readyOf(fields));
  }

  /** @param {number} id */
  #settle(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** @param {number} seconds until silence is noticed */
  #listen(seconds) {
    this.#timer = this.#clock.after(() => {
      const silence = (this.#clock.now() - this.#heardAt) / 1000;
      const patience = this.#heartbeat * SILENT_HEARTBEATS;
      if (silence >= patience) this.#probe();
      else this.#listen(patience - silence);
    }, seconds);
  }

  #probe() {
    if (this.#probing) return;
    this.#probing = true;
    this.#clock.cancel(this.#timer);
    this.fire({ t: "presence" }); // which says nothing, and so changes nothing
    this.#timer = this.#clock.after(() => this.#drop(closeError(ABNORMAL, "", true)), PROBE);
  }

  /** @param {PlazaError} error */
  #drop(error) {
    if (this.#over) return;
    // Not waiting for the handshake: a connection that is dead would take its time.
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#end(error);
  }

  /** @param {PlazaError} error */
  #end(error) {
    if (this.#over) return;
    this.#over = true;
    this.#clock.cancel(this.#timer);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(closeError(ABNORMAL, "", true));
    this.#hooks.closed(error);
  }
}

/**
 * @param {Fields} fields an `error`
 */
function refusal({ code, message, retry_after = null }) {
  return new PlazaError(code, message, { retryAfter: retry_after });
}

/**
 * @param {number} code of the close frame
 * @param {string} reason
 * @param {boolean} live whether there had been a connection at all
 */
function closeError(code, reason, live) {
  if (!live && code === ABNORMAL) {
    return new PlazaError("unreachable", "The server cannot be reached. Check the connection.");
  }
  const sentence = `The connection to the server ended (${code}${reason ? `, ${reason}` : ""}).`;
  return new PlazaError("connection_lost", sentence, {
    status: code, retryAfter: delayOf(reason), mayRetry: mayReconnect(code),
  });
}
