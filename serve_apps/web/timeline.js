// The scenes of a video: a line whose parts are as long as they last, and a strip of pictures for keys and fingers.

import { el } from "./dom.js";
import { clock, clockRange } from "./text.js";
import { sceneThumbnail } from "./thumbnail.js";

export class TimeLine {
  current = null;
  #line;
  #strip;
  #choose;
  #scenes = [];
  #parts = [];
  #tiles = [];
  #duration = 0;
  #head = el("span", { class: "head" });

  constructor(line, strip, choose) {
    this.#line = line;
    this.#strip = strip;
    this.#choose = choose;
    line.addEventListener("click", (event) => {
      const box = line.getBoundingClientRect();
      const scene = this.#at(((event.clientX - box.left) / box.width) * this.#duration);
      if (scene) this.#choose(scene);
    });
    strip.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = this.#tiles.indexOf(event.target.closest("button"));
      if (!by || at < 0 || !this.#tiles[at + by]) return;
      event.preventDefault();
      event.stopPropagation(); // elsewhere in the player these keys skip five seconds
      this.#tiles[at + by].focus();
    });
  }

  /** Shows a video's scenes, in time order. */
  put(scenes, durationS) {
    this.#scenes = scenes;
    this.#duration = Math.max(durationS, scenes.at(-1)?.end_s ?? 0);
    this.current = null;
    this.#parts = scenes.map((scene) => {
      const part = el("span", { class: "part", title: clockRange(scene.start_s, scene.end_s) });
      part.style.left = `${(scene.start_s / this.#duration) * 100}%`;
      part.style.width = `${((scene.end_s - scene.start_s) / this.#duration) * 100}%`;
      return part;
    });
    this.#line.replaceChildren(...this.#parts, this.#head);
    this.#tiles = scenes.map((scene) => el("button", {
      type: "button", "aria-label": `Scene ${scene.index + 1}, ${clockRange(scene.start_s, scene.end_s)}`,
      on: { click: () => this.#choose(scene) },
    }, sceneThumbnail(scene.scene_id, scene.thumbnail_url), el("span", { class: "time" }, clock(scene.start_s))));
    this.#strip.replaceChildren(...this.#tiles.map((tile) => el("li", {}, tile)));
  }

  /** Marks the scene at this time; it. */
  follow(seconds) {
    if (!this.#scenes.length) return null;
    this.#head.style.left = `${Math.min(100, (seconds / this.#duration) * 100)}%`;
    const scene = this.#at(seconds);
    if (scene === this.current) return scene;
    const mark = (at, on) => {
      if (at < 0) return;
      this.#parts[at].classList.toggle("now", on);
      if (on) this.#tiles[at].setAttribute("aria-current", "true");
      else this.#tiles[at].removeAttribute("aria-current");
    };
    mark(this.#scenes.indexOf(this.current), false);
    const at = this.#scenes.indexOf(scene);
    mark(at, true);
    this.current = scene;
    if (at >= 0) {
      const tile = this.#tiles[at].parentElement; // scrolled by hand: scrollIntoView would move the whole dialog
      this.#strip.scrollLeft = tile.offsetLeft - (this.#strip.clientWidth - tile.offsetWidth) / 2;
    }
    return scene;
  }

  /** The scene that is `by` scenes after the current one. */
  neighbour(by) {
    return this.#scenes[this.#scenes.indexOf(this.current) + by] ?? null;
  }

  #at(seconds) {
    let found = null;
    for (const scene of this.#scenes) {
      if (scene.start_s > seconds + 1e-3) break;
      found = scene;
    }
    return found;
  }
}
