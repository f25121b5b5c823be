/** Files on their way into a message: chosen, sent ahead of it, and taken out again. */

import { alarm, say } from "../dom/announce.js";
import { h, icon, iconButton } from "../dom/h.js";
import { sizeWords } from "./attachments.js";

const MOST = 10; // of one message

/** @typedef {{file: File, element: HTMLElement, gone: AbortController, upload: any}} Item */

export class Tray {
  /** @type {Item[]} */
  #items = [];

  /**
   * @param {import("../state/model.js").Model} model
   * @param {() => void} changed called when something has come, gone or become ready
   */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.chooser = /** @type {HTMLInputElement} */ (
      h("input", {
        type: "file",
        multiple: true,
        hidden: true,
        on: {
          change: () => {
            this.add(this.chooser.files ?? []);
            this.chooser.value = "";
          },
        },
      })
    );
    this.button = iconButton("clip", "Attach files", () => this.chooser.click());
    this.list = h("ul", { class: "tray", hidden: true, "aria-label": "Files to be sent" });
  }

  /** Whether there is something, and all of it can be sent. */
  get ready() {
    return this.#items.length > 0 && this.#items.every(({ upload }) => upload?.state === "ready");
  }

  get empty() {
    return this.#items.length === 0;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      if (this.#items.length >= MOST) {
        alarm(`A message has at most ${MOST} files.`);
        break;
      }
      void this.#send(file);
    }
    this.#show();
  }

  /** What is to be attached; the tray is empty then. */
  take() {
    const taken = this.#items.map(({ upload: { media } }) => ({
      id: media.id,
      name: media.name || null,
      type: media.type,
      size: media.variants[0].bytes,
      url: media.url,
      thumbnail: smallest(media),
      width: media.width,
      height: media.height,
      alt: media.alt || null,
    }));
    this.#items = [];
    this.#show();
    return taken;
  }

  /** @param {File} file */
  async #send(file) {
    const status = h("span", { class: "hint" }, sizeWords(file.size));
    const bar = /** @type {HTMLProgressElement} */ (
      h("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` })
    );
    const element = h("li", {}, icon("clip", "small"), h("span", {}, file.name), status, bar);
    /** @type {Item} */
    const item = { file, element, gone: new AbortController(), upload: null };
    element.append(iconButton("close", `Remove ${file.name}`, () => this.#remove(item)));
    this.#items.push(item);
    try {
      item.upload = await this.model.rest.uploads.send(file, {
        signal: item.gone.signal,
        progress: (share) => {
          bar.value = share;
        },
      });
      if (item.upload.state === "failed") throw new Error(item.upload.problem);
      say(`${file.name} is ready.`);
    } catch (error) {
      if (item.gone.signal.aborted) return;
      item.upload = { state: "failed" };
      element.classList.add("failed");
      status.textContent = /** @type {Error} */ (error).message;
      alarm(status.textContent);
    }
    bar.remove();
    this.changed();
  }

  /** @param {Item} item */
  #remove(item) {
    item.gone.abort();
    this.#items = this.#items.filter((one) => one !== item);
    if (item.upload?.id) this.model.rest.uploads.remove(item.upload.id).catch(() => {});
    this.#show();
  }

  #show() {
    this.list.replaceChildren(...this.#items.map(({ element }) => element));
    this.list.hidden = this.empty;
    this.changed();
  }
}

/** @param {any} media */
function smallest({ kind, url, variants }) {
  const found = variants.find((/** @type {any} */ one) => one.name === "320" || one.name === "poster");
  return found?.url ?? (kind === "image" ? url : null);
}
