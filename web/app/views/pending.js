/** One's own message until the log has it: on its way, waiting, or refused. */

import { button, h, icon } from "../dom/h.js";
import { body } from "../text/body.js";
import { clockOf } from "../text/time.js";
import { attachments } from "./attachments.js";
import { quote } from "./quote.js";

/** @typedef {import("./message.js").Place} Place */

/** @param {Place} place @param {import("../state/rows.js").Row} row */
export function pendingRow(place, row) {
  const { entry: message, first, last } = row;
  const { client } = place.model;
  const failed = message.state === "failed";
  return h(
    "article",
    {
      class: ["message own pending", failed && "failed", first && "first", last && "last"]
        .filter(Boolean)
        .join(" "),
      dataset: { stop: "" },
      tabIndex: -1,
      "aria-label": failed ? "You, not sent" : "You, being sent",
    },
    h(
      "div",
      { class: "message-main" },
      h(
        "div",
        { class: "bubble" },
        message.reply_to && !place.inThread ? quote(place, message.reply_to, row.quote) : null,
        body(message.body, place.model.own.username),
        attachments(message),
        h(
          "span",
          { class: "meta" },
          h("time", { datetime: message.at }, clockOf(message.at)),
          h(
            "span",
            { class: "tick", title: "Being sent" },
            icon(failed ? "warning" : "clock", "small"),
          ),
        ),
      ),
      message.error && message.state !== "sent"
        ? h(
            "div",
            { class: "send-error", role: "alert" },
            h("span", { class: failed ? "error" : "hint" }, message.error.message),
            failed
              ? button("Try again", () => client.retry(message.nonce), { class: "small" })
              : null,
            failed
              ? button("Discard", () => client.discard(message.nonce), { class: "small danger" })
              : null,
          )
        : null,
    ),
  );
}
