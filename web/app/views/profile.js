/** Somebody's card. */

import { confirmed, openDialog } from "../dom/dialog.js";
import { button, fill, h } from "../dom/h.js";
import { tried } from "../dom/toast.js";
import { Scope } from "../state/scope.js";
import { ago } from "../text/time.js";
import { avatar, stateWords } from "./avatar.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} account
 * @param {string} [from] the room in which one met: shows the role there
 */
export function openProfile(model, account, from) {
  const scope = new Scope();
  const { client } = model;
  const others = account !== model.own.id;
  if (others) void client.watch([account]).catch(() => {});
  openDialog(
    others ? "Profile" : "Your profile",
    (close) => {
      const content = h("div", { class: "profile" });
      const render = () =>
        fill(content, card(model, account, from), others ? deeds(model, account, close) : null);
      for (const type of ["presence", "relation", "settings"]) scope.on(client, type, render);
      scope.on(model.people, "change", render);
      render();
      return content;
    },
    {
      class: "narrow",
      onClose: () => {
        scope.close();
        if (others) void client.unwatch([account]).catch(() => {});
      },
    },
  );
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} account
 * @param {string} [from]
 */
function card(model, account, from) {
  const name = model.people.name(account);
  const presence = model.client.presence.of(account);
  const own = account === model.own.id;
  const role = from && model.members.of(from).find((member) => member.account === account)?.role;
  const words =
    presence.state === "offline" && presence.last_seen
      ? `last seen ${ago(presence.last_seen)}`
      : stateWords(presence.state);
  return [
    avatar(name, { size: "big", presence: own ? null : presence.state }),
    h("h3", { class: "profile-name" }, name),
    own
      ? h("p", { class: "hint" }, model.rest.session.account?.email ?? "")
      : h("p", { class: "hint" }, words),
    role && role !== "member" ? h("p", { class: "chip" }, role) : null,
  ];
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} account
 * @param {() => void} close
 */
function deeds(model, account, close) {
  const { client, rest } = model;
  const blocked = client.blocked.has(account);
  const muted = client.muted.has(account);
  const name = model.people.name(account);
  const block = async () => {
    if (blocked) return tried(rest.accounts.unblock(account));
    const sure = await confirmed(
      `Block ${name}?`,
      "You can no longer write to each other, and what they say in shared rooms is hidden from you. They are not told.",
      "Block",
    );
    return sure ? tried(rest.accounts.block(account)) : undefined;
  };
  return h(
    "div",
    { class: "profile-actions" },
    button(
      "Message",
      () => {
        close();
        void tried(model.openDm(account));
      },
      { class: "primary" },
    ),
    button(
      muted ? "Unmute" : "Mute",
      () => void tried(muted ? rest.accounts.unmute(account) : rest.accounts.mute(account)),
    ),
    button(blocked ? "Unblock" : "Block", () => void block(), { class: "danger" }),
  );
}
