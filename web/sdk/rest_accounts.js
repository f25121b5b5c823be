/** People, and how one stands to them. */

import { wholeList } from "./pages.js";
import { exportOf } from "./profiles.js";

/**
 * @typedef {import("./types.js").User} User
 * @typedef {import("./types.js").Settings} Settings
 * @typedef {import("./types_rest.js").Export} Export
 */

export class RestAccounts {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * One's own account.
   *
   * @returns {Promise<import("./types.js").Account>}
   */
  async me() {
    return this.#call("GET", "/me");
  }

  /**
   * An account by its id.
   *
   * @param {string} id
   * @returns {Promise<User>}
   */
  async get(id) {
    return this.#call("GET", `/accounts/${id}`);
  }

  /**
   * An account by its username; null: there is none.
   *
   * @param {string} username
   * @returns {Promise<User | null>}
   */
  async named(username) {
    const { items } = await this.#call("GET", "/accounts", { params: { username } });
    return items[0] ?? null;
  }

  /**
   * Accounts whose usernames begin so.
   *
   * @param {string} prefix
   * @param {{limit?: number}} [options]
   * @returns {Promise<User[]>}
   */
  async search(prefix, { limit = 20 } = {}) {
    return (await this.#call("GET", "/accounts", { params: { prefix, limit } })).items;
  }

  /** @returns {Promise<Settings>} */
  async settings() {
    return settingsOf(await this.#call("GET", "/me/settings"));
  }

  /**
   * Appear busy, or offline to everybody.
   *
   * @param {Partial<Settings>} settings what is left out stays
   * @returns {Promise<Settings>}
   */
  async set(settings) {
    return settingsOf(await this.#call("PATCH", "/me/settings", { body: settings }));
  }

  /**
   * Neither can write to the other any more.
   *
   * @param {string} id
   */
  async block(id) {
    await this.#call("PUT", `/me/blocks/${id}`);
  }

  /** @param {string} id */
  async unblock(id) {
    await this.#call("DELETE", `/me/blocks/${id}`);
  }

  /** @returns {Promise<User[]>} */
  async blocked() {
    return wholeList(this.#call, "/me/blocks");
  }

  /**
   * Let what somebody writes draw no attention, for oneself.
   *
   * @param {string} id
   */
  async mute(id) {
    await this.#call("PUT", `/me/mutes/${id}`);
  }

  /** @param {string} id */
  async unmute(id) {
    await this.#call("DELETE", `/me/mutes/${id}`);
  }

  /** @returns {Promise<User[]>} */
  async muted() {
    return wholeList(this.#call, "/me/mutes");
  }

  /**
   * Have everything that is kept of one's account put into a zip.
   *
   * @returns {Promise<Export>}
   */
  async requestExport() {
    return exportOf(await this.#call("POST", "/me/exports"));
  }

  /**
   * How far an export is, and where it is fetched.
   *
   * @param {string} id
   * @returns {Promise<Export>}
   */
  async export(id) {
    return exportOf(await this.#call("GET", `/me/exports/${id}`));
  }
}

/**
 * @param {Partial<Settings>} fields
 * @returns {Settings}
 */
function settingsOf({ busy = false, hidden = false }) {
  return { busy, hidden };
}
