/** Begin a conversation: with one person, a group, or a channel. */

import { openDialog } from "../dom/dialog.js";
import { field } from "../dom/fields.js";
import { button, fill, h, iconButton } from "../dom/h.js";
import { toast, tried } from "../dom/toast.js";
import { peoplePicker } from "./picker.js";

const KINDS = /** @type {const} */ ([
  ["dm", "Person", "A conversation between the two of you."],
  ["group", "Group", "Private: people come in by invitation."],
  ["channel", "Channel", "Public: anyone may find it, read it and join."],
]);

/** @param {import("../state/model.js").Model} model */
export function openCreate(model) {
  openDialog("New conversation", (close) => {
    const content = h("div", { class: "stack" });
    const tabs = KINDS.map(([kind, label]) =>
      h(
        "button",
        { type: "button", role: "tab", class: "tab", on: { click: () => show(kind) } },
        label,
      ),
    );
    const show = (/** @type {string} */ kind) => {
      KINDS.forEach(([name], at) => tabs[at].setAttribute("aria-selected", String(name === kind)));
      const text = KINDS.find(([name]) => name === kind)?.[2];
      fill(
        content,
        h("p", { class: "hint" }, text),
        kind === "dm" ? personForm(model, close) : roomForm(model, kind, close),
      );
      /** @type {HTMLElement | null} */ (content.querySelector("input"))?.focus();
    };
    queueMicrotask(() => show("dm"));
    return [
      h("div", { class: "tabs", role: "tablist", "aria-label": "Kind of conversation" }, tabs),
      content,
    ];
  });
}

/** @param {import("../state/model.js").Model} model @param {() => void} close */
function personForm(model, close) {
  return peoplePicker(model, "With whom?", (user) => {
    close();
    void tried(model.openDm(user.id));
  });
}

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} kind
 * @param {() => void} close
 */
function roomForm(model, kind, close) {
  /** @type {Map<string, string>} */
  const chosen = new Map();
  const title = field("Name", { required: true, maxlength: 200, autocomplete: "off" });
  const chips = h("ul", { class: "chips", "aria-label": "Members" });
  const render = () =>
    fill(
      chips,
      [...chosen].map(([id, name]) =>
        h(
          "li",
          { class: "chip" },
          name,
          iconButton("close", `Without ${name}`, () => {
            chosen.delete(id);
            render();
          }),
        ),
      ),
    );
  const picker = peoplePicker(
    model,
    "Members",
    ({ id, username }) => {
      chosen.set(id, username);
      render();
    },
    { without: () => [...chosen.keys()] },
  );
  const form = h(
    "form",
    { class: "stack", novalidate: true },
    title.element,
    picker,
    chips,
    h(
      "div",
      { class: "dialog-actions" },
      button("Cancel", close, { class: "plain" }),
      h("button", { class: "button primary" }, `Create ${kind}`),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = title.input.value.trim();
    if (!name) {
      title.fail("Give it a name.");
      return title.input.focus();
    }
    try {
      const room = await model.client.createRoom(kind, {
        title: name,
        members: [...chosen.keys()],
      });
      close();
      model.route.openRoom(room.id);
    } catch (error) {
      toast(/** @type {Error} */ (error).message, { bad: true });
    }
  });
  return form;
}
