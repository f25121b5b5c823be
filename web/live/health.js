/** How the stream arrives at the server, in numbers and in advice. */

import { fill, h, icon } from "../app/dom/h.js";
import { rest, viewersText } from "./page.js";

const SECONDS = 2;

const ADVICE = {
  no_video: "No picture arrives.",
  no_audio: "No sound arrives.",
  high_loss: "Packets are lost on the way here. A cable, or a lower bitrate, helps.",
  high_jitter: "Packets arrive unevenly: the network is busy.",
  rare_keyframes: "Keyframes are rare, so viewers wait for a picture. Set the keyframe interval to 2 s.",
  no_keyframes: "No keyframes come, not even on request. Set the keyframe interval to 2 s.",
  bitrate_capped: "The bitrate is above what the server takes, which drops pictures. Lower it.",
  low_bitrate: "The bitrate is very low.",
  b_frames: "The encoder makes B-frames, which browsers show in the wrong order. Turn them off.",
  unsupported_by_some: "Not every browser plays this codec. H.264 with Opus is safe.",
};

/** @param {string} id of the stream */
export function healthView(id) {
  const element = h("div", { class: "live-health", "aria-label": "Health", role: "group" });
  let live = false;

  async function look() {
    const health = await rest.streams.health(id).catch(() => null);
    if (health !== null) show(element, health, live);
  }

  return {
    element,
    start() {
      void look();
      setInterval(() => void look(), SECONDS * 1000);
    },
    /** @param {boolean} now whether this page is what is live */
    turn(now) {
      if (now !== live) void look();
      live = now;
    },
  };
}

/** @param {HTMLElement} element @param {any} health @param {boolean} live */
function show(element, health, live) {
  const { duration, bitrate, viewers, tracks, warnings } = health;
  const video = tracks.filter((/** @type {any} */ track) => track.kind === "video").at(-1);
  const facts = [
    ["Viewers", viewersText(viewers)],
    ["Live for", timeOf(duration)],
    ["Bitrate", `${(bitrate / 1e6).toFixed(2)} Mbit/s`],
    ["Picture", video ? pictureOf(video) : "–"],
    ["Keyframes", video?.keyframe_interval ? `every ${video.keyframe_interval.toFixed(1)} s` : "–"],
    ["Loss", video ? `${(video.loss * 100).toFixed(1)} %` : "–"],
  ];
  const on = health.state === "live" || live;
  fill(
    element,
    on ? h("dl", {}, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))) : null,
    on
      ? warnings.map((/** @type {string} */ warning) =>
          h("p", { class: "live-warning" }, icon("warning", "small"), adviceOn(warning)))
      : null,
  );
}

/** @param {string} warning */
const adviceOn = (warning) => ADVICE[/** @type {keyof typeof ADVICE} */ (warning)] ?? warning;

/** @param {any} track */
function pictureOf({ codec, width, height, frame_rate: rate }) {
  const size = width ? `${width} × ${height}` : "";
  return [codec, size, rate ? `${Math.round(rate)} fps` : ""].filter(Boolean).join(", ");
}

/** @param {number} seconds */
function timeOf(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part) => String(part).padStart(2, "0")).join(":");
}
