/** What a message shows besides its text. */

import { h, icon } from "../dom/h.js";

/** @param {any} message */
export function attachments({ attachments: list }) {
  if (!list.length) return null;
  return h("ul", { class: "attachments" }, list.map((/** @type {any} */ one) => h("li", {}, view(one))));
}

/** @param {any} attachment */
function view(attachment) {
  const { url, type, name } = attachment;
  if (!url) return name ?? "Attachment";
  switch (type?.split("/")[0]) {
    case "image":
      return picture(attachment);
    case "video":
      return player("video", attachment);
    case "audio":
      return player("audio", attachment);
    default:
      return file(attachment);
  }
}

/** @param {any} attachment */
function picture({ url, thumbnail, width, height, alt, name }) {
  const words = alt ?? name ?? "Picture";
  return h(
    "a",
    { class: "picture", href: url, target: "_blank", rel: "noopener", tabIndex: -1, title: words },
    // The size is known before the picture is there: nothing moves when it comes.
    h("img", { src: thumbnail ?? url, alt: words, width, height, loading: "lazy" }),
  );
}

/** @param {"video" | "audio"} tag @param {any} attachment */
function player(tag, { url, thumbnail, width, height, alt, name }) {
  const size = tag === "video" ? { poster: thumbnail, width, height } : {};
  return h(tag, {
    src: url,
    controls: true,
    preload: "none",
    tabIndex: -1,
    "aria-label": alt ?? name ?? (tag === "video" ? "Video" : "Sound"),
    ...size,
  });
}

/** @param {any} attachment */
function file({ url, name, size }) {
  return h(
    "a",
    { class: "file", href: url, download: name ?? "", tabIndex: -1 },
    icon("clip", "small"),
    h("span", {}, name ?? "File"),
    size === null ? null : h("span", { class: "hint" }, sizeWords(size)),
  );
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${unit && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}
