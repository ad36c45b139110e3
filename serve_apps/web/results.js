// Found scenes, as cards grouped by video.

import { button, el, plainClick } from "./dom.js";
import { clockRange, count, languageName, markedParts, percent } from "./text.js";
import { sceneThumbnail } from "./thumbnail.js";
import { addressWith, secondsText } from "./url_state.js";
import { relevanceMark, whyDetails } from "./why.js";

const FIRST_OF_VIDEO = 6; // scenes of one video before the rest folds up

/**
 * Cards for the hits of one search, page after page.
 * actions: play(hit), like(hit), picture(hit), onlyVideo(hit), tag(name).
 */
export class Results {
  #room;
  #actions;
  #groups = new Map();

  constructor(room, actions) {
    this.#room = room;
    this.#actions = actions;
  }

  /** Begins anew. `how`: {show, toyLists: Set of list names, similar: boolean}. */
  clear(how) {
    this.how = how;
    this.#groups.clear();
    this.#room.replaceChildren();
  }

  /** Adds a page of hits; the first card that was added. */
  add(hits) {
    let first = null;
    for (const hit of hits) {
      const card = this.#card(hit);
      first ??= card;
      if (this.how.show === "scenes") this.#single().append(card);
      else this.#group(hit).add(card);
    }
    return first;
  }

  #single() {
    if (!this.#groups.has("")) {
      const list = el("div", { class: "scenes" });
      this.#groups.set("", list);
      this.#room.append(list);
    }
    return this.#groups.get("");
  }

  #group(hit) {
    let group = this.#groups.get(hit.video_id);
    if (!group) {
      group = new VideoGroup(hit, this.#actions);
      this.#groups.set(hit.video_id, group);
      this.#room.append(group.element);
    }
    return group;
  }

  #card(hit) {
    const range = clockRange(hit.start_s, hit.end_s);
    const watch = el("a", {
      class: "thumb", href: addressWith({ watch: hit.video_id, t: secondsText(hit.start_s) }),
      "aria-label": `Play ${hit.name} at ${range}`,
      on: { click: (event) => {
        if (plainClick(event)) this.#actions.play(hit);
      } },
    }, sceneThumbnail(hit.scene_id, hit.thumbnail_url), el("span", { class: "time" }, range));
    const card = el("article", { class: "scene", data: { scene: hit.scene_id, video: hit.video_id } },
      watch,
      el("div", { class: "scene-text" },
        el("div", { class: "scene-line" },
          this.how.show === "scenes" && el("span", { class: "name", title: hit.source_uris.join("\n") }, hit.name),
          relevanceMark(hit.relevance)),
        whyDetails(hit, this.how.toyLists, this.how.similar),
        said(hit), described(hit), this.#tags(hit),
        el("div", { class: "scene-actions" },
          button("More like this", () => this.#actions.like(hit), { class: "link", data: { action: "like" } }),
          button("Search by its picture", () => this.#actions.picture(hit), { class: "link" }))));
    card.footageHit = hit;
    return card;
  }

  #tags(hit) {
    const names = Object.entries(hit.tags);
    if (!names.length) return null;
    return el("p", { class: "tags" },
      names.slice(0, 5).map(([name, probability]) => button(name, () => this.#actions.tag(name), {
        class: "tag", title: `Seen: ${name}, ${percent(probability)}. Show only scenes with it`,
      })),
      hit.tags_toy && el("span", { class: "toy", title: "A toy model named what is seen: it only knows drawn scenes" }, "toy"));
  }
}

class VideoGroup {
  #cards = el("div", { class: "scenes" });
  #fold = null;
  #folded = [];
  #found = 0;
  #line = el("span", { class: "quiet" });

  constructor(hit, actions) {
    this.element = el("section", { class: "video-group", "aria-label": hit.name },
      el("header", {},
        el("h2", { title: hit.source_uris.join("\n") }, hit.name), this.#line,
        button("Only this video", () => actions.onlyVideo(hit), { class: "link" })),
      this.#cards);
  }

  add(card) {
    this.#found += 1;
    const more = card.footageHit.more_in_video;
    this.#line.textContent = more ? `and ${count(more, "further scene")} found` : count(this.#found, "scene");
    if (this.#found <= FIRST_OF_VIDEO || (this.#fold === null && this.#folded.length)) {
      this.#cards.append(card);
      return;
    }
    if (!this.#fold) {
      this.#fold = button("", () => this.#unfold(), { class: "link fold" });
      this.element.append(this.#fold);
    }
    this.#folded.push(card);
    this.#fold.textContent = `${count(this.#folded.length, "more scene")} of this video`;
  }

  #unfold() {
    const cards = this.#folded;
    this.#cards.append(...cards);
    this.#fold.remove();
    this.#fold = null;
    cards[0].querySelector("a").focus();
  }
}

function marked(text, highlights) {
  return markedParts(text, highlights).map((part) => (part.marked ? el("mark", {}, part.text) : part.text));
}

function said(hit) {
  if (!hit.transcript) return el("p", { class: "said quiet" }, "Nothing is said");
  return el("p", { class: "said", lang: hit.language || null, title: hit.language ? languageName(hit.language) : null },
    marked(hit.transcript, hit.highlights));
}

function described(hit) {
  if (!hit.caption) return null;
  return el("p", { class: "described" }, el("span", { class: "label" }, "Seen: "),
    marked(hit.caption, hit.caption_highlights),
    hit.caption_toy && el("span", { class: "toy", title: "A toy model described this: it only knows drawn scenes" }, " toy"));
}
