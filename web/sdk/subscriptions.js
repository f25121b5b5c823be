/** The channels that a client listens to without joining them, on each connection anew. */

import { roomOf } from "./records.js";

/**
 * @typedef {import("./connection.js").Fields} Fields
 * @typedef {import("./types.js").Room} Room
 */

export class Subscriptions {
  #request;
  #opened;
  /** @type {Set<string>} */
  #rooms = new Set();

  /**
   * @param {(command: Fields) => Promise<Fields>} request
   * @param {(room: Room) => void} opened the server says from where on its entries come
   */
  constructor(request, opened) {
    this.#request = request;
    this.#opened = opened;
  }

  /** @param {string} room */
  has(room) {
    return this.#rooms.has(room);
  }

  /**
   * @param {string} room
   * @returns {Promise<Room>} the channel as it is now
   */
  async subscribe(room) {
    const answer = await this.#request({ t: "subscribe", room });
    const opened = roomOf(answer.room);
    this.#rooms.add(room);
    this.#opened(opened);
    return opened;
  }

  /** @param {string} room */
  async unsubscribe(room) {
    this.#rooms.delete(room);
    await this.#request({ t: "unsubscribe", room });
  }

  /** On a new connection: subscribe again. */
  again() {
    for (const room of this.#rooms) this.subscribe(room).catch(() => {});
  }
}
