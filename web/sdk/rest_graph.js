/** Who follows whom. */

import { pageWith, wholeList } from "./pages.js";
import { personOf, relationshipOf } from "./profiles.js";

/**
 * @typedef {import("./pages.js").Place} Place
 * @typedef {import("./types_rest.js").Person} Person
 * @typedef {import("./types_rest.js").Relationship} Relationship
 */

export class RestGraph {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * Follow an account, or ask to.
   *
   * @param {string} account
   * @returns {Promise<Relationship>}
   */
  async follow(account) {
    return relationshipOf(await this.#call("PUT", `/accounts/${account}/follow`));
  }

  /**
   * Follow an account no longer, or withdraw the request.
   *
   * @param {string} account
   * @returns {Promise<Relationship>}
   */
  async unfollow(account) {
    return relationshipOf(await this.#call("DELETE", `/accounts/${account}/follow`));
  }

  /**
   * Let an account follow oneself no longer.
   *
   * @param {string} account
   * @returns {Promise<Relationship>}
   */
  async removeFollower(account) {
    return relationshipOf(await this.#call("DELETE", `/accounts/${account}/follower`));
  }

  /**
   * Hear of an account that one follows before others, or no longer.
   *
   * @param {string} account
   * @param {boolean} [close]
   * @returns {Promise<Relationship>}
   */
  async setClose(account, close = true) {
    return relationshipOf(await this.#call(close ? "PUT" : "DELETE", `/accounts/${account}/close`));
  }

  /**
   * Let in who asks to follow one.
   *
   * @param {string} account
   * @returns {Promise<Relationship>}
   */
  async acceptFollower(account) {
    return relationshipOf(await this.#call("PUT", `/me/follow-requests/${account}`));
  }

  /**
   * Refuse who asks to follow one.
   *
   * @param {string} account
   */
  async refuseFollower(account) {
    await this.#call("DELETE", `/me/follow-requests/${account}`);
  }

  /**
   * How one stands to accounts, 100 at most; those that one cannot see are left out.
   *
   * @param {string[]} accounts
   * @returns {Promise<Relationship[]>}
   */
  async relationships(accounts) {
    if (accounts.length === 0) return [];
    const params = { account: accounts };
    return (await this.#call("GET", "/me/relationships", { params })).items.map(relationshipOf);
  }

  /**
   * A page of those who follow an account, the newest first.
   *
   * @param {string} account
   * @param {Place} [place]
   */
  async followers(account, place = {}) {
    return this.#page(`/accounts/${account}/followers`, place);
  }

  /**
   * A page of those whom an account follows, the newest first.
   *
   * @param {string} account
   * @param {Place} [place]
   */
  async following(account, place = {}) {
    return this.#page(`/accounts/${account}/following`, place);
  }

  /**
   * A page of the followers of an account whom one follows.
   *
   * @param {string} account
   * @param {Place} [place]
   */
  async mutuals(account, place = {}) {
    return this.#page(`/accounts/${account}/mutuals`, place);
  }

  /**
   * Whom one follows and who follow one.
   *
   * @returns {Promise<Person[]>}
   */
  async friends() {
    return (await wholeList(this.#call, "/me/friends")).map(personOf);
  }

  /**
   * Who asks to follow one.
   *
   * @returns {Promise<Person[]>}
   */
  async followRequests() {
    return (await wholeList(this.#call, "/me/follow-requests")).map(personOf);
  }

  /**
   * @param {string} path
   * @param {Place} place
   */
  async #page(path, { cursor, limit }) {
    return pageWith(await this.#call("GET", path, { params: { cursor, limit } }), personOf);
  }
}
