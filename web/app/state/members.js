/** Who is in which room, loaded when a room is opened and again when it changes. */

import { Emitter } from "./emitter.js";

// The whole list of a larger room is not fetched unasked.
const SMALL = 200;

/** Emits `change` with the room's id. */
export class Members extends Emitter {
  /** @type {Map<string, any[]>} */
  #lists = new Map();
  #rest;
  #people;

  /**
   * @param {any} rest
   * @param {any} client
   * @param {import("./people.js").People} people
   */
  constructor(rest, client, people) {
    super();
    this.#rest = rest;
    this.#people = people;
    for (const type of ["member", "mute"]) {
      client.on(type, (/** @type {any} */ { t, room, account, role }) => {
        // Who was removed must not ask any more, though `room_gone` has yet to come.
        if (t === "member" && account === client.user?.id && !role) this.#lists.delete(room);
        if (this.#lists.has(room)) void this.load(room);
      });
    }
    client.on("room_gone", (/** @type {any} */ { room }) => this.#lists.delete(room));
  }

  /** @param {string} room @returns {any[]} those that are known */
  of(room) {
    return this.#lists.get(room) ?? [];
  }

  /** Load them unless the room is large. @param {any} room */
  meet(room) {
    if (room.members <= SMALL && !this.#lists.has(room.id)) void this.load(room.id);
  }

  /** @param {string} room */
  async load(room) {
    try {
      const members = await this.#rest.members.list(room);
      this.#lists.set(room, members);
      this.#people.remember(members);
      this.emit("change", room);
    } catch {
      // Gone, or the network is: names are then asked for one by one.
    }
  }
}
