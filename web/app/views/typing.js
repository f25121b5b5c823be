/** Who is writing just now. */

import { h } from "../dom/h.js";
import { later } from "../dom/later.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} room
 * @param {number | null} thread
 * @param {import("../state/scope.js").Scope} scope
 */
export function typingLine(model, room, thread, scope) {
  const words = h("span");
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const element = h("p", { class: "typing-line" }, dots, words);
  const render = later(() => {
    const typists = model.client.typists
      .of(room, thread ?? undefined)
      .filter((/** @type {string} */ id) => !model.isHidden(id));
    const names = typists.map((/** @type {string} */ id) => model.people.name(id));
    element.classList.toggle("shown", names.length > 0);
    words.textContent = sentence(names);
  });
  scope.on(model.client, "typing", render);
  scope.on(model.people, "change", render);
  render();
  return element;
}

/** @param {string[]} names */
function sentence(names) {
  if (!names.length) return "";
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length < 4) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing`;
  return "Several people are typing";
}
