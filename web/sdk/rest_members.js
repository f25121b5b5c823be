/** Who is in a room, as what, and who is kept out. */

import { wholeList } from "./pages.js";
import { writtenOf } from "./records.js";

/** @typedef {import("./types.js").Written} Written */

export class RestMembers {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * @param {string} room
   * @returns {Promise<import("./types.js").Member[]>}
   */
  async list(room) {
    const members = await wholeList(this.#call, `/rooms/${room}/members`);
    return members.map((member) => ({ muted_until: null, ...member }));
  }

  /**
   * Join a channel, if it is oneself, or invite somebody.
   *
   * @param {string} room
   * @param {string} account
   * @returns {Promise<Written>}
   */
  async add(room, account) {
    return writtenOf(await this.#call("POST", `/rooms/${room}/members`, { body: { account } }));
  }

  /**
   * Leave, if it is oneself, or remove somebody.
   *
   * @param {string} room
   * @param {string} account
   * @returns {Promise<Written>}
   */
  async remove(room, account) {
    return writtenOf(await this.#call("DELETE", `/rooms/${room}/members/${account}`));
  }

  /**
   * @param {string} room
   * @param {string} account
   * @param {import("./types.js").Role} role
   * @returns {Promise<Written>}
   */
  async promote(room, account, role) {
    const body = { role };
    return writtenOf(await this.#call("PATCH", `/rooms/${room}/members/${account}`, { body }));
  }

  /**
   * Remove somebody, and keep them out.
   *
   * @param {string} room
   * @param {string} account
   * @param {{seconds?: number | null}} [options] null: for good
   * @returns {Promise<Written>}
   */
  async ban(room, account, { seconds = null } = {}) {
    const body = seconds === null ? {} : { seconds };
    return writtenOf(await this.#call("PUT", `/rooms/${room}/bans/${account}`, { body }));
  }

  /**
   * @param {string} room
   * @param {string} account
   * @returns {Promise<Written>}
   */
  async unban(room, account) {
    return writtenOf(await this.#call("DELETE", `/rooms/${room}/bans/${account}`));
  }

  /**
   * @param {string} room
   * @returns {Promise<import("./types.js").Ban[]>}
   */
  async bans(room) {
    const bans = await wholeList(this.#call, `/rooms/${room}/bans`);
    return bans.map((ban) => ({ until: null, ...ban }));
  }

  /**
   * Keep a member from writing.
   *
   * @param {string} room
   * @param {string} account
   * @param {{seconds?: number | null}} [options] null: for good
   * @returns {Promise<Written>}
   */
  async mute(room, account, { seconds = null } = {}) {
    const body = seconds === null ? {} : { seconds };
    return writtenOf(await this.#call("PUT", `/rooms/${room}/members/${account}/mute`, { body }));
  }

  /**
   * @param {string} room
   * @param {string} account
   * @returns {Promise<Written>}
   */
  async unmute(room, account) {
    return writtenOf(await this.#call("DELETE", `/rooms/${room}/members/${account}/mute`));
  }
}
