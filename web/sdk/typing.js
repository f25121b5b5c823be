/** Who is typing, and saying that one is. */

/** How long a notice holds, unless a message or another notice ends it earlier. */
const HOLDS = 8;

/** A sign of one's own is repeated at most so often, in seconds. */
const REPEAT = 3;

/**
 * @typedef {{room: string, thread: number | null, accounts: string[]}} Typists who is typing there
 *
 * @param {string} room
 * @param {number | null} thread
 */
function placeOf(room, thread) {
  return `${room}/${thread ?? ""}`;
}

/** Others who are typing. */
export class TypingTable {
  #clock;
  #changed;
  /** @type {Map<string, {room: string, thread: number | null, timers: Map<string, unknown>}>} */
  #places = new Map();

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {(typists: Typists) => void} changed
   */
  constructor(clock, changed) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /**
   * The accounts that are typing in a room or thread, first come first.
   *
   * @param {string} room
   * @param {number | null} [thread]
   * @returns {string[]}
   */
  of(room, thread = null) {
    return [...(this.#places.get(placeOf(room, thread))?.timers.keys() ?? [])];
  }

  /**
   * A notice has come.
   *
   * @param {string} room
   * @param {number | null} thread
   * @param {string} account
   * @param {boolean} active
   */
  note(room, thread, account, active) {
    if (!active) {
      this.end(room, thread, account);
      return;
    }
    const key = placeOf(room, thread);
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, (place = { room, thread, timers: new Map() }));
    const known = place.timers.has(account);
    this.#clock.cancel(place.timers.get(account));
    place.timers.set(account, this.#clock.after(() => this.end(room, thread, account), HOLDS));
    if (!known) this.#tell(place);
  }

  /**
   * Somebody has stopped, or sent what they typed.
   *
   * @param {string} room
   * @param {number | null} thread
   * @param {string} account
   */
  end(room, thread, account) {
    const key = placeOf(room, thread);
    const place = this.#places.get(key);
    if (place === undefined || !place.timers.has(account)) return;
    this.#clock.cancel(place.timers.get(account));
    place.timers.delete(account);
    if (place.timers.size === 0) this.#places.delete(key);
    this.#tell(place);
  }

  /** Nobody is typing any more, as far as one knows. */
  clear() {
    const places = [...this.#places.values()];
    this.#places.clear();
    for (const place of places) {
      for (const timer of place.timers.values()) this.#clock.cancel(timer);
      place.timers.clear();
      this.#tell(place);
    }
  }

  /** @param {{room: string, thread: number | null, timers: Map<string, unknown>}} place */
  #tell({ room, thread, timers }) {
    this.#changed({ room, thread, accounts: [...timers.keys()] });
  }
}

/** One's own signs, seldom enough. */
export class TypingSigns {
  #clock;
  #send;
  /** When a sign was sent last, by place. @type {Map<string, number>} */
  #sent = new Map();

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {(command: {t: "typing", room: string, thread?: number, active: boolean}) => void} send
   */
  constructor(clock, send) {
    this.#clock = clock;
    this.#send = send;
  }

  /**
   * One is typing, or has stopped. To be called at every key.
   *
   * @param {string} room
   * @param {number | null} thread
   * @param {boolean} active
   */
  sign(room, thread, active) {
    const key = placeOf(room, thread);
    const now = this.#clock.now();
    const last = this.#sent.get(key) ?? -Infinity;
    if (active ? now - last < REPEAT * 1000 : now - last >= HOLDS * 1000) return;
    if (active) this.#sent.set(key, now);
    else this.#sent.delete(key);
    this.#send({ t: "typing", room, active, ...(thread === null ? {} : { thread }) });
  }

  /**
   * A message was sent: that one has stopped goes without saying.
   *
   * @param {string} room
   */
  sent(room) {
    for (const key of this.#sent.keys()) {
      if (key.startsWith(`${room}/`)) this.#sent.delete(key);
    }
  }
}
