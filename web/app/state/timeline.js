/**
 * The part of a room's log that is shown: a window that grows at both ends and never becomes
 * larger than a few hundred entries.
 */

import { applyTo } from "../../sdk/plaza.js";
import { Emitter } from "./emitter.js";

const PAGE = 60;
const ENOUGH = 20; // entries to show, of a page: reactions and edits are none
const MOST = 400;

const SHOWN = new Set(["message", "created", "member", "title", "slow_mode", "mute", "pin"]);

/** Emits `change`. */
export class Timeline extends Emitter {
  /** @type {any[]} entries in ascending order of seq */
  entries = [];
  /** Whether the first and the newest entry of the room are in the window. */
  atStart = false;
  atEnd = false;
  /** @type {"" | "newest" | "older" | "newer" | "around"} what is being loaded */
  loading = "";
  /** @type {Error | null} why the last loading failed */
  error = null;

  #client;
  #room;
  #thread;
  #low = 0; // the window's bounds as seqs of the log, entries that are not shown included
  #high = 0;
  #turn = 0; // a loading that was overtaken by a newer one is thrown away
  /** @type {any[]} what happened while a page was on its way */
  #meanwhile = [];

  /**
   * @param {any} client
   * @param {string} room
   * @param {number | null} [thread] the seq of its first message: its replies only
   */
  constructor(client, room, thread = null) {
    super();
    this.#client = client;
    this.#room = room;
    this.#thread = thread;
  }

  /** The seq of the last entry of the log that has been looked at; 0: none. */
  get high() {
    return this.#high;
  }

  /** Throw the window away and show the newest entries. */
  newest() {
    return this.#load("newest", async () => {
      const page = await this.#page({});
      this.#replace(page, !page.more, true);
    });
  }

  /** Show a message and what is around it. @param {number} seq */
  around(seq) {
    return this.#load("around", async () => {
      const page = await this.#page({ around: seq });
      const last = page.events.at(-1)?.seq ?? 0;
      const newest = this.#client.rooms.get(this.#room)?.last_seq ?? 0;
      this.#replace(page, (page.events[0]?.seq ?? 1) <= 1, last >= newest);
    });
  }

  /** Put a page in front. */
  async older() {
    if (this.loading || this.atStart || !this.#low) return;
    await this.#load("older", async () => {
      let found = 0;
      while (!this.atStart && found < ENOUGH) {
        const page = await this.#page({ before: this.#low });
        const shown = this.#fresh(page.events);
        this.#low = page.events[0]?.seq ?? this.#low;
        this.atStart = !page.more;
        this.entries = [...shown, ...this.entries];
        found += shown.length;
      }
      if (this.entries.length > MOST) {
        this.entries = this.entries.slice(0, MOST);
        this.#high = this.entries.at(-1).seq;
        this.atEnd = false;
      }
    });
  }

  /** Put a page behind. */
  async newer() {
    if (this.loading || this.atEnd) return;
    await this.#load("newer", async () => {
      let found = 0;
      while (!this.atEnd && found < ENOUGH) {
        const page = await this.#page({ after: this.#high });
        const shown = this.#fresh(page.events);
        this.#high = page.events.at(-1)?.seq ?? this.#high;
        this.atEnd = !page.more;
        this.entries = [...this.entries, ...shown];
        found += shown.length;
      }
      this.#trimStart();
    });
  }

  /** Take in a new entry of the room's log. @param {any} event */
  apply(event) {
    if (this.loading) this.#meanwhile.push(event);
    const changed = this.entries.map((entry) => changedBy(entry, event));
    const news = changed.some((entry, at) => entry !== this.entries[at]);
    this.entries = changed;
    const grown = this.atEnd && !this.loading && this.#append(event);
    if (news || grown) this.emit("change");
  }

  /** @param {number} seq */
  find(seq) {
    return this.entries.find((entry) => entry.seq === seq) ?? null;
  }

  /** @param {any} event */
  #append(event) {
    if (event.seq <= this.#high) return false;
    this.#high = event.seq;
    if (!this.#belongs(event)) return false;
    this.entries = [...this.entries, event];
    this.#trimStart();
    return true;
  }

  /** @param {any} event */
  #belongs(event) {
    if (this.#thread === null) return SHOWN.has(event.t);
    if (event.t !== "message") return false;
    return event.reply_to === this.#thread || (event.reply_to && !!this.find(event.reply_to));
  }

  /** @param {any} page @param {boolean} atStart @param {boolean} atEnd */
  #replace(page, atStart, atEnd) {
    this.entries = this.#fresh(page.events);
    this.#low = page.events[0]?.seq ?? 0;
    this.#high = page.events.at(-1)?.seq ?? 0;
    this.atStart = atStart;
    this.atEnd = atEnd;
  }

  /** A page may be older than what came over the socket meanwhile. @param {any[]} events */
  #fresh(events) {
    return events
      .filter((event) => SHOWN.has(event.t))
      .map((event) => this.#meanwhile.reduce(changedBy, event));
  }

  #trimStart() {
    if (this.entries.length <= MOST) return;
    this.entries = this.entries.slice(-MOST);
    this.#low = this.entries[0].seq;
    this.atStart = false;
  }

  /** @param {object} where */
  async #page(where) {
    const turn = this.#turn;
    const thread = this.#thread === null ? {} : { thread: this.#thread };
    const page = await this.#client.history(this.#room, { limit: PAGE, ...thread, ...where });
    if (turn !== this.#turn) throw new Error("Overtaken by another loading.");
    return page;
  }

  /**
   * @param {"newest" | "older" | "newer" | "around"} what
   * @param {() => Promise<void>} action
   */
  async #load(what, action) {
    const turn = ++this.#turn;
    this.loading = what;
    this.error = null;
    this.#meanwhile = [];
    this.emit("change");
    try {
      await action();
    } catch (error) {
      if (turn === this.#turn) this.error = /** @type {Error} */ (error);
    }
    if (turn !== this.#turn) return;
    this.loading = "";
    if (this.atEnd) for (const event of this.#meanwhile) this.#append(event);
    this.#meanwhile = [];
    this.emit("change");
  }
}

/** @param {any} entry @param {any} event */
const changedBy = (entry, event) => (entry.t === "message" ? applyTo(entry, event) : entry);
