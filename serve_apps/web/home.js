// What stands there before anything is asked: what can be searched, and ways in.

import * as api from "./api.js";
import { button, el } from "./dom.js";
import { problemBox } from "./notice.js";
import { duration } from "./text.js";
import { videoThumbnail } from "./thumbnail.js";
import { FILTERS, go } from "./url_state.js";
import { videoLink } from "./video_link.js";

const VIDEOS = 8; // two rows of tiles
const TAGS = 14;

/** Fills the room with a welcome; or with what to do first, if nothing is indexed. Not any more once `signal` ends it. */
export async function showHome(room, state, signal) {
  try {
    const [page, vocabulary] = await Promise.all([
      api.videos([["state", "indexed"], ["limit", String(VIDEOS)]], signal), api.tags(),
    ]);
    if (signal.aborted) return;
    room.replaceChildren(page.videos.length ? welcome(page.videos, vocabulary.tags, state) : nothingIndexed());
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof api.Problem)) throw error;
    room.replaceChildren(error.status === 401 ? "" : problemBox(error, () => showHome(room, state, signal)));
  }
}

function welcome(videos, tags, state) {
  const filtered = FILTERS.some((name) => state[name].length);
  return el("div", { class: "home" },
    filtered ? el("p", { class: "note" }, "Filters are set. Say above what to look for with them.") : null,
    el("h2", {}, "Find any moment in your footage"),
    el("ul", { class: "ways" },
      el("li", {}, el("strong", {}, "What is said. "), "A few words, or what was meant by them."),
      el("li", {}, el("strong", {}, "What is seen. "), "Describe the picture."),
      el("li", {}, el("strong", {}, "A picture. "), "Drop it on this page, paste it, or choose a file.")),
    tags.length ? el("section", { "aria-label": "Tags" }, el("h3", {}, "Seen in the footage"),
      el("p", { class: "tags" }, tags.slice(0, TAGS).map((tag) => button(tag, () => go({ q: tag }), { class: "tag" })))) : null,
    el("section", { "aria-label": "Videos" }, el("h3", {}, "Some of the videos"),
      el("ul", { class: "video-tiles" }, videos.map((video) => tile(video))),
      el("a", { href: "/?view=library" }, "The whole library")));
}

function tile(video) {
  return el("li", {}, videoLink(video.video_id, { class: "tile" },
    video.thumbnail_url && videoThumbnail(video.video_id, video.thumbnail_url),
    el("span", { class: "name" }, video.name),
    el("span", { class: "quiet" }, video.duration_s === null ? "" : duration(video.duration_s))));
}

function nothingIndexed() {
  return el("div", { class: "empty" }, el("h2", {}, "Nothing is indexed yet"),
    el("p", {}, "Videos are found here once they are indexed. On the command line, with the store of this service:"),
    el("pre", {}, "footage index FOLDER --store STORE"),
    el("p", {}, "The ", el("a", { href: "/?view=library" }, "library"), " shows how far a run is."));
}
