/** Publish a live stream: WHIP. */

import { MediaLink } from "./media_link.js";

/**
 * @typedef {object} WhipOptions
 * @property {MediaStream} stream what is sent
 * @property {string} [codec] of the video, such as `video/H264`; the first one that is tried
 * @property {boolean} [simulcast] send the video in three sizes, of which each viewer gets the one
 *     that fits; else in one
 * @property {number} [maxBitrate] of the video, in bits per second
 */

/** Thirds of the way down: the server forwards whichever layer a viewer can take. */
const LAYERS = [
  { rid: "q", scaleResolutionDownBy: 4 },
  { rid: "h", scaleResolutionDownBy: 2 },
  { rid: "f", scaleResolutionDownBy: 1 },
];

/** One publisher of one stream. */
export class Whip extends MediaLink {
  /** @param {import("./media_link.js").MediaOptions & WhipOptions} options */
  constructor(options) {
    super(options, (peer) => send(peer, options));
  }
}

/**
 * @param {RTCPeerConnection} peer
 * @param {WhipOptions} options
 */
function send(peer, { stream, codec = "video/H264", simulcast = false, maxBitrate = 2_500_000 }) {
  for (const track of stream.getAudioTracks()) {
    peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  }
  for (const track of stream.getVideoTracks()) {
    const encodings = simulcast
      ? LAYERS.map((layer) => ({ ...layer, maxBitrate: maxBitrate / layer.scaleResolutionDownBy ** 1.5 }))
      : [{ maxBitrate }];
    const transceiver = peer.addTransceiver(track, {
      direction: "sendonly",
      streams: [stream],
      sendEncodings: encodings,
    });
    prefer(transceiver, codec);
  }
}

/**
 * @param {RTCRtpTransceiver} transceiver
 * @param {string} codec
 */
function prefer(transceiver, codec) {
  const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const wanted = all.filter(({ mimeType }) => mimeType.toLowerCase() === codec.toLowerCase());
  if (wanted.length > 0) {
    transceiver.setCodecPreferences([...wanted, ...all.filter((one) => !wanted.includes(one))]);
  }
}
