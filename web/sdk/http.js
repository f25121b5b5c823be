/** Requests to the REST interface, and what their answers mean. */

import { PlazaError } from "./errors.js";
import { restUrl } from "./address.js";

/**
 * @typedef {object} Call
 * @property {unknown} [body] goes as JSON
 * @property {Blob} [content] goes as it is, instead of a body
 * @property {number} [timeout] in seconds, if not the usual one
 * @property {Record<string, string | number | boolean | string[] | null | undefined>} [params] of the
 *     query; what is null or undefined is left out, a list is said one by one
 * @property {Record<string, string>} [headers]
 * @property {string | null} [token] the access token
 */

export class Http {
  #base;
  #fetch;
  #timeout;
  #clock;

  /**
   * @param {string} url of the server
   * @param {typeof fetch} fetch
   * @param {number} timeout of a request, in seconds
   * @param {import("./clock.js").Clock} clock
   */
  constructor(url, fetch, timeout, clock) {
    this.url = url;
    this.#base = restUrl(url);
    this.#fetch = fetch;
    this.#timeout = timeout;
    this.#clock = clock;
  }

  /**
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {Call} [call]
   * @returns {Promise<any>} the body of the answer; null: it has none
   * @throws {PlazaError}
   */
  async request(method, path, call = {}) {
    const { body, content, params = {}, headers = {}, token = null, timeout = this.#timeout } = call;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) {
      for (const one of [value ?? []].flat()) query.append(name, String(one));
    }
    const all = new Headers(headers);
    if (token !== null) all.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) all.set("Content-Type", "application/json");
    const controller = new AbortController();
    const timer = this.#clock.after(() => controller.abort(), timeout);
    try {
      const response = await this.#fetch(this.#base + path + (query.size > 0 ? `?${query}` : ""), {
        method,
        headers: all,
        body: body === undefined ? content : JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: controller.signal,
      });
      return await this.#body(response);
    } catch (cause) {
      if (cause instanceof PlazaError) throw cause;
      const sentence = `Nothing answers at ${this.url}. Check the connection.`;
      throw new PlazaError("unreachable", sentence, { cause });
    } finally {
      this.#clock.cancel(timer);
    }
  }

  /** @param {Response} response */
  async #body(response) {
    const { status } = response;
    if (status === 204) return null;
    const text = await response.text();
    let body;
    try {
      body = JSON.parse(text);
    } catch {
      throw this.#strange(status);
    }
    if (response.ok) return body;
    const problem = body?.error;
    if (typeof problem?.code !== "string") throw this.#strange(status);
    const retryAfter = problem.retry_after ?? null;
    throw new PlazaError(problem.code, String(problem.message), { status, retryAfter });
  }

  /** @param {number} status */
  #strange(status) {
    const sentence = `${this.url} answered with HTTP status ${status}, not as Plaza does.`;
    // A proxy whose server is away answers so.
    return new PlazaError(status >= 500 || status === 429 ? "unreachable" : "wire", sentence, { status });
  }
}
