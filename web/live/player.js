/** The picture and the sound of a stream, and what there is to say when neither comes. */

import { fill, h, icon, iconButton } from "../app/dom/h.js";
import { openMenu } from "../app/dom/menu.js";
import { toast, tried } from "../app/dom/toast.js";
import { Whep } from "../sdk/plaza.js";

const WORDS = {
  connecting: "Connecting …",
  lost: "Connecting again …",
  stream_offline: "Offline. It begins here by itself as soon as the stream does.",
  interrupted: "The streamer has been interrupted, and is expected back.",
  ended: "The stream is over.",
};

/**
 * @param {string} url of the WHEP endpoint
 * @param {string | null} token of who watches, if they have said who they are
 */
export function player(url, token) {
  const video = /** @type {HTMLVideoElement} */ (
    h("video", { class: "player-video", autoplay: true, playsinline: true, "aria-label": "Live stream" })
  );
  const state = h("p", { class: "player-state", role: "status" });
  const sound = iconButton("sound", "Mute", () => setMuted(!video.muted));
  const quality = iconButton("more", "Quality", () => void chooseQuality(whep, quality), {
    "aria-haspopup": "menu",
    "aria-expanded": "false",
  });
  const loud = h(
    "button",
    { type: "button", class: "player-loud button primary", hidden: true, on: { click: () => setMuted(false) } },
    icon("sound-off", "small"),
    "Turn the sound on",
  );
  const element = h(
    "section",
    { class: "player", "aria-label": "Player" },
    video,
    state,
    loud,
    h(
      "div",
      { class: "player-tools" },
      sound,
      quality,
      iconButton("expand", "Full screen", () => void toggleFullScreen(element)),
    ),
  );

  function setMuted(/** @type {boolean} */ muted) {
    video.muted = muted;
    loud.hidden = true;
    sound.setAttribute("aria-label", muted ? "Turn the sound on" : "Mute");
    sound.title = muted ? "Turn the sound on" : "Mute";
    fill(sound, icon(muted ? "sound-off" : "sound"));
  }

  const whep = new Whep({ url, token });
  whep.on("stream", (stream) => {
    if (video.srcObject !== stream) video.srcObject = stream;
    void play();
  });
  let playing = false;
  whep.on("state", ({ state: now, error }) => {
    if (now === "connected") playing = true;
    if (error !== null) say(WORDS[/** @type {"stream_offline"} */ (error.code)] ?? error.message);
    else if (now === "connected") say(video.readyState > 1 ? "" : WORDS.connecting);
    else if (now !== "ended") say(playing ? WORDS.lost : WORDS.connecting);
  });
  video.addEventListener("playing", () => say(""));

  /** With sound if the browser lets it, else without, and a button that turns it on. */
  async function play() {
    try {
      await video.play();
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "NotAllowedError") return;
      setMuted(true);
      loud.hidden = false;
      await video.play().catch(() => {});
    }
  }

  function say(/** @type {string} */ text) {
    state.textContent = text;
    state.hidden = text === "";
  }

  say(WORDS.connecting);
  whep.start();
  addEventListener("pagehide", () => whep.end());
  return {
    element,
    /** What the server says of the stream. @param {string} now */
    turn(now) {
      if (now === "live") {
        say("");
        whep.retry();
      } else if (now === "interrupted" || now === "ended") say(WORDS[now]);
    },
  };
}

/**
 * Let somebody have one layer of the picture, where there are several.
 *
 * @param {Whep} whep
 * @param {HTMLElement} anchor
 */
async function chooseQuality(whep, anchor) {
  const layers = await tried(whep.layers());
  if (layers === undefined) return;
  if (layers.length === 0) {
    toast("This stream comes in one size.");
    return;
  }
  const item = (/** @type {string} */ label, /** @type {string | null} */ rid) => ({
    label,
    checked: whep.layer === rid,
    action: () => void tried(whep.choose(rid)),
  });
  openMenu(anchor, "Quality", [
    item("Automatic", null),
    ...layers.toReversed().map(({ rid, height }) => item(height ? `${height}p` : rid, rid)),
  ]);
}

/** @param {HTMLElement} element */
async function toggleFullScreen(element) {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element.requestFullscreen().catch(() => {});
}
