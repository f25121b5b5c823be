/** A menu at a button: arrow keys move, Escape and a click elsewhere close it. */

import { h, icon } from "./h.js";
import { roving } from "./roving.js";

/**
 * @typedef {{label: string, icon?: string, danger?: boolean, checked?: boolean,
 *   action: () => void}} MenuItem
 * @typedef {MenuItem | null | false} MenuEntry  null and false are left out
 */

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * Open a menu, and close the one that was open.
 *
 * @param {HTMLElement} anchor
 * @param {string} label
 * @param {MenuEntry[]} entries
 */
export function openMenu(anchor, label, entries) {
  const items = entries.filter((entry) => !!entry).map((entry) => itemOf(entry, () => close()));
  const close = openPopover(
    anchor,
    h("div", { class: "menu", role: "menu", "aria-label": label }, items),
  );
  const menu = items[0]?.parentElement;
  if (menu) roving(menu, "button");
  items[0]?.focus();
}

/**
 * Show something next to an element, until Escape or a click elsewhere. There is one at a time.
 *
 * @param {HTMLElement} anchor gets the focus back
 * @param {HTMLElement} content
 * @returns {() => void} closes it
 */
export function openPopover(anchor, content) {
  closeOpen?.();
  content.classList.add("popover");
  const outside = (/** @type {Event} */ event) => {
    if (!content.contains(/** @type {Node} */ (event.target))) close();
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
    }
    close();
  };
  const close = () => {
    if (closeOpen !== close) return;
    closeOpen = null;
    const focused = content.contains(document.activeElement);
    content.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (focused && anchor.isConnected) anchor.focus({ preventScroll: true });
  };
  closeOpen = close;
  // Inside an open dialog everything outside of it is inert.
  (anchor.closest("dialog") ?? document.body).append(content);
  anchor.setAttribute("aria-expanded", "true");
  content.addEventListener("keydown", keys);
  document.addEventListener("pointerdown", outside, true);
  place(anchor, content);
  return close;
}

/** @param {MenuItem} item @param {() => void} close */
function itemOf({ label, icon: name, danger, checked, action }, close) {
  const radio = checked !== undefined;
  return h(
    "button",
    {
      type: "button",
      class: danger ? "menu-item danger" : "menu-item",
      role: radio ? "menuitemradio" : "menuitem",
      "aria-checked": radio ? String(checked) : null,
      tabIndex: -1,
      on: {
        click: () => {
          close();
          action();
        },
      },
    },
    name ? icon(name, "small") : null,
    h("span", {}, label),
    checked ? icon("check", "small") : null,
  );
}

/** Below the anchor, or above it, and inside the page. @param {HTMLElement} anchor @param {HTMLElement} content */
function place(anchor, content) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = content;
  const below = at.bottom + 6;
  const top = below + height < innerHeight - 8 ? below : Math.max(8, at.top - height - 6);
  const left = Math.min(Math.max(8, at.right - width), innerWidth - width - 8);
  content.style.top = `${top}px`;
  content.style.left = `${Math.max(8, left)}px`;
}
