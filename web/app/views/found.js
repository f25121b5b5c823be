/** A message in a list of messages: opens the conversation there. */

import { h } from "../dom/h.js";
import { oneLine } from "../text/body.js";
import { fullTime, shortTime } from "../text/time.js";
import { avatar } from "./avatar.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {any} message
 * @param {{fragments?: {text: string, match: boolean}[], where?: string}} [options] fragments: the
 *   text with what was searched for marked; where: the room
 */
export function foundMessage(model, message, { fragments, where = "" } = {}) {
  const name = model.people.name(message.sender);
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "found-message",
        on: { click: () => model.route.openAt(message.room, message.seq) },
      },
      avatar(name, { size: "small" }),
      h(
        "span",
        { class: "found-lines" },
        h(
          "span",
          { class: "found-top" },
          h("strong", {}, name),
          where ? h("span", { class: "hint" }, where) : null,
          h(
            "time",
            { class: "hint", datetime: message.at, title: fullTime(message.at) },
            shortTime(message.at),
          ),
        ),
        h(
          "span",
          { class: "found-text", dir: "auto" },
          fragments?.length
            ? fragments.map(({ text, match }) => (match ? h("mark", {}, text) : text))
            : oneLine(message.body),
        ),
      ),
    ),
  );
}
