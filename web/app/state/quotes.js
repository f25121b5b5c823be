/** Messages that others reply to, wherever in the log they stand. */

import { applyTo } from "../../sdk/plaza.js";
import { Emitter } from "./emitter.js";

/** Emits `change`. */
export class Quotes extends Emitter {
  /** @type {Map<number, any>} seq -> message; null: asked for, or not there */
  #known = new Map();
  #client;
  #room;

  /** @param {any} client @param {string} room */
  constructor(client, room) {
    super();
    this.#client = client;
    this.#room = room;
  }

  /**
   * @param {number} seq
   * @returns {any | null} the message; null until it is known
   */
  of(seq) {
    const known = this.#known.get(seq);
    if (known === undefined) void this.#ask(seq);
    return known ?? null;
  }

  /** Take in a new entry of the room's log. @param {any} event */
  apply(event) {
    for (const [seq, message] of this.#known) {
      if (message) this.#known.set(seq, applyTo(message, event));
    }
  }

  /** @param {number} seq */
  async #ask(seq) {
    this.#known.set(seq, null);
    try {
      const { events } = await this.#client.history(this.#room, { around: seq, limit: 1 });
      const message = events.find(
        (/** @type {any} */ event) => event.seq === seq && event.t === "message",
      );
      if (!message) return;
      this.#known.set(seq, message);
      this.emit("change");
    } catch {
      // The quote stays empty; the reply itself is there.
    }
  }
}
