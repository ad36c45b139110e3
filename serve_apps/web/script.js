// The transcript beside the video: what is said, when, with what is seen; it follows the time.

import { el } from "./dom.js";
import { clock } from "./text.js";

const AFTER = 0.5; // s that a line stays marked after its last word

export class Script {
  #room;
  #seek;
  #lines = [];
  #now = null;
  #movedAt = 0;

  constructor(room, seek) {
    this.#room = room;
    this.#seek = seek;
    for (const event of ["wheel", "touchmove", "pointerdown"]) {
      room.addEventListener(event, () => { this.#movedAt = Date.now(); }, { passive: true });
    }
  }

  clear() {
    this.#lines = [];
    this.#now = null;
    this.#room.replaceChildren();
  }

  /** Adds scenes, in time order. */
  add(scenes) {
    for (const scene of scenes) {
      const part = el("div", { class: "script-scene" });
      for (const segment of scene.segments) part.append(this.#line(segment, scene.language));
      if (scene.caption) {
        part.append(el("p", { class: "described" }, el("span", { class: "label" }, "Seen: "), scene.caption,
          scene.caption_toy && el("span", { class: "toy", title: "A toy model described this: it only knows drawn scenes" }, " toy")));
      }
      if (part.childNodes.length) this.#room.append(part);
    }
  }

  /** All scenes were given. */
  end() {
    if (!this.#lines.length) this.#room.prepend(el("p", { class: "quiet" }, "Nothing is said in this video."));
  }

  #line(segment, language) {
    const line = el("button", { type: "button", class: "line", on: { click: () => this.#seek(segment.start_s) } },
      el("span", { class: "time" }, clock(segment.start_s)), el("span", { lang: language || null }, segment.text));
    this.#lines.push({ from: segment.start_s, to: segment.end_s, element: line });
    return line;
  }

  /** Marks what is said at this time, and brings it into view unless someone is reading elsewhere. */
  follow(seconds) {
    let now = null;
    for (const line of this.#lines) {
      if (line.from > seconds + 0.05) break;
      now = seconds < line.to + AFTER ? line.element : null;
    }
    if (now === this.#now) return;
    this.#now?.removeAttribute("aria-current");
    this.#now = now;
    if (!now) return;
    now.setAttribute("aria-current", "true");
    if (Date.now() - this.#movedAt < 5000) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = now.offsetTop - (this.#room.clientHeight - now.offsetHeight) / 2;
    this.#room.scrollTo({ top, behavior: calm ? "auto" : "smooth" });
  }
}
