/**
 * Modal dialogs on <dialog>: the browser keeps focus inside, makes the rest inert, closes on
 * Escape and gives focus back.
 */

import { button, h, iconButton } from "./h.js";

let numbers = 0;

/**
 * Open one.
 *
 * @param {string} title
 * @param {(close: () => void) => import("./h.js").Child} content
 * @param {{class?: string, onClose?: () => void}} [options]
 * @returns {() => void} closes it
 */
export function openDialog(title, content, { class: extra = "", onClose } = {}) {
  const name = `dialog-${++numbers}`;
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const dialog = /** @type {HTMLDialogElement} */ (
    h("dialog", { class: `dialog ${extra}`.trim(), "aria-labelledby": name })
  );
  const close = () => dialog.close();
  dialog.append(
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id: name }, title),
      iconButton("close", "Close", close),
    ),
    h("div", { class: "dialog-body" }, content(close)),
  );
  // A click on the backdrop is one on the dialog itself, outside of its content.
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog && !within(dialog, event)) close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The browser did so when it closed the dialog, a task ago: where the focus has gone since is
    // where somebody wants it.
    if (document.activeElement === document.body && before?.isConnected) {
      before.focus({ preventScroll: true });
    }
    onClose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  /** @type {HTMLElement | null} */ (dialog.querySelector("[autofocus]"))?.focus();
  return close;
}

/**
 * Ask before something that cannot be undone.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} action what the button says
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, action) {
  return new Promise((resolve) => {
    let answer = false;
    openDialog(
      title,
      (close) => [
        h("p", {}, text),
        h(
          "div",
          { class: "dialog-actions" },
          button("Cancel", close, { class: "plain", autofocus: true }),
          button(
            action,
            () => {
              answer = true;
              close();
            },
            { class: "primary" },
          ),
        ),
      ],
      { class: "narrow", onClose: () => resolve(answer) },
    );
  });
}

/** @param {HTMLElement} dialog @param {PointerEvent} event */
function within(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return (
    event.clientX >= box.left &&
    event.clientX <= box.right &&
    event.clientY >= box.top &&
    event.clientY <= box.bottom
  );
}
