/** The login: who one is, and the tokens that show it. */

import { Emitter } from "./emitter.js";
import { PlazaError, isPlazaError } from "./errors.js";

/**
 * @typedef {import("./types.js").Account} Account
 * @typedef {object} Login one of the account's sessions
 * @property {string} id
 * @property {string} user_agent
 * @property {string} address
 * @property {string} created_at
 * @property {string} refreshed_at
 * @property {boolean} current the one that asks
 *
 * @typedef {object} SessionEvents
 * @property {null} change logged in or out, or refreshed, here or in another tab
 * @property {PlazaError} end there is no session any more: log in
 */

/** @extends {Emitter<SessionEvents>} */
export class Session extends Emitter {
  #http;
  #tokens;
  /** @type {string | null} */
  #owner;
  /** @type {Promise<string> | null} */
  #refreshing = null;

  /**
   * @param {import("./http.js").Http} http
   * @param {import("./tokens.js").TokenStore} tokens
   */
  constructor(http, tokens) {
    super();
    this.#http = http;
    this.#tokens = tokens;
    this.#owner = this.account?.id ?? null;
    tokens.watch(() => this.#noticeOthers());
  }

  /** The account that is logged in; null: nobody, or it is not known yet. */
  get account() {
    return this.#tokens.read()?.account ?? null;
  }

  /** The present access token; null: not logged in. */
  get accessToken() {
    return this.#tokens.read()?.access_token ?? null;
  }

  /** Whether somebody is logged in. */
  get active() {
    return this.#tokens.read() !== null;
  }

  /**
   * Create an account, and log in.
   *
   * @param {string} username
   * @param {string} email
   * @param {string} password
   * @returns {Promise<Account>}
   */
  async signUp(username, email, password) {
    const body = { username, email, password };
    return this.#adopt(await this.#http.request("POST", "/accounts", { body }));
  }

  /**
   * Begin a session.
   *
   * @param {string} login username or e-mail address
   * @param {string} password
   * @returns {Promise<Account>}
   */
  async logIn(login, password) {
    const body = { login, password };
    return this.#adopt(await this.#http.request("POST", "/sessions", { body }));
  }

  /**
   * Exchange the refresh token for new tokens: once, however many ask at the same time, in however
   * many tabs.
   *
   * @param {string | null} [refused] the access token that is to be replaced: if there is another
   *     one by now, that is the answer
   * @returns {Promise<string>} the access token
   */
  refresh(refused = this.accessToken) {
    this.#refreshing ??= this.#tokens
      .exclusively(() => this.#exchange(refused))
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing;
  }

  /** @param {string | null} refused */
  async #exchange(refused) {
    const kept = this.#tokens.read();
    if (kept !== null && kept.access_token !== null && kept.access_token !== refused) {
      return kept.access_token; // another tab was faster
    }
    if (kept === null || kept.refresh_token === null) {
      const error = new PlazaError("unauthorized", "There is no session to refresh. Log in.");
      if (kept !== null) this.#finish(error);
      throw error;
    }
    try {
      const body = { refresh_token: kept.refresh_token };
      const answer = await this.#http.request("POST", "/sessions/refresh", { body });
      this.#adopt(answer);
      return answer.access_token;
    } catch (error) {
      if (isPlazaError(error, "unauthorized", "refresh_reused")) this.#finish(error);
      throw error;
    }
  }

  /** End the session, here and on the server, and close its sockets. */
  async logOut() {
    try {
      if (this.active) await this.call("DELETE", "/sessions/current");
    } catch (error) {
      if (!isPlazaError(error, "unauthorized", "token_expired", "refresh_reused")) throw error;
    }
    this.#finish(new PlazaError("unauthorized", "You have logged out."));
  }

  /**
   * One's sessions that have not ended.
   *
   * @returns {Promise<Login[]>}
   */
  async list() {
    return (await this.call("GET", "/sessions")).items;
  }

  /**
   * End one of one's sessions.
   *
   * @param {string} id
   */
  async revoke(id) {
    await this.call("DELETE", `/sessions/${id}`);
  }

  /**
   * Change the password; all other sessions end.
   *
   * @param {string} current
   * @param {string} next
   * @returns {Promise<Account>}
   */
  async changePassword(current, next) {
    const body = { current_password: current, new_password: next };
    // The old tokens end before the answer is here: nobody may refresh in between.
    return this.#tokens.exclusively(async () => {
      const token = this.accessToken;
      try {
        return this.#adopt(await this.#http.request("PUT", "/me/password", { body, token }));
      } catch (error) {
        if (!isPlazaError(error, "token_expired")) throw error;
      }
      const renewed = await this.#exchange(token);
      return this.#adopt(await this.#http.request("PUT", "/me/password", { body, token: renewed }));
    });
  }

  /**
   * Delete the account, for good. All its sessions end.
   *
   * @param {string} password
   */
  async deleteAccount(password) {
    await this.call("DELETE", "/me", { body: { password } });
    this.#finish(new PlazaError("unauthorized", "You have deleted your account."));
  }

  /**
   * Make a request with the access token, which is refreshed if it has to be.
   *
   * @param {string} method
   * @param {string} path
   * @param {import("./http.js").Call} [call]
   * @returns {Promise<any>}
   */
  async call(method, path, call = {}) {
    const token = this.accessToken ?? (await this.refresh(null));
    try {
      return await this.#http.request(method, path, { ...call, token });
    } catch (error) {
      if (!isPlazaError(error, "token_expired", "unauthorized")) throw error;
    }
    const renewed = await this.refresh(token);
    return this.#http.request(method, path, { ...call, token: renewed });
  }

  /**
   * Make a request with the access token, if there is a login; else without one.
   *
   * @param {string} method
   * @param {string} path
   * @param {import("./http.js").Call} [call]
   * @returns {Promise<any>}
   */
  async visit(method, path, call = {}) {
    return this.active ? this.call(method, path, call) : this.#http.request(method, path, call);
  }

  /** @param {{account: Account, access_token: string, refresh_token: string}} answer */
  #adopt({ account, access_token, refresh_token }) {
    this.#owner = account.id;
    this.#tokens.write({ account, access_token, refresh_token });
    this.emit("change", null);
    return account;
  }

  /** @param {PlazaError} error */
  #finish(error) {
    if (!this.active) return;
    this.#owner = null;
    this.#tokens.write(null);
    this.emit("change", null);
    this.emit("end", error);
  }

  /** Another tab has logged in or out, or refreshed. */
  #noticeOthers() {
    const owner = this.account?.id ?? null;
    const before = this.#owner;
    this.#owner = owner;
    this.emit("change", null);
    if (before !== null && owner !== before) {
      this.emit("end", new PlazaError("unauthorized", "You have logged out in another tab."));
    }
  }
}
