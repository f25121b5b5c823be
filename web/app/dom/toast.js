/** A short note at the foot of the page, that goes by itself. */

import { alarm, say } from "./announce.js";
import { h } from "./h.js";

const STAY = 6000;
const shelf = h("div", { class: "toasts" });

/**
 * @param {string} text
 * @param {{bad?: boolean, href?: string}} [options] bad: it is an error; href: where a click leads
 */
export function toast(text, { bad = false, href } = {}) {
  if (!shelf.isConnected) document.body.append(shelf);
  const note = href
    ? h("a", { class: "toast", href }, text)
    : h("p", { class: bad ? "toast bad" : "toast", "aria-hidden": "true" }, text);
  shelf.append(note);
  (bad ? alarm : say)(text);
  setTimeout(() => note.remove(), STAY);
}

/**
 * Run something that may be refused, and say so if it is.
 *
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>}
 */
export async function tried(promise) {
  try {
    return await promise;
  } catch (error) {
    toast(/** @type {Error} */ (error).message, { bad: true });
    return undefined;
  }
}
