/** A message's text as elements. */

import { h } from "../dom/h.js";
import { tokens } from "./tokens.js";

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}\u{200D}]*\s*){1,3}$/u;

/**
 * @param {string} text
 * @param {string} [own] one's own username: its mentions stand out
 * @returns {HTMLElement}
 */
export function body(text, own = "") {
  const big = ONLY_EMOJI.test(text) ? " emoji-only" : "";
  return h("div", { class: `body${big}`, dir: "auto" }, nodes(tokens(text), own.toLowerCase()));
}

/**
 * @param {import("./tokens.js").Token[]} list
 * @param {string} own
 * @returns {(Node | string)[]}
 */
function nodes(list, own) {
  return list.map((token) => {
    switch (token.type) {
      case "code":
        return h("code", {}, token.text);
      case "block":
        // Reachable by key, because it may scroll.
        return h("pre", { tabIndex: 0, role: "region", "aria-label": "Code" }, token.text);
      case "bold":
        return h("strong", {}, nodes(token.inside, own));
      case "italic":
        return h("em", {}, nodes(token.inside, own));
      case "mention":
        return h(
          "span",
          { class: token.text.toLowerCase() === own ? "mention own" : "mention" },
          `@${token.text}`,
        );
      case "link":
        return h(
          "a",
          { href: token.text, target: "_blank", rel: "noopener noreferrer nofollow" },
          token.text,
        );
      default:
        return token.text;
    }
  });
}

/**
 * A message in one line, for lists and quotes.
 *
 * @param {string} text
 */
export function oneLine(text) {
  return text
    .replace(/```(?:[a-z0-9+-]*\n)?/g, "")
    .replace(/\*\*|`/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 160);
}
