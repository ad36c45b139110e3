// The picture of a scene or a video. Its address is good for a limited time: one that fails is asked for anew, once.

import * as api from "./api.js";
import { el, setAddress } from "./dom.js";

/** An <img> of a scene. */
export function sceneThumbnail(sceneId, address) {
  return thumbnail(address, async () => (await api.scene(sceneId)).thumbnail_url);
}

/** An <img> of a video. */
export function videoThumbnail(videoId, address) {
  return thumbnail(address, async () => (await api.video(videoId)).thumbnail_url);
}

function thumbnail(address, renew) {
  let renewed = false;
  const image = el("img", { class: "thumbnail", src: address, alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  image.addEventListener("error", async () => {
    if (renewed) {
      image.classList.add("missing");
      return;
    }
    renewed = true;
    try {
      setAddress(image, "src", await renew());
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      image.classList.add("missing");
    }
  });
  return image;
}
