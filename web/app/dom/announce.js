/** What a screen reader is to say: politely for news, at once for errors. */

import { h } from "./h.js";

const polite = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
const urgent = h("div", { class: "unseen", role: "alert" });

/** Puts the two regions into the page; what is said before that is lost. */
export function openRegions() {
  document.body.append(polite, urgent);
}

/** @param {string} text */
export function say(text) {
  speak(polite, text);
}

/** @param {string} text */
export function alarm(text) {
  speak(urgent, text);
}

/**
 * An element of its own for each, so that the same words twice are read twice.
 *
 * @param {HTMLElement} region
 * @param {string} text
 */
function speak(region, text) {
  while (region.childElementCount > 4) region.firstElementChild?.remove();
  region.append(h("p", {}, text));
}
