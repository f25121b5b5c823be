/** The channels that anyone may join. */

import { openDialog } from "../dom/dialog.js";
import { button, fill, h } from "../dom/h.js";
import { tried } from "../dom/toast.js";
import { avatar } from "./avatar.js";

/** @param {import("../state/model.js").Model} model */
export function openChannels(model) {
  openDialog("Channels", (close) => {
    const list = h("ul", { class: "cards" });
    const foot = h("div", { class: "dialog-actions" });
    const load = async (/** @type {string | undefined} */ cursor) => {
      const page = await tried(model.rest.rooms.channels({ cursor, limit: 50 }));
      if (!page)
        return fill(
          foot,
          button("Try again", () => load(cursor)),
        );
      for (const room of page.items) list.append(channelCard(model, room, close));
      const none =
        !list.hasChildNodes() &&
        h("p", { class: "hint" }, "There are no channels yet. Create the first one.");
      fill(foot, none, page.next_cursor ? button("More", () => load(page.next_cursor)) : null);
    };
    fill(foot, h("p", { class: "hint", role: "status" }, "Loading …"));
    void load(undefined);
    return [list, foot];
  });
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {any} room
 * @param {() => void} close
 */
function channelCard(model, room, close) {
  const joined = model.client.rooms.has(room.id);
  const go = async () => {
    if (!joined && !(await tried(model.client.join(room.id).then(() => true)))) return;
    close();
    await arrived(model, room.id);
    model.route.openRoom(room.id);
  };
  const count = room.members === 1 ? "1 member" : `${room.members} members`;
  return h(
    "li",
    { class: "card" },
    avatar(room.title ?? "", { symbol: "hash" }),
    h(
      "div",
      { class: "card-lines" },
      h("strong", { dir: "auto" }, room.title),
      h("span", { class: "hint" }, count),
    ),
    button(joined ? "Open" : "Join", go, {
      class: joined ? "small" : "small primary",
      "aria-label": `${joined ? "Open" : "Join"} ${room.title}`,
    }),
  );
}

/** The notice that one is a member may come after the answer. @param {import("../state/model.js").Model} model @param {string} room */
function arrived(model, room) {
  if (model.client.rooms.has(room)) return;
  return new Promise((resolve) => {
    const off = model.client.on("room_added", (/** @type {any} */ added) => {
      if (added.id !== room) return;
      off();
      resolve(undefined);
    });
  });
}
