/** One's own markers: what one has read, and what has reached this device. */

/** Deliveries are told together, after so many seconds. */
const COALESCE = 1;

/** The most that one command may carry. */
const ROOMS = 500;

/**
 * @typedef {(command: import("./connection.js").Fields) => Promise<unknown>} Request
 */

/** Read markers: one command of a room at a time, the highest seq wins. */
export class ReadMarkers {
  #request;
  /** @type {Map<string, {seq: number, promise: Promise<void>}>} */
  #next = new Map();
  /** @type {Map<string, Promise<void>>} */
  #underWay = new Map();

  /** @param {Request} request */
  constructor(request) {
    this.#request = request;
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<void>} when the server knows
   */
  read(room, seq) {
    const next = this.#next.get(room);
    if (next !== undefined) {
      next.seq = Math.max(next.seq, seq);
      return next.promise;
    }
    const before = this.#underWay.get(room);
    if (before === undefined) return this.#send(room, seq);
    const queued = { seq, promise: Promise.resolve() };
    queued.promise = before.catch(() => {}).then(() => {
      this.#next.delete(room);
      return this.#send(room, queued.seq);
    });
    this.#next.set(room, queued);
    return queued.promise;
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<void>}
   */
  #send(room, seq) {
    const sent = this.#request({ t: "read", room, seq })
      .then(() => {})
      .finally(() => this.#underWay.delete(room));
    this.#underWay.set(room, sent);
    return sent;
  }
}

/** Delivered markers: told by themselves, many together. */
export class DeliveredMarkers {
  #clock;
  #request;
  /** @type {Map<string, number>} */
  #due = new Map();
  #timed = false;

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {Request} request
   */
  constructor(clock, request) {
    this.#clock = clock;
    this.#request = request;
  }

  /**
   * Everything up to `seq` is here.
   *
   * @param {string} room
   * @param {number} seq
   */
  note(room, seq) {
    this.#due.set(room, Math.max(seq, this.#due.get(room) ?? 0));
    if (this.#timed) return;
    this.#timed = true;
    this.#clock.after(() => this.#tell(), COALESCE);
  }

  /**
   * It was read, which says more.
   *
   * @param {string} room
   * @param {number} seq
   */
  covered(room, seq) {
    if ((this.#due.get(room) ?? Infinity) <= seq) this.#due.delete(room);
  }

  #tell() {
    this.#timed = false;
    const due = [...this.#due];
    this.#due.clear();
    for (let start = 0; start < due.length; start += ROOMS) {
      const cursors = Object.fromEntries(due.slice(start, start + ROOMS));
      // Whatever refuses it: the next one says more.
      this.#request({ t: "delivered", cursors }).catch(() => {});
    }
  }
}
