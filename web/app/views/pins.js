/** The pinned messages of a room. */

import { fill, h } from "../dom/h.js";
import { Scope } from "../state/scope.js";
import { foundMessage } from "./found.js";
import { enterPanel, panel } from "./panel.js";

/** @param {import("../state/model.js").Model} model @param {string} room */
export function pinsPanel(model, room) {
  const scope = new Scope();
  const list = h("ul", { class: "found-list" });
  const note = h("p", { class: "hint pad", role: "status" }, "Loading …");
  const load = async () => {
    try {
      const messages = await model.rest.rooms.pins(room);
      fill(
        list,
        messages.map((/** @type {any} */ message) => foundMessage(model, message)),
      );
      note.textContent = messages.length
        ? ""
        : "Nothing is pinned here. Pin a message from its menu to keep it at hand.";
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
    }
  };
  for (const type of ["pin", "unpin", "delete", "edit"]) {
    scope.on(model.client, type, (event) => {
      if (event.room === room) void load();
    });
  }
  const element = panel(model, "Pinned messages", note, list);
  return {
    element,
    start() {
      void load();
      enterPanel(element);
    },
    close: () => scope.close(),
  };
}
