/** The rows of a conversation. */

import { h, icon } from "../dom/h.js";
import { body } from "../text/body.js";
import { clockOf, fullTime } from "../text/time.js";
import { attachments } from "./attachments.js";
import { avatar } from "./avatar.js";
import { noticeText } from "./notice.js";
import { pendingRow } from "./pending.js";
import { openProfile } from "./profile.js";
import { quote } from "./quote.js";

const TICKS = {
  sent: ["check", "Sent"],
  delivered: ["checks", "Delivered"],
  read: ["checks", "Read"],
};

/**
 * What rows need of their conversation.
 *
 * @typedef {{
 *   model: import("../state/model.js").Model,
 *   room: any,
 *   inThread: boolean,
 *   react: (message: any, emoji: string) => void,
 *   openThread: (seq: number) => void,
 *   jump: (seq: number) => void,
 *   reveal: (seq: number) => void,
 * }} Place
 */

/**
 * @param {Place} place
 * @param {import("../state/rows.js").Row} row
 * @returns {HTMLElement}
 */
export function rowView(place, row) {
  switch (row.kind) {
    case "day":
      return h(
        "div",
        { class: "day", role: "separator", "aria-label": row.text },
        h("span", {}, row.text),
      );
    case "unread":
      return h(
        "div",
        { class: "unread-line", role: "separator", "aria-label": "New messages" },
        h("span", {}, "New"),
      );
    case "notice":
      return h(
        "p",
        { class: "notice" },
        noticeText(row.entry, (id) => place.model.people.name(id)),
      );
    case "hidden":
      return hiddenRow(place, row.entry);
    case "pending":
      return pendingRow(place, row);
    default:
      return messageRow(place, row);
  }
}

/** @param {Place} place @param {import("../state/rows.js").Row} row */
function messageRow(place, row) {
  const { entry: message, own, first, last, name = "" } = row;
  const shape = [
    "message",
    own && "own",
    first && "first",
    last && "last",
    row.found && "found",
    message.deleted && "gone",
  ];
  return h(
    "article",
    {
      class: shape.filter(Boolean).join(" "),
      dataset: { stop: "", seq: String(message.seq) },
      tabIndex: -1,
      "aria-label": `${own ? "You" : name}, ${clockOf(message.at)}`,
    },
    own ? null : gutter(place, message, name, !!first),
    h(
      "div",
      { class: "message-main" },
      h(
        "div",
        { class: "bubble" },
        first && !own && place.room.kind !== "dm" ? nameButton(place, message.sender, name) : null,
        message.reply_to && !place.inThread ? quote(place, message.reply_to, row.quote) : null,
        message.deleted
          ? h("div", { class: "body" }, "Message deleted")
          : body(message.body, place.model.own.username),
        attachments(message),
        meta(message, own ? (row.tick ?? "") : ""),
      ),
      reactions(place, message),
      threadButton(place, message),
    ),
  );
}

/** @param {Place} place @param {any} message @param {string} name @param {boolean} first */
function gutter(place, message, name, first) {
  if (!first) return h("span", { class: "gutter" });
  return h(
    "button",
    {
      type: "button",
      class: "gutter",
      tabIndex: -1,
      "aria-label": `Profile of ${name}`,
      on: { click: () => openProfile(place.model, message.sender, place.room.id) },
    },
    avatar(name, { size: "small" }),
  );
}

/** @param {Place} place @param {string} account @param {string} name */
function nameButton({ model, room }, account, name) {
  return h(
    "button",
    {
      type: "button",
      class: "name",
      tabIndex: -1,
      on: { click: () => openProfile(model, account, room.id) },
    },
    name,
  );
}

/** @param {any} message @param {string} tick */
function meta(message, tick) {
  const [symbol, words] = TICKS[/** @type {keyof typeof TICKS} */ (tick)] ?? [];
  return h(
    "span",
    { class: "meta" },
    message.pinned ? [icon("pin", "small"), h("span", { class: "unseen" }, "Pinned")] : null,
    message.edited_at ? h("span", { title: fullTime(message.edited_at) }, "edited") : null,
    h("time", { datetime: message.at, title: fullTime(message.at) }, clockOf(message.at)),
    symbol && !message.deleted
      ? h(
          "span",
          { class: `tick ${tick}`, title: words },
          icon(symbol, "small"),
          h("span", { class: "unseen" }, words),
        )
      : null,
  );
}

/** @param {Place} place @param {any} message */
function reactions({ model, react }, message) {
  if (!message.reactions.length) return null;
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map((/** @type {any} */ { emoji, accounts }) => {
      const mine = accounts.includes(model.own.id);
      const names = accounts.map((/** @type {string} */ id) => model.people.name(id)).join(", ");
      return h(
        "button",
        {
          type: "button",
          class: "reaction",
          tabIndex: -1,
          title: names,
          "aria-pressed": String(mine),
          "aria-label": `${emoji} ${accounts.length}: ${names}`,
          on: { click: () => react(message, emoji) },
        },
        h("span", {}, emoji),
        String(accounts.length),
      );
    }),
  );
}

/** @param {Place} place @param {any} message */
function threadButton({ inThread, openThread }, message) {
  const count = message.replies?.replies ?? 0;
  if (!count || inThread) return null;
  return h(
    "button",
    {
      type: "button",
      class: "thread-link",
      tabIndex: -1,
      on: { click: () => openThread(message.seq) },
    },
    icon("thread", "small"),
    count === 1 ? "1 reply" : `${count} replies`,
    h("span", { class: "hint" }, `last at ${clockOf(message.replies.last_at)}`),
  );
}

/** @param {Place} place @param {any} message */
function hiddenRow({ model, reveal }, message) {
  const kind = model.client.blocked.has(message.sender) ? "blocked" : "muted";
  return h(
    "p",
    { class: "notice" },
    `Message from a ${kind} account `,
    h(
      "button",
      {
        type: "button",
        class: "link",
        dataset: { stop: "" },
        tabIndex: -1,
        on: { click: () => reveal(message.seq) },
      },
      "Show",
    ),
  );
}
