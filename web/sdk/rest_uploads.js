/** Files, to be shown in messages, posts and profiles. They go in parts: what has come, stays. */

import { isPlazaError } from "./errors.js";
import { uploadOf } from "./posts.js";

/** @typedef {import("./types.js").Upload} Upload */

const PART_BYTES = 4 * 2 ** 20;
const PART_SECONDS = 300;
const TRIES = 5; // of a part, when nothing of it arrives
const POLL_SECONDS = 0.7;

/**
 * @typedef {object} SendFile
 * @property {string} [name] of the file; its own by default
 * @property {string} [alt] what it shows, in words
 * @property {(share: number) => void} [progress] is told how much has been sent, from 0 to 1
 * @property {AbortSignal} [signal] gives up
 */

export class RestUploads {
  #call;
  #clock;

  /**
   * @param {import("./pages.js").Call} call
   * @param {import("./clock.js").Clock} clock
   */
  constructor(call, clock) {
    this.#call = call;
    this.#clock = clock;
  }

  /**
   * Send a file, and wait until it can be shown.
   *
   * @param {Blob & {name?: string}} file
   * @param {SendFile} [options]
   * @returns {Promise<Upload>} `ready`, or `failed` with a `problem`
   */
  async send(file, { name = file.name, alt, progress = () => {}, signal } = {}) {
    const begun = await this.#call("POST", "/uploads", {
      params: { name, alt },
      headers: { "Upload-Length": String(file.size) },
    });
    const { id } = begun;
    let offset = 0;
    let tries = 0;
    while (offset < file.size) {
      signal?.throwIfAborted();
      const part = file.slice(offset, offset + PART_BYTES);
      try {
        await this.#part(id, offset, part);
        offset += part.size;
        tries = 0;
      } catch (error) {
        const passes = isPlazaError(error, "unreachable", "offset_conflict", "unavailable");
        if (!passes || ++tries > TRIES) throw error;
        await this.#pause(2 ** tries / 4);
        offset = (await this.get(id)).received;
      }
      progress(offset / file.size);
    }
    return this.#settled(id, signal);
  }

  /**
   * @param {string} id
   * @returns {Promise<Upload>}
   */
  async get(id) {
    return uploadOf(await this.#call("GET", `/uploads/${id}`));
  }

  /**
   * One's uploads, newest first.
   *
   * @param {{cursor?: string, limit?: number}} [page]
   * @returns {Promise<import("./pages.js").Page<Upload>>}
   */
  async list(page = {}) {
    const { items, next_cursor } = await this.#call("GET", "/uploads", { params: page });
    return { items: items.map(uploadOf), next_cursor };
  }

  /**
   * Change what is said of an upload.
   *
   * @param {string} id
   * @param {{name?: string, alt?: string}} changes
   * @returns {Promise<Upload>}
   */
  async describe(id, changes) {
    return uploadOf(await this.#call("PATCH", `/uploads/${id}`, { body: changes }));
  }

  /**
   * Delete an upload that nothing shows.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#call("DELETE", `/uploads/${id}`);
  }

  /** @param {string} id @param {number} offset @param {Blob} content */
  async #part(id, offset, content) {
    await this.#call("PATCH", `/uploads/${id}`, {
      content,
      headers: {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": String(offset),
        "Tus-Resumable": "1.0.0",
      },
      timeout: PART_SECONDS,
    });
  }

  /** @param {string} id @param {AbortSignal} [signal] */
  async #settled(id, signal) {
    for (;;) {
      const upload = await this.get(id);
      if (upload.state === "ready" || upload.state === "failed") return upload;
      await this.#pause(POLL_SECONDS);
      signal?.throwIfAborted();
    }
  }

  /** @param {number} seconds */
  #pause(seconds) {
    return new Promise((resolve) => this.#clock.after(() => resolve(null), seconds));
  }
}
