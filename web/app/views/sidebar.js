/** The list of conversations, and the way to everything else. */

import { keyed } from "../dom/keyed.js";
import { h, icon, iconButton } from "../dom/h.js";
import { later } from "../dom/later.js";
import { openMenu } from "../dom/menu.js";
import { keepOneStop, roving } from "../dom/roving.js";
import { tried } from "../dom/toast.js";
import { Scope } from "../state/scope.js";
import { openChannels } from "./channels.js";
import { openCreate } from "./create.js";
import { ownButton } from "./own.js";
import { roomRow, rowState, sameState } from "./room_row.js";
import { openSwitcher } from "./switcher.js";

/** @param {import("../state/model.js").Model} model */
export function sidebarView(model) {
  const scope = new Scope();
  const list = h("ul", { class: "rooms" });
  const empty = h(
    "p",
    { class: "rooms-empty hint" },
    "No conversations yet. Begin one with the plus above, or browse the channels.",
  );
  const element = h(
    "nav",
    { class: "sidebar", "aria-label": "Conversations" },
    h(
      "header",
      { class: "sidebar-head" },
      ownButton(model, scope),
      h("h1", { class: "brand" }, "Plaza"),
      iconButton("plus", "New conversation", () => openCreate(model)),
      iconButton(
        "more",
        "More",
        (event) =>
          openMenu(/** @type {HTMLElement} */ (event.currentTarget), "More", [
            { label: "Browse channels", icon: "compass", action: () => openChannels(model) },
            {
              label: "Mark all as read",
              icon: "checks",
              action: () => void tried(model.client.readAll()),
            },
          ]),
        { "aria-haspopup": "menu" },
      ),
    ),
    searchBar(model),
    list,
    empty,
  );
  const render = later(() => {
    const states = model.rooms().map((room) => rowState(model, room));
    keyed(list, states, {
      key: (state) => state.room.id,
      same: sameState,
      make: (state) => roomRow(model, state),
    });
    empty.hidden = states.length > 0;
    keepOneStop(list, "a", "[aria-current]");
  });
  roving(list, "a");
  for (const type of [
    "room",
    "room_added",
    "room_gone",
    "ready",
    "presence",
    "presences",
    "typing",
    "relation",
  ]) {
    scope.on(model.client, type, render);
  }
  scope.on(model.previews, "change", render);
  scope.on(model.people, "change", render);
  scope.on(model.route, "change", render);
  scope.every(60_000, render); // "Yesterday" becomes so at midnight
  render();
  return { element, close: () => scope.close() };
}

/** @param {import("../state/model.js").Model} model */
function searchBar(model) {
  return h(
    "button",
    { type: "button", class: "finder", on: { click: () => openSwitcher(model) } },
    icon("search", "small"),
    h("span", {}, "Find people and rooms"),
    h(
      "kbd",
      { "aria-hidden": "true" },
      /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘K" : "Ctrl K",
    ),
  );
}
