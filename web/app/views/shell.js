/** The frame: the list, the conversation, the panel beside it, and what lies over them. */

import { fill, h } from "../dom/h.js";
import { Scope } from "../state/scope.js";
import { bannerView } from "./banner.js";
import { conversationView } from "./conversation.js";
import { welcomeView } from "./welcome.js";
import { infoPanel } from "./info.js";
import { followMessages, followStreams } from "./news.js";
import { pinsPanel } from "./pins.js";
import { searchPanel } from "./search.js";
import { sidebarView } from "./sidebar.js";
import { openSwitcher } from "./switcher.js";
import { threadPanel } from "./thread.js";

/**
 * @typedef {{element: HTMLElement, close: () => void, start?: () => void}} View  start: once it is
 *   in the page
 */

/**
 * @param {import("../state/model.js").Model} model
 * @returns {View & {start: () => void}}
 */
export function shellView(model) {
  const scope = new Scope();
  const sidebar = sidebarView(model);
  const banner = bannerView(model);
  const main = h("main", { class: "main", id: "main", tabIndex: -1 });
  const side = h("div", { class: "side" });
  const element = h(
    "div",
    { class: "shell" },
    h("a", { class: "skip", href: "#main", on: { click: skip } }, "Skip to the conversation"),
    banner.element,
    sidebar.element,
    main,
    side,
  );
  const stage = new Stage(model, element, main, side);
  scope.on(model.route, "change", () => stage.show());
  scope.on(document, "keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openSwitcher(model);
    } else if (event.key === "Escape" && !event.defaultPrevented && model.route.panel) {
      model.route.openPanel("");
    }
  });
  scope.on(model.client, "room_gone", ({ room }) => {
    if (room === model.route.room) model.route.openRoom(null);
  });
  followMessages(model, scope);
  followStreams(model, scope);
  return {
    element,
    start: () => stage.show(),
    close() {
      scope.close();
      stage.close();
      banner.close();
      sidebar.close();
    },
  };

  /** The address belongs to the route: the link only moves the focus. @param {Event} event */
  function skip(event) {
    event.preventDefault();
    const target = main.querySelector("textarea") ?? main;
    /** @type {HTMLElement} */ (target).focus();
  }
}

/** Puts the views of the route into their places. */
class Stage {
  /** @type {View | null} */
  #conversation = null;
  /** @type {View | null} */
  #panel = null;
  #room = "";
  #panelName = "";

  /**
   * @param {import("../state/model.js").Model} model
   * @param {HTMLElement} shell
   * @param {HTMLElement} main
   * @param {HTMLElement} side
   */
  constructor(model, shell, main, side) {
    this.model = model;
    this.shell = shell;
    this.main = main;
    this.side = side;
  }

  show() {
    const { route, client } = this.model;
    const room = route.room && client.rooms.has(route.room) ? route.room : "";
    this.shell.classList.toggle("in-room", !!room);
    this.shell.classList.toggle("in-panel", !!room && !!route.panel);
    const fresh = room !== this.#room;
    this.#showRoom(room); // a fresh one begins at route.at
    this.#showPanel(room);
    if (room && route.at && !fresh) /** @type {any} */ (this.#conversation).jump(route.at);
  }

  /** @param {string} room */
  #showRoom(room) {
    if (room === this.#room && this.main.hasChildNodes()) return;
    this.#conversation?.close();
    this.#room = room;
    this.#conversation = room ? conversationView(this.model, room) : null;
    fill(this.main, this.#conversation?.element ?? welcomeView(this.model));
    this.#conversation?.start?.();
    if (!room) document.title = "Plaza";
  }

  /** @param {string} room */
  #showPanel(room) {
    const { panel, thread } = this.model.route;
    const name = room && panel ? `${room}/${panel}/${thread ?? ""}` : "";
    if (name === this.#panelName) return;
    const leaving = this.side.contains(document.activeElement);
    this.#panel?.close();
    this.#panelName = name;
    this.#panel = name ? this.#makePanel(room) : null;
    fill(this.side, this.#panel?.element);
    this.#panel?.start?.();
    if (leaving && !name)
      /** @type {HTMLElement | null} */ (this.main.querySelector("textarea"))?.focus();
  }

  /** @param {string} room @returns {View} */
  #makePanel(room) {
    const { panel, thread } = this.model.route;
    if (panel === "thread") return threadPanel(this.model, room, Number(thread));
    if (panel === "pins") return pinsPanel(this.model, room);
    if (panel === "search") return searchPanel(this.model, room);
    return infoPanel(this.model, room);
  }

  close() {
    this.#conversation?.close();
    this.#panel?.close();
  }
}
