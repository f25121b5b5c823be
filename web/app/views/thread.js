/** A thread by itself. */

import { panel } from "./panel.js";
import { Talk } from "./talk.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} room
 * @param {number} root the seq of its first message
 */
export function threadPanel(model, room, root) {
  const talk = new Talk(model, room, root);
  const element = panel(model, "Thread", talk.element);
  return {
    element,
    start() {
      talk.start();
      talk.composer.focus();
    },
    close: () => talk.close(),
  };
}
