/** What one can ask of the server, one method a command: protocol/commands.py. */

import { Emitter } from "./emitter.js";
import { nonces } from "./nonces.js";
import { pageOf, writtenOf } from "./records.js";

/**
 * @typedef {import("./types.js").Written} Written
 * @typedef {import("./connection.js").Fields} Fields
 */

/** The most accounts that one command may watch. */
const WATCHED = 100;

/**
 * @template {Record<string, any>} Events
 * @extends {Emitter<Events>}
 */
export class Commands extends Emitter {
  #request;

  /** Makes nonces. */
  nextNonce = nonces();

  /** @param {(command: Fields) => Promise<Fields>} request */
  constructor(request) {
    super();
    this.#request = request;
  }

  /**
   * @param {Fields} command
   * @returns {Promise<Written>}
   */
  async #write(command) {
    return writtenOf(await this.#request(command));
  }

  // --- messages --------------------------------------------------------------------------------

  /**
   * Replace the body of one's own message.
   *
   * @param {string} room
   * @param {number} seq
   * @param {string} body
   */
  edit(room, seq, body) {
    return this.#write({ t: "edit", room, seq, body, nonce: this.nextNonce() });
  }

  /**
   * Delete a message, one's own or as admin of the room.
   *
   * @param {string} room
   * @param {number} seq
   */
  remove(room, seq) {
    return this.#write({ t: "delete", room, seq, nonce: this.nextNonce() });
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @param {string} emoji
   */
  react(room, seq, emoji) {
    return this.#write({ t: "react", room, seq, emoji, nonce: this.nextNonce() });
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @param {string} emoji
   */
  unreact(room, seq, emoji) {
    return this.#write({ t: "unreact", room, seq, emoji, nonce: this.nextNonce() });
  }

  /**
   * Pin a message, for all members to find.
   *
   * @param {string} room
   * @param {number} seq
   */
  pin(room, seq) {
    return this.#write({ t: "pin", room, seq, nonce: this.nextNonce() });
  }

  /**
   * @param {string} room
   * @param {number} seq
   */
  unpin(room, seq) {
    return this.#write({ t: "unpin", room, seq, nonce: this.nextNonce() });
  }

  /**
   * A part of a room's log, ascending; the newest events by default.
   *
   * @param {string} room
   * @param {import("./types.js").Bounds} [bounds]
   */
  async history(room, bounds = {}) {
    return pageOf(await this.#request({ t: "history", room, ...bounds }));
  }

  // --- rooms -----------------------------------------------------------------------------------

  /**
   * Join a channel.
   *
   * @param {string} room
   */
  join(room) {
    return this.#write({ t: "join", room });
  }

  /** @param {string} room */
  leave(room) {
    return this.#write({ t: "leave", room });
  }

  /**
   * @param {string} room
   * @param {string} title
   */
  rename(room, title) {
    return this.#write({ t: "rename", room, title });
  }

  /**
   * Make plain members wait between two messages.
   *
   * @param {string} room
   * @param {number} seconds 0: no longer
   */
  slowMode(room, seconds) {
    return this.#write({ t: "slow_mode", room, seconds });
  }

  /**
   * Say which messages of a room one wants to be told about.
   *
   * @param {string} room
   * @param {import("./types.js").Level} level
   */
  notify(room, level) {
    return this.#write({ t: "notify", room, level });
  }

  /** Say that everything in all of one's rooms has been read. */
  readAll() {
    return this.#write({ t: "read_all" });
  }

  // --- members ---------------------------------------------------------------------------------

  /**
   * @param {string} room
   * @param {string} account
   */
  invite(room, account) {
    return this.#write({ t: "invite", room, account });
  }

  /**
   * @param {string} room
   * @param {string} account
   */
  kick(room, account) {
    return this.#write({ t: "kick", room, account });
  }

  /**
   * Give a member another role, up or down.
   *
   * @param {string} room
   * @param {string} account
   * @param {import("./types.js").Role} role
   */
  promote(room, account, role) {
    return this.#write({ t: "promote", room, account, role });
  }

  /**
   * Remove somebody, and keep them out.
   *
   * @param {string} room
   * @param {string} account
   * @param {{seconds?: number | null}} [options] null: for good
   */
  ban(room, account, { seconds = null } = {}) {
    return this.#write({ t: "ban", room, account, seconds });
  }

  /**
   * @param {string} room
   * @param {string} account
   */
  unban(room, account) {
    return this.#write({ t: "unban", room, account });
  }

  /**
   * Keep a member from writing.
   *
   * @param {string} room
   * @param {string} account
   * @param {{seconds?: number | null}} [options] null: for good
   */
  mute(room, account, { seconds = null } = {}) {
    return this.#write({ t: "mute", room, account, seconds });
  }

  /**
   * @param {string} room
   * @param {string} account
   */
  unmute(room, account) {
    return this.#write({ t: "unmute", room, account });
  }

  // --- presence --------------------------------------------------------------------------------

  /**
   * Say whether this device is in use; appear busy, or offline to everybody.
   *
   * @param {{state?: "online" | "away", busy?: boolean, hidden?: boolean}} presence
   */
  setPresence(presence) {
    return this.#write({ t: "presence", ...presence });
  }

  /**
   * Be told about the presence of accounts, whether one shares a room with them or not.
   *
   * @param {Iterable<string>} accounts
   */
  async watch(accounts) {
    await this.#inParts("watch", accounts);
  }

  /** @param {Iterable<string>} accounts */
  async unwatch(accounts) {
    await this.#inParts("unwatch", accounts);
  }

  /**
   * @param {string} t
   * @param {Iterable<string>} accounts
   */
  async #inParts(t, accounts) {
    const all = [...accounts];
    for (let start = 0; start < all.length; start += WATCHED) {
      await this.#request({ t, accounts: all.slice(start, start + WATCHED) });
    }
  }
}
