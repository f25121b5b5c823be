/** Oneself in the corner: presence, theme, log out. */

import { fill, h } from "../dom/h.js";
import { later } from "../dom/later.js";
import { openMenu } from "../dom/menu.js";
import { tried } from "../dom/toast.js";
import { avatar, stateWords } from "./avatar.js";
import { openProfile } from "./profile.js";

/**
 * @param {import("../state/model.js").Model} model
 * @param {import("../state/scope.js").Scope} scope
 */
export function ownButton(model, scope) {
  const { client, own } = model;
  const element = h("button", {
    type: "button",
    class: "own",
    "aria-haspopup": "menu",
    on: { click: () => openOwnMenu(model, element) },
  });
  const render = later(() => {
    const state = ownState(client);
    element.setAttribute("aria-label", `${own.username}, ${stateWords(state)}: your menu`);
    fill(element, avatar(own.username, { presence: state }));
  });
  for (const type of ["settings", "status", "ready", "presence"]) scope.on(client, type, render);
  scope.on(document, "visibilitychange", render);
  render();
  return element;
}

/** @param {any} client */
function ownState(client) {
  if (client.status.state !== "connected" || client.settings.hidden) return "offline";
  if (client.settings.busy) return "busy";
  return document.hidden ? "away" : "online";
}

/** @param {import("../state/model.js").Model} model @param {HTMLElement} anchor */
function openOwnMenu(model, anchor) {
  const { client } = model;
  const { busy, hidden } = client.settings;
  const set = (/** @type {object} */ settings) => void tried(client.setPresence(settings));
  const theme = document.documentElement.dataset.theme ?? "";
  openMenu(anchor, "Your menu", [
    {
      label: "Available",
      checked: !busy && !hidden,
      action: () => set({ busy: false, hidden: false }),
    },
    {
      label: "Do not disturb",
      checked: busy && !hidden,
      action: () => set({ busy: true, hidden: false }),
    },
    { label: "Appear offline", checked: hidden, action: () => set({ hidden: true }) },
    { label: "Your profile", icon: "person", action: () => openProfile(model, model.own.id) },
    {
      label: theme === "dark" || (!theme && prefersDark()) ? "Light theme" : "Dark theme",
      icon: theme === "dark" || (!theme && prefersDark()) ? "sun" : "moon",
      action: toggleTheme,
    },
    theme ? { label: "Theme of the system", icon: "info", action: () => setTheme("") } : null,
    {
      label: "Log out",
      icon: "leave",
      danger: true,
      action: () => void tried(model.rest.session.logOut()),
    },
  ]);
}

const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

function toggleTheme() {
  const now = document.documentElement.dataset.theme ?? (prefersDark() ? "dark" : "light");
  setTheme(now === "dark" ? "light" : "dark");
}

/** @param {string} theme empty: the system's */
function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem("plaza.theme", theme);
  } catch {
    // It holds until the page is left, then.
  }
}
