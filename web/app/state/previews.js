/**
 * The last message of each room, for the list and its order. The server's list of rooms has none,
 * so that of a room is read once and kept in this browser until the room has gone on.
 */

import { applyTo } from "../../sdk/plaza.js";
import { Emitter } from "./emitter.js";

const AT_ONCE = 4;
const MOST = 100;
const TAIL = 8;

/** Emits `change` with the room's id. */
export class Previews extends Emitter {
  /** @type {Map<string, {seq: number, at: string, message: any | null}>} */
  #last = new Map();
  /** @type {any[]} rooms to be read */
  #queue = [];
  #busy = 0;
  #client;
  #key;

  /** @param {any} client */
  constructor(client) {
    super();
    this.#client = client;
    this.#key = `plaza.previews.${client.user.id}`;
    this.#restore();
    client.on("event", (/** @type {any} */ event) => this.#apply(event));
    client.on("room_added", (/** @type {any} */ room) => this.#add(room));
    client.on("gap", (/** @type {any} */ { room }) => this.#want(client.rooms.get(room)));
    client.on("room_gone", (/** @type {any} */ { room }) => this.#last.delete(room));
    for (const room of [...client.rooms.values()].slice(0, MOST)) this.#want(room);
  }

  /** @param {string} room @returns {any | null} its last message, if it has one */
  message(room) {
    return this.#last.get(room)?.message ?? null;
  }

  /** @param {string} room @returns {string} when something happened there last; "" if not known */
  at(room) {
    return this.#last.get(room)?.at ?? "";
  }

  /** @param {any} event */
  #apply(event) {
    const last = this.#last.get(event.room);
    const message =
      event.t === "message" ? event : last?.message ? applyTo(last.message, event) : null;
    const at = event.t === "message" || !last ? event.at : last.at;
    this.#set(event.room, { seq: event.seq, at, message });
  }

  /** One has come in just now: that is the last of it, until it is read. @param {any} room */
  #add(room) {
    if (!this.#last.has(room.id)) {
      this.#set(room.id, { seq: 0, at: new Date().toISOString(), message: null });
    }
    this.#want(room);
  }

  /** @param {any} room */
  #want(room) {
    if (!room || this.#last.get(room.id)?.seq === room.last_seq) return;
    this.#queue.push(room);
    this.#next();
  }

  #next() {
    while (this.#busy < AT_ONCE && this.#queue.length) {
      this.#busy++;
      void this.#read(this.#queue.shift()).finally(() => {
        this.#busy--;
        this.#next();
      });
    }
  }

  /** @param {any} room */
  async #read(room) {
    try {
      const { events } = await this.#client.history(room.id, { limit: TAIL });
      const last = events.at(-1);
      if (!last || (this.#last.get(room.id)?.seq ?? 0) > last.seq) return;
      const message = events.findLast((/** @type {any} */ event) => event.t === "message") ?? null;
      this.#set(room.id, { seq: last.seq, at: (message ?? last).at, message });
    } catch {
      // No preview then; the next event brings one.
    }
  }

  /** @param {string} room @param {{seq: number, at: string, message: any | null}} last */
  #set(room, last) {
    this.#last.set(room, last);
    this.emit("change", room);
    this.#save();
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #save() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        const kept = [...this.#last].slice(-MOST);
        sessionStorage.setItem(this.#key, JSON.stringify(kept));
      } catch {
        // Storage is full or switched off: they are read again.
      }
    }, 1000);
  }

  #restore() {
    try {
      this.#last = new Map(JSON.parse(sessionStorage.getItem(this.#key) ?? "[]"));
    } catch {
      this.#last = new Map();
    }
  }
}
