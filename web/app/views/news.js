/** What is new while one looks elsewhere: in the title, to a screen reader, and who is live. */

import { say } from "../dom/announce.js";
import { later } from "../dom/later.js";
import { toast } from "../dom/toast.js";
import { oneLine } from "../text/body.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {import("../state/scope.js").Scope} scope
 */
export function followMessages(model, scope) {
  const title = later(() => {
    const unread = [...model.client.rooms.values()].reduce(
      (sum, room) => sum + (room.notify === "none" ? 0 : room.unread),
      0,
    );
    const room = model.route.room && model.client.rooms.get(model.route.room);
    const name = room ? `${model.titleOf(room)} · Plaza` : "Plaza";
    document.title = unread ? `(${unread}) ${name}` : name;
  });
  scope.on(model.client, "room", title);
  scope.on(model.client, "room_gone", title);
  scope.on(model.client, "ready", title);
  scope.on(model.route, "change", title);
  scope.on(model.people, "change", title);
  scope.on(model.client, "message", (message) => {
    if (message.room !== model.route.room || message.sender === model.own.id) return;
    if (model.isHidden(message.sender)) return;
    say(`${model.people.name(message.sender)}: ${oneLine(message.body)}`);
  });
  title();
}

/**
 * Say that somebody whom one follows has gone live.
 *
 * @param {import("../state/model.js").Model} model
 * @param {import("../state/scope.js").Scope} scope
 */
export function followStreams(model, scope) {
  scope.on(model.client, "stream.started", ({ stream }) => {
    if (stream.owner.id === model.own.id) return;
    const name = stream.owner.display_name || stream.owner.username;
    toast(`${name} is live: ${stream.title}`, { href: `/live/${stream.id}` });
  });
}
