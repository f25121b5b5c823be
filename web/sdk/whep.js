/** Watch a live stream: WHEP. */

import { MediaLink } from "./media_link.js";

/**
 * One viewer of one stream.
 *
 *     const whep = new Whep({ url: "/whep/118", token: rest.session.accessToken });
 *     whep.on("stream", (stream) => (video.srcObject = stream));
 *     whep.start();
 */
export class Whep extends MediaLink {
  /** @param {import("./media_link.js").MediaOptions} options */
  constructor(options) {
    super(options, (peer) => {
      const stream = new MediaStream();
      for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
      peer.addEventListener("track", ({ track }) => {
        stream.addTrack(track);
        this.emit("stream", stream);
      });
    });
  }
}
