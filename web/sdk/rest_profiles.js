/** What accounts show of themselves. */

import { pageWith } from "./pages.js";
import { personOf, profileOf } from "./profiles.js";

/** @typedef {import("./types_rest.js").Profile} Profile */

export class RestProfiles {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * What an account shows of itself.
   *
   * @param {string} account
   * @returns {Promise<Profile>}
   */
  async get(account) {
    return profileOf(await this.#call("GET", `/accounts/${account}`));
  }

  /**
   * Change a profile: one's own, unless one is a moderator.
   *
   * @param {string} account
   * @param {import("./types_rest.js").ProfileChanges} changes
   * @returns {Promise<Profile>}
   */
  async change(account, changes) {
    return profileOf(await this.#call("PATCH", `/accounts/${account}`, { body: changes }));
  }

  /**
   * A page of people whose username or display name is like a text, the likest first.
   *
   * @param {string} text
   * @param {import("./pages.js").Place} [place]
   */
  async find(text, { cursor, limit } = {}) {
    const params = { search: text, cursor, limit };
    return pageWith(await this.#call("GET", "/accounts", { params }), personOf);
  }
}
