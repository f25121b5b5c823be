/**
 * From what arrives to what is handed over: of each room every entry, once, in the log's order.
 *
 * The cursor of a room is the seq of the last entry that was handed over. What arrives is a
 * duplicate (not above the cursor), the next one, or shows a hole before it. Holes are filled from
 * the log, a page at a time; what arrives meanwhile waits, or, when too much waits, is left in the
 * log and read from there like the rest.
 */

import { isPlazaError } from "./errors.js";

/** The most that the server gives at once. */
const PAGE = 200;

/** Entries that wait behind a hole. */
const WAITING = 1_000;

/**
 * @typedef {import("./types.js").RoomEvent} RoomEvent
 *
 * @typedef {object} Hole
 * @property {number} upto the highest seq that is known to be in the log
 * @property {RoomEvent[]} waiting ascending
 *
 * @typedef {object} Hooks
 * @property {(room: string, after: number, limit: number) => Promise<RoomEvent[]>} readLog
 * @property {(entry: RoomEvent) => void} hand takes the next entry
 * @property {(gap: import("./types.js").Gap) => void} skipped entries that will not be handed over
 */

export class Delivery {
  #hooks;
  /** Room -> the seq handed over last. @type {Map<string, number>} */
  cursors;
  /** @type {Map<string, Hole>} */
  #holes = new Map();

  /**
   * @param {Hooks} hooks
   * @param {Record<string, number>} [cursors] of an earlier run
   */
  constructor(hooks, cursors = {}) {
    this.#hooks = hooks;
    this.cursors = new Map(Object.entries(cursors));
  }

  /**
   * The highest seq that has arrived, or will be read: where to resume from. Undefined: the room is
   * not known.
   *
   * @param {string} room
   */
  seen(room) {
    return this.#holes.get(room)?.upto ?? this.cursors.get(room);
  }

  /**
   * A room begins, unless it has begun before.
   *
   * @param {string} room
   * @param {number} seq what is there already, and not to be handed over
   */
  begin(room, seq) {
    if (this.cursors.has(room)) this.reach(room, seq);
    else this.cursors.set(room, seq);
  }

  /**
   * There are entries up to `upto`: read those that have not arrived.
   *
   * @param {string} room
   * @param {number} upto
   */
  reach(room, upto) {
    const seen = this.seen(room);
    if (seen === undefined || seen >= upto) return;
    const hole = this.#holes.get(room);
    if (hole === undefined) this.#open(room, { upto, waiting: [] });
    else hole.upto = upto;
  }

  /**
   * Nothing more of a room is handed over.
   *
   * @param {string} room
   */
  end(room) {
    this.cursors.delete(room);
    this.#holes.delete(room);
  }

  /**
   * An entry has arrived.
   *
   * @param {RoomEvent} entry
   */
  take(entry) {
    const { room, seq } = entry;
    const cursor = this.cursors.get(room);
    const hole = this.#holes.get(room);
    if (hole !== undefined) {
      if (seq <= hole.upto) return; // is waiting, or will be read
      hole.upto = seq;
      if (hole.waiting.length < WAITING) hole.waiting.push(entry);
    } else if (cursor === undefined || seq === cursor + 1) {
      this.#hand(entry);
    } else if (seq > cursor) {
      this.#open(room, { upto: seq, waiting: [entry] });
    }
  }

  /**
   * Pass over what has not been handed over up to `upto`.
   *
   * @param {string} room
   * @param {number} upto
   */
  skip(room, upto) {
    const cursor = this.cursors.get(room) ?? 0;
    if (upto <= cursor) return;
    const waiting = this.#holes.get(room)?.waiting ?? [];
    this.#holes.delete(room);
    this.cursors.set(room, upto);
    this.#hooks.skipped({ room, from: cursor + 1, to: upto });
    for (const entry of waiting) this.take(entry);
  }

  /** @param {RoomEvent} entry */
  #hand(entry) {
    this.cursors.set(entry.room, entry.seq);
    this.#hooks.hand(entry);
  }

  /**
   * @param {string} room
   * @param {Hole} hole
   */
  #open(room, hole) {
    this.#holes.set(room, hole);
    void this.#fill(room, hole);
  }

  /**
   * @param {string} room
   * @param {Hole} hole
   */
  async #fill(room, hole) {
    while (this.#holes.get(room) === hole) {
      const cursor = this.cursors.get(room) ?? 0;
      if (cursor >= hole.upto) {
        this.#holes.delete(room);
        return;
      }
      const next = hole.waiting[0];
      if (next !== undefined && next.seq <= cursor + 1) {
        hole.waiting.shift();
        if (next.seq > cursor) this.#hand(next);
        continue;
      }
      const missing = (next?.seq ?? hole.upto + 1) - 1 - cursor;
      const entries = await this.#read(room, cursor, Math.min(PAGE, missing));
      if (this.#holes.get(room) !== hole) return; // the room is gone, or was passed over
      if (entries === null) return;
      if (entries.length === 0) this.skip(room, cursor + missing);
      for (const entry of entries) {
        if (entry.seq > (this.cursors.get(room) ?? 0)) this.#hand(entry);
      }
    }
  }

  /**
   * @param {string} room
   * @param {number} after
   * @param {number} limit
   * @returns {Promise<RoomEvent[] | null>} none: they cannot be read any more; null: it is over
   */
  async #read(room, after, limit) {
    try {
      return await this.#hooks.readLog(room, after, limit);
    } catch (error) {
      if (isPlazaError(error) && error.code !== "closed") return [];
      return null;
    }
  }
}
