/** The frame of a panel beside the conversation. */

import { h, iconButton } from "../dom/h.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} title
 * @param {...import("../dom/h.js").Child} content
 */
export function panel(model, title, ...content) {
  return h(
    "aside",
    { class: "panel", "aria-label": title },
    h(
      "header",
      { class: "panel-head" },
      h("h2", {}, title),
      iconButton("close", "Close the panel", () => model.route.openPanel("")),
    ),
    content,
  );
}

/** The focus goes to the first thing in it. @param {HTMLElement} element */
export function enterPanel(element) {
  /** @type {HTMLElement | null} */ (element.querySelector("textarea, input, button"))?.focus();
}
