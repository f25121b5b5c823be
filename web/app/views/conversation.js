/** A room: its head, its messages, its composer. */

import { fill, h, icon, iconButton } from "../dom/h.js";
import { later } from "../dom/later.js";
import { ago } from "../text/time.js";
import { roomAvatar, stateWords } from "./avatar.js";
import { openProfile } from "./profile.js";
import { Talk } from "./talk.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} room
 */
export function conversationView(model, room) {
  const talk = new Talk(model, room);
  const head = h("header", { class: "head" });
  const render = later(() => {
    const now = model.client.rooms.get(room);
    if (now) fillHead(model, now, head);
  });
  for (const type of ["room", "presence", "presences", "room_presence", "status"])
    talk.scope.on(model.client, type, render);
  talk.scope.on(model.people, "change", render);
  talk.scope.on(model.route, "change", render);
  talk.scope.every(60_000, render);
  fillHead(model, model.client.rooms.get(room), head);
  model.members.meet(model.client.rooms.get(room));
  return {
    element: h(
      "section",
      { class: "conversation", "aria-label": "Conversation" },
      head,
      talk.element,
    ),
    start() {
      talk.start(model.route.at);
      talk.composer.focus();
    },
    jump: (/** @type {number} */ seq) => talk.log.jump(seq),
    close: () => talk.close(),
  };
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {any} room
 * @param {HTMLElement} head
 */
function fillHead(model, room, head) {
  const { route } = model;
  const focused = head.contains(document.activeElement)
    ? document.activeElement?.getAttribute("aria-label")
    : null;
  const toggle = (/** @type {"info" | "pins" | "search"} */ panel) => () =>
    route.openPanel(route.panel === panel ? "" : panel);
  const panelButton = (
    /** @type {"info" | "pins" | "search"} */ panel,
    /** @type {string} */ symbol,
    /** @type {string} */ label,
  ) => iconButton(symbol, label, toggle(panel), { "aria-pressed": String(route.panel === panel) });
  fill(
    head,
    h(
      "a",
      { class: "icon-button back", href: "#/", "aria-label": "Back to the list" },
      icon("back"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "head-room",
        "aria-label": `About ${model.titleOf(room)}`,
        on: {
          click: () => (room.peer ? openProfile(model, room.peer.id) : route.openPanel("info")),
        },
      },
      roomAvatar(model, room),
      h(
        "span",
        { class: "head-lines" },
        h("h2", { dir: "auto" }, model.titleOf(room)),
        h("span", { class: "hint" }, statusWords(model, room)),
      ),
    ),
    panelButton("search", "search", "Search"),
    panelButton("pins", "pin", "Pinned messages"),
    panelButton("info", "info", "About this conversation"),
  );
  if (focused)
    /** @type {HTMLElement | null} */ (
      head.querySelector(`[aria-label="${CSS.escape(focused)}"]`)
    )?.focus();
}

/** @param {import("../state/model.js").Model} model @param {any} room */
function statusWords(model, room) {
  const { presence } = model.client;
  if (room.peer) {
    const { state, last_seen: seen } = presence.of(room.peer.id);
    if (model.client.blocked.has(room.peer.id)) return "blocked";
    return state === "offline" && seen ? `last seen ${ago(seen)}` : stateWords(state);
  }
  const online =
    presence.online(room.id) ??
    model.members
      .of(room.id)
      .filter(({ account }) => account === model.own.id || presence.of(account).state !== "offline")
      .length;
  const members = room.members === 1 ? "1 member" : `${room.members} members`;
  return online ? `${members}, ${online} online` : members;
}
