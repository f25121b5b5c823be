/** Who is here. */

/** @typedef {import("./types.js").Presence} Presence */

export class PresenceTable {
  /** @type {Map<string, Presence>} */
  #accounts = new Map();
  /** @type {Map<string, number>} */
  #rooms = new Map();

  /**
   * What somebody is, as far as one is told.
   *
   * @param {string} account
   * @returns {Presence}
   */
  of(account) {
    return this.#accounts.get(account) ?? { account, state: "offline", last_seen: null };
  }

  /**
   * How many members of a large room are online; null: its members are told one by one.
   *
   * @param {string} room
   * @returns {number | null}
   */
  online(room) {
    return this.#rooms.get(room) ?? null;
  }

  /** @param {Presence} presence */
  set(presence) {
    this.#accounts.set(presence.account, presence);
  }

  /**
   * @param {string} room
   * @param {number} online
   */
  count(room, online) {
    this.#rooms.set(room, online);
  }

  /** A new connection: those who are not offline are told anew. */
  clear() {
    for (const [account, { last_seen }] of this.#accounts) {
      this.#accounts.set(account, { account, state: "offline", last_seen });
    }
    this.#rooms.clear();
  }
}
