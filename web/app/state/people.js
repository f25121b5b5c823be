/** The names behind ids. Ids come with every event, names are asked for once. */

import { Emitter } from "./emitter.js";

const HUES = 8;

/** Emits `change` when names have come. */
export class People extends Emitter {
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Set<string>} */
  #asked = new Set();
  #rest;

  /** @param {any} rest of the SDK */
  constructor(rest) {
    super();
    this.#rest = rest;
  }

  /**
   * @param {string} account
   * @returns {string} the username; an ellipsis until it is known
   */
  name(account) {
    const name = this.#names.get(account);
    if (name === undefined) void this.#ask(account);
    return name ?? "…";
  }

  /**
   * Take in people who were met elsewhere: as members, in a list.
   *
   * @param {{id?: string, account?: string, username: string}[]} people
   */
  remember(people) {
    let news = false;
    for (const { id, account, username } of people) {
      const key = id ?? account ?? "";
      news ||= this.#names.get(key) !== username;
      this.#names.set(key, username);
    }
    if (news) this.emit("change");
  }

  /** @param {string} username @returns {string | null} the id, if this person has been met */
  idOf(username) {
    const wanted = username.toLowerCase();
    for (const [id, name] of this.#names) if (name === wanted) return id;
    return null;
  }

  /** @param {string} account */
  async #ask(account) {
    if (this.#asked.has(account)) return;
    this.#asked.add(account);
    try {
      this.remember([await this.#rest.accounts.get(account)]);
    } catch (error) {
      if (/** @type {any} */ (error).mayRetry) this.#asked.delete(account);
      else this.remember([{ id: account, username: "deleted account" }]);
    }
  }
}

/**
 * The number of somebody's colour: the same everywhere and for ever.
 *
 * @param {string} name
 */
export function hueOf(name) {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + Number(letter.codePointAt(0))) | 0;
  return Math.abs(hash) % HUES;
}

/**
 * One or two letters for an avatar.
 *
 * @param {string} name
 */
export function initialsOf(name) {
  const all = name.split(/[\s_-]+/);
  const spoken = all.filter((word) => /^\p{L}/u.test(word));
  const words = spoken.length ? spoken : all.filter((word) => word);
  const letters =
    words.length > 1
      ? [words[0], words[1]].map((word) => [...word][0])
      : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toLocaleUpperCase();
}
