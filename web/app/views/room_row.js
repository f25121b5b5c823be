/** A conversation in the list. */

import { h, icon } from "../dom/h.js";
import { oneLine } from "../text/body.js";
import { fullTime, shortTime } from "../text/time.js";
import { roomAvatar, stateWords } from "./avatar.js";

/**
 * @typedef {ReturnType<typeof rowState>} RowState
 */

/**
 * What a row shows: it is made anew only when this changes.
 *
 * @param {import("../state/model.js").Model} model
 * @param {any} room
 */
export function rowState(model, room) {
  const typing = model.client.typists
    .of(room.id)
    .map((/** @type {string} */ id) => model.people.name(id));
  return {
    room,
    title: model.titleOf(room),
    open: model.route.room === room.id,
    presence: room.peer ? model.client.presence.of(room.peer.id).state : "",
    typing: typing.length ? `${room.kind === "dm" ? "" : `${typing.join(", ")}: `}typing …` : "",
    preview: preview(model, room),
    at: model.previews.at(room.id),
    time: model.previews.at(room.id) ? shortTime(model.previews.at(room.id)) : "",
  };
}

/** @param {RowState} one @param {RowState} other */
export function sameState(one, other) {
  return /** @type {(keyof RowState)[]} */ (Object.keys(one)).every(
    (key) => one[key] === other[key],
  );
}

/** @param {import("../state/model.js").Model} model @param {RowState} state */
export function roomRow(model, { room, title, open, presence, typing, preview: text, at, time }) {
  const quiet = room.notify === "none";
  return h(
    "li",
    {},
    h(
      "a",
      {
        class: "room",
        href: `#/room/${room.id}`,
        "aria-current": open ? "page" : null,
        tabIndex: -1,
      },
      roomAvatar(model, room),
      h(
        "span",
        { class: "room-lines" },
        h(
          "span",
          { class: "room-top" },
          h(
            "span",
            { class: room.unread && !quiet ? "room-title unread" : "room-title", dir: "auto" },
            title,
          ),
          presence && presence !== "offline"
            ? h("span", { class: "unseen" }, `, ${stateWords(presence)}`)
            : null,
          quiet ? icon("bell-off", "small") : null,
          time ? h("time", { class: "room-time", datetime: at, title: fullTime(at) }, time) : null,
        ),
        h(
          "span",
          { class: "room-bottom" },
          h("span", { class: typing ? "room-preview typing" : "room-preview" }, typing || text),
          badges(room, quiet),
        ),
      ),
    ),
  );
}

/** @param {any} room @param {boolean} quiet */
function badges(room, quiet) {
  if (!room.unread && !room.mentions) return null;
  const count = room.unread > 999 ? "999+" : String(room.unread);
  const strong = !quiet && (room.kind === "dm" || room.notify === "all");
  return [
    room.mentions
      ? h(
          "span",
          { class: "badge strong" },
          h("span", { "aria-hidden": "true" }, "@"),
          h("span", { class: "unseen" }, `${room.mentions} mentions,`),
        )
      : null,
    h(
      "span",
      { class: strong ? "badge strong" : "badge" },
      count,
      h("span", { class: "unseen" }, " unread"),
    ),
  ];
}

/** @param {import("../state/model.js").Model} model @param {any} room */
function preview(model, room) {
  const message = model.previews.message(room.id);
  if (!message) return room.kind === "dm" ? "No messages yet" : "Nothing said yet";
  if (message.deleted) return "Message deleted";
  if (model.isHidden(message.sender)) return "Message hidden";
  const text = oneLine(message.body) || "Attachment";
  if (message.sender === model.own.id) return `You: ${text}`;
  return room.kind === "dm" ? text : `${model.people.name(message.sender)}: ${text}`;
}
