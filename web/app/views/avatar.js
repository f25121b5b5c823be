/** People and rooms as coloured initials. */

import { h, icon } from "../dom/h.js";
import { hueOf, initialsOf } from "../state/people.js";

const STATES = { online: "online", away: "away", busy: "do not disturb", offline: "offline" };

/**
 * @param {string} name
 * @param {{size?: string, presence?: string | null, symbol?: string}} [options] symbol: an icon in
 *   place of the initials
 */
export function avatar(name, { size = "", presence = null, symbol = "" } = {}) {
  return h(
    "span",
    {
      class: `avatar ${size}`.trim(),
      dataset: { hue: String(hueOf(name)) },
      "aria-hidden": "true",
    },
    symbol ? icon(symbol, size === "small" ? "small" : "") : initialsOf(name),
    presence ? h("span", { class: "presence", dataset: { state: presence } }) : null,
  );
}

/** The avatar of a room. @param {import("../state/model.js").Model} model @param {any} room @param {string} [size] */
export function roomAvatar(model, room, size = "") {
  const title = model.titleOf(room);
  if (room.kind === "dm") {
    return avatar(title, {
      size,
      presence: room.peer ? model.client.presence.of(room.peer.id).state : null,
    });
  }
  return avatar(title, { size, symbol: room.kind === "channel" ? "hash" : "" });
}

/** @param {string} state */
export const stateWords = (state) =>
  STATES[/** @type {keyof typeof STATES} */ (state)] ?? "offline";
