/** Beside the list, while no conversation is open. */

import { button, h } from "../dom/h.js";
import { openChannels } from "./channels.js";
import { openCreate } from "./create.js";

/** @param {import("../state/model.js").Model} model */
export function welcomeView(model) {
  return h(
    "div",
    { class: "empty" },
    h("img", { src: new URL("../plaza.svg", import.meta.url).href, alt: "", class: "mark" }),
    h("h2", {}, `Hello, ${model.own.username}`),
    h("p", {}, "Choose a conversation, or begin one."),
    h(
      "div",
      { class: "row" },
      button("New conversation", () => openCreate(model), { class: "primary" }),
      button("Browse channels", () => openChannels(model)),
    ),
    h(
      "p",
      { class: "hint" },
      h("kbd", {}, "Ctrl"),
      " ",
      h("kbd", {}, "K"),
      " jumps to any conversation",
    ),
  );
}
