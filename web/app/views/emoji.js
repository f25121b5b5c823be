/** A small choice of emoji. */

import { h } from "../dom/h.js";
import { openPopover } from "../dom/menu.js";
import { roving } from "../dom/roving.js";

const COLUMNS = 8;

/** @type {[emoji: string, name: string][]} */
const EMOJI = [
  ["👍", "thumbs up"],
  ["❤️", "heart"],
  ["😂", "tears of joy"],
  ["🎉", "party"],
  ["😮", "surprised"],
  ["😢", "crying"],
  ["🙏", "thanks"],
  ["👀", "eyes"],
  ["✅", "done"],
  ["👎", "thumbs down"],
  ["🔥", "fire"],
  ["🚀", "rocket"],
  ["💯", "hundred"],
  ["👏", "clapping"],
  ["🤔", "thinking"],
  ["😅", "relieved laugh"],
  ["😀", "grinning"],
  ["😊", "smiling"],
  ["😍", "in love"],
  ["😎", "cool"],
  ["🙂", "slight smile"],
  ["🙃", "upside down"],
  ["😉", "winking"],
  ["😴", "asleep"],
  ["😭", "sobbing"],
  ["😡", "angry"],
  ["😱", "screaming"],
  ["🥳", "celebrating"],
  ["🤗", "hug"],
  ["🤷", "shrug"],
  ["🙌", "raised hands"],
  ["💪", "strong"],
  ["👋", "wave"],
  ["🤝", "handshake"],
  ["👌", "okay"],
  ["✌️", "victory"],
  ["☕", "coffee"],
  ["🍕", "pizza"],
  ["🎂", "cake"],
  ["🍻", "cheers"],
  ["🌱", "seedling"],
  ["🌞", "sun"],
  ["🌧️", "rain"],
  ["⭐", "star"],
  ["⚡", "lightning"],
  ["💡", "idea"],
  ["🐛", "bug"],
  ["🔧", "wrench"],
];

/**
 * @param {HTMLElement} anchor
 * @param {(emoji: string) => void} choose
 */
export function openEmoji(anchor, choose) {
  const buttons = EMOJI.map(([emoji, name]) =>
    h(
      "button",
      {
        type: "button",
        class: "emoji",
        "aria-label": name,
        title: name,
        tabIndex: -1,
        on: {
          click: () => {
            close();
            choose(emoji);
          },
        },
      },
      emoji,
    ),
  );
  const content = h(
    "div",
    { class: "emoji-grid", role: "dialog", "aria-label": "Choose an emoji" },
    buttons,
  );
  roving(content, "button", { columns: COLUMNS });
  const close = openPopover(anchor, content);
  buttons[0].focus();
}
