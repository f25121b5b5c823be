/** The members of a room, and what an admin can do with them. */

import { confirmed } from "../dom/dialog.js";
import { button, fill, h, iconButton } from "../dom/h.js";
import { later } from "../dom/later.js";
import { openMenu } from "../dom/menu.js";
import { toast, tried } from "../dom/toast.js";
import { avatar, stateWords } from "./avatar.js";
import { peoplePicker } from "./picker.js";
import { openProfile } from "./profile.js";

const RANK = { owner: 3, admin: 2, member: 1 };
const SHOWN = 200;
const HOUR = 3600;
const DAY = 24 * HOUR;

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} id of the room
 * @param {import("../state/scope.js").Scope} scope
 */
export function membersView(model, id, scope) {
  const { client } = model;
  const title = h("h3", {}, "Members");
  const list = h("ul", { class: "members" });
  const invite = h("div", { class: "pad" });
  const bans = h("div", { class: "pad" });
  const room = () => client.rooms.get(id);
  const render = later(() => {
    const now = room();
    if (!now) return;
    title.textContent = `Members · ${now.members}`;
    fill(
      list,
      sorted(model, id)
        .slice(0, SHOWN)
        .map((member) => memberRow(model, now, member)),
    );
  });
  for (const type of ["presence", "presences", "room"]) scope.on(client, type, render);
  scope.on(model.members, "change", render);
  return {
    element: h(
      "section",
      { class: "members-section", "aria-label": "Members" },
      title,
      invite,
      list,
      bans,
    ),
    start() {
      void model.members.load(id);
      render();
      const now = room();
      const admin = rank(now.role) >= RANK.admin;
      if (now.kind === "dm") return;
      if (admin || now.kind === "channel") fill(invite, inviter(model, id));
      if (admin)
        fill(
          bans,
          button("Banned accounts", () => void showBans(model, id, bans), { class: "small plain" }),
        );
    },
  };
}

/** Those who are here first, then by name. @param {import("../state/model.js").Model} model @param {string} id */
function sorted(model, id) {
  const here = (/** @type {any} */ member) => Number(stateOf(model, member.account) !== "offline");
  return [...model.members.of(id)].sort(
    (one, other) => here(other) - here(one) || one.username.localeCompare(other.username),
  );
}

/** @param {import("../state/model.js").Model} model @param {string} account */
const stateOf = (model, account) =>
  account === model.own.id ? "online" : model.client.presence.of(account).state;

/** @param {string | null} role */
const rank = (role) => RANK[/** @type {keyof typeof RANK} */ (role)] ?? 0;

/**
 * @param {import("../state/model.js").Model} model
 * @param {any} room
 * @param {any} member
 */
function memberRow(model, room, member) {
  const own = member.account === model.own.id;
  const state = stateOf(model, member.account);
  const muted = member.muted_until && Date.parse(member.muted_until) > Date.now();
  const ranks =
    room.kind !== "dm" && !own && (rank(room.role) > rank(member.role) || room.role === "owner");
  return h(
    "li",
    { class: "member" },
    h(
      "button",
      {
        type: "button",
        class: "member-who",
        on: { click: () => openProfile(model, member.account, room.id) },
      },
      avatar(member.username, { size: "small", presence: state }),
      h("span", {}, member.username, own ? " (you)" : ""),
      h("span", { class: "unseen" }, `, ${stateWords(state)}`),
      member.role !== "member" && room.kind !== "dm"
        ? h("span", { class: "hint" }, member.role)
        : null,
      muted && room.kind !== "dm" ? h("span", { class: "hint" }, "muted") : null,
    ),
    ranks && rank(room.role) >= RANK.admin
      ? iconButton(
          "more",
          `Manage ${member.username}`,
          (event) =>
            manage(model, room, member, /** @type {HTMLElement} */ (event.currentTarget), !!muted),
          { "aria-haspopup": "menu" },
        )
      : null,
  );
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {any} room
 * @param {any} member
 * @param {HTMLElement} anchor
 * @param {boolean} muted
 */
function manage(model, room, { account, username, role }, anchor, muted) {
  const { client } = model;
  const owner = room.role === "owner";
  const outranks = rank(room.role) > rank(role);
  const give = (/** @type {string} */ wanted) =>
    owner &&
    role !== wanted && {
      label: `Make ${wanted}`,
      action: () => void tried(client.promote(room.id, account, wanted)),
    };
  const ban = async () => {
    if (
      await confirmed(
        `Ban ${username}?`,
        "They are removed, and cannot come back until the ban is lifted.",
        "Ban",
      )
    )
      await tried(client.ban(room.id, account));
  };
  openMenu(anchor, username, [
    give("owner"),
    give("admin"),
    give("member"),
    outranks &&
      muted && {
        label: "Let write again",
        icon: "bell",
        action: () => void tried(client.unmute(room.id, account)),
      },
    outranks &&
      !muted && {
        label: "Mute for an hour",
        icon: "bell-off",
        action: () => void tried(client.mute(room.id, account, { seconds: HOUR })),
      },
    outranks &&
      !muted && {
        label: "Mute for a day",
        icon: "bell-off",
        action: () => void tried(client.mute(room.id, account, { seconds: DAY })),
      },
    outranks && {
      label: "Remove",
      icon: "leave",
      danger: true,
      action: () => void tried(client.kick(room.id, account)),
    },
    outranks && { label: "Ban", icon: "ban", danger: true, action: () => void ban() },
  ]);
}

/** @param {import("../state/model.js").Model} model @param {string} id */
function inviter(model, id) {
  return peoplePicker(
    model,
    "Invite somebody",
    (user) => {
      void tried(model.client.invite(id, user.id).then(() => toast(`${user.username} is in.`)));
    },
    { without: () => model.members.of(id).map(({ account }) => account) },
  );
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} id
 * @param {HTMLElement} place
 */
async function showBans(model, id, place) {
  const bans = await tried(model.rest.members.bans(id));
  if (!bans) return;
  const lift = async (/** @type {any} */ ban) => {
    await tried(model.client.unban(id, ban.account));
    await showBans(model, id, place);
  };
  fill(
    place,
    h("h3", {}, "Banned"),
    bans.length
      ? h(
          "ul",
          { class: "members" },
          bans.map((/** @type {any} */ ban) =>
            h(
              "li",
              { class: "member" },
              avatar(ban.username, { size: "small" }),
              ban.username,
              button("Lift", () => void lift(ban), {
                class: "small",
                "aria-label": `Lift the ban on ${ban.username}`,
              }),
            ),
          ),
        )
      : h("p", { class: "hint" }, "Nobody is banned."),
  );
}
