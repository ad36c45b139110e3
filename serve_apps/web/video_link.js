// A link that opens a video in the player.

import { el, plainClick } from "./dom.js";
import { addressWith, enterPlayer } from "./url_state.js";

/** An <a> to a video from its beginning. */
export function videoLink(videoId, attributes, ...children) {
  const open = (event) => {
    if (plainClick(event)) enterPlayer(videoId, 0);
  };
  return el("a", { href: addressWith({ watch: videoId, t: "0" }), on: { click: open }, ...attributes }, ...children);
}
