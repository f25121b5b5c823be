/** What a message replies to, above its text. */

import { h } from "../dom/h.js";
import { oneLine } from "../text/body.js";

/** @typedef {import("./message.js").Place} Place */

/** @param {Place} place @param {number} seq @param {any} quoted */
export function quote(place, seq, quoted) {
  const { model } = place;
  const hidden = quoted && model.isHidden(quoted.sender);
  const name = quoted ? model.people.name(quoted.sender) : "";
  const text = !quoted
    ? "…"
    : hidden
      ? "Message hidden"
      : quoted.deleted
        ? "Message deleted"
        : oneLine(quoted.body) || "Attachment";
  return h(
    "button",
    {
      type: "button",
      class: "quote",
      tabIndex: -1,
      "aria-label": `In reply to ${name}: ${text}`,
      on: { click: () => place.jump(seq) },
    },
    h("strong", {}, name),
    h("span", {}, text),
  );
}
