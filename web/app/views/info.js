/** About a room: what it is, how one is told of it, who is in it. */

import { confirmed, openDialog } from "../dom/dialog.js";
import { choice, field } from "../dom/fields.js";
import { button, fill, h, iconButton } from "../dom/h.js";
import { later } from "../dom/later.js";
import { toast, tried } from "../dom/toast.js";
import { Scope } from "../state/scope.js";
import { roomAvatar } from "./avatar.js";
import { membersView } from "./members.js";
import { enterPanel, panel } from "./panel.js";

const KINDS = { dm: "A conversation of two", group: "Private group", channel: "Public channel" };
const LEVELS = /** @type {[string, string][]} */ ([
  ["all", "Every message"],
  ["mentions", "Mentions only"],
  ["none", "Nothing"],
]);
const PAUSES = /** @type {[string, string][]} */ ([
  ["0", "Off"],
  ["5", "5 seconds"],
  ["10", "10 seconds"],
  ["30", "30 seconds"],
  ["60", "1 minute"],
  ["300", "5 minutes"],
  ["3600", "1 hour"],
]);

/** @param {import("../state/model.js").Model} model @param {string} id */
export function infoPanel(model, id) {
  const scope = new Scope();
  const about = h("div", { class: "info" });
  const members = membersView(model, id, scope);
  const element = panel(
    model,
    "About",
    h("div", { class: "panel-scroll" }, about, members.element, leaveButton(model, id)),
  );
  /** @type {any} */
  let shown = null;
  const render = later(() => {
    const room = model.client.rooms.get(id);
    if (!room || (shown && same(room, shown))) return;
    shown = room;
    fill(about, aboutRoom(model, room));
  });
  scope.on(model.client, "room", render);
  scope.on(model.people, "change", render);
  return {
    element,
    start() {
      shown = model.client.rooms.get(id);
      fill(about, aboutRoom(model, shown));
      members.start();
      enterPanel(element);
    },
    close: () => scope.close(),
  };
}

/** Whether what is shown of a room is as before: an open list of choices stays open then. @param {any} one @param {any} other */
const same = (one, other) =>
  ["title", "role", "notify", "slow_mode", "members", "peer"].every(
    (key) => one[key] === other[key],
  );

/** @param {import("../state/model.js").Model} model @param {any} room */
function aboutRoom(model, room) {
  const admin = room.kind !== "dm" && (room.role === "admin" || room.role === "owner");
  return [
    h(
      "div",
      { class: "info-title" },
      roomAvatar(model, room, "big"),
      h(
        "h3",
        { dir: "auto" },
        model.titleOf(room),
        admin ? iconButton("edit", "Rename", () => openRename(model, room)) : null,
      ),
      h("p", { class: "hint" }, KINDS[/** @type {keyof typeof KINDS} */ (room.kind)]),
    ),
    choice(
      "Notify me of",
      LEVELS,
      room.notify,
      (level) => void tried(model.client.notify(room.id, level)),
    ),
    admin
      ? choice(
          "Slow mode",
          pausesWith(room.slow_mode),
          String(room.slow_mode),
          (seconds) => void tried(model.client.slowMode(room.id, Number(seconds))),
        )
      : null,
  ];
}

/** @param {number} seconds @returns {[string, string][]} */
function pausesWith(seconds) {
  return PAUSES.some(([value]) => value === String(seconds))
    ? PAUSES
    : [...PAUSES, [String(seconds), `${seconds} seconds`]];
}

/** @param {import("../state/model.js").Model} model @param {any} room */
function openRename(model, room) {
  openDialog(
    "Rename",
    (close) => {
      const title = field("Name", {
        value: room.title ?? "",
        maxlength: 200,
        required: true,
        autofocus: true,
        autocomplete: "off",
      });
      const form = h(
        "form",
        { class: "stack", novalidate: true },
        title.element,
        h(
          "div",
          { class: "dialog-actions" },
          button("Cancel", close, { class: "plain" }),
          h("button", { class: "button primary" }, "Rename"),
        ),
      );
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        try {
          await model.client.rename(room.id, title.input.value.trim());
          close();
        } catch (error) {
          title.fail(/** @type {Error} */ (error).message);
        }
      });
      return form;
    },
    { class: "narrow" },
  );
}

/** @param {import("../state/model.js").Model} model @param {string} id */
function leaveButton(model, id) {
  if (model.client.rooms.get(id)?.kind === "dm") return null;
  const leave = async () => {
    const room = model.client.rooms.get(id);
    const text =
      room.kind === "group"
        ? "Only an admin can bring you back."
        : "You can join again at any time.";
    if (!(await confirmed(`Leave ${model.titleOf(room)}?`, text, "Leave"))) return;
    try {
      await model.client.leave(id);
    } catch (error) {
      toast(/** @type {Error} */ (error).message, { bad: true });
    }
  };
  return h(
    "div",
    { class: "pad" },
    button("Leave this room", () => void leave(), { class: "danger wide" }),
  );
}
