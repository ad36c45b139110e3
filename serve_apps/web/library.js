// The library: all videos with their state, why some are in quarantine and what to do, and runs under way.

import * as api from "./api.js";
import { byId, button, choose, el, offer, show } from "./dom.js";
import { Jobs } from "./jobs.js";
import { problemBox } from "./notice.js";
import { codeParts, count, date, duration, languageName } from "./text.js";
import { videoThumbnail } from "./thumbnail.js";
import { go } from "./url_state.js";
import { videoLink } from "./video_link.js";

const PAGE = 50;
const EMPTY_PAGES = 4; // that are asked for in a row: where a name is rare each is hundreds of videos to look at
const STATES = { indexed: "Indexed", running: "Running", quarantined: "In quarantine" };
const FIELDS = ["name", "about", "state", "dataset"];

export class Library {
  #jobs = new Jobs(byId("jobs"), () => this.#reload());
  #cursor = null;
  #asking = null;
  #state = null;

  constructor() {
    const form = byId("library-form");
    const send = () => go(Object.fromEntries(FIELDS.map((name) => [name, form.elements.namedItem(name).value.trim()])));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    form.addEventListener("change", (event) => {
      if (event.target.tagName === "SELECT") send();
    });
    byId("more-videos").addEventListener("click", () => this.#page(false));
  }

  /** The datasets that one can choose from. */
  offer(datasets) {
    offer(byId("library-form").elements.namedItem("dataset"), datasets.map((item) => [item.name, item.name]));
  }

  /** Shows a state of the library. */
  async run(state) {
    this.#state = state;
    const form = byId("library-form");
    for (const name of FIELDS) {
      const field = form.elements.namedItem(name);
      if (field.tagName === "SELECT") choose(field, state[name]);
      else field.value = state[name];
    }
    this.#jobs.start();
    await this.#page(true);
  }

  /** Stops asking for runs. */
  leave() {
    this.#jobs.stop();
    this.#asking?.abort();
  }

  #reload() {
    if (this.#state && byId("videos").querySelectorAll(".video-row").length <= PAGE) this.#page(true);
  }

  async #page(first) {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const params = FIELDS.filter((name) => this.#state[name]).map((name) => [name, this.#state[name]]);
    params.push(["limit", String(PAGE)]);
    if (!first) params.push(["cursor", this.#cursor]);
    byId("videos").querySelector(":scope > .problem")?.remove();
    try {
      const page = await this.#answer(params, asking.signal);
      const rows = page.videos.map((video) => row(video));
      if (first) byId("videos").replaceChildren(...rows);
      else {
        byId("videos").append(...rows);
        rows[0]?.querySelector("a, button")?.focus();
      }
      this.#cursor = page.next_cursor;
      show(byId("more-videos"), page.next_cursor !== null);
      const shown = byId("videos").querySelectorAll(".video-row").length;
      const more = page.next_cursor !== null;
      const none = more ? "No such video so far; not all were looked at" : "No videos";
      byId("library-count").textContent = shown ? count(shown, "video") + (more ? ", and more" : "") : none;
      byId("more-videos").textContent = rows.length || !more ? "More videos" : "Look further";
      if (!shown && !more) byId("videos").append(this.#nothing());
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof api.Problem)) throw error;
      if (first) {
        byId("library-count").textContent = "";
        byId("videos").replaceChildren();
        show(byId("more-videos"), false);
      }
      if (error.status !== 401) byId("videos").append(problemBox(error, () => this.#page(first)));
    }
  }

  /** A page with something in it; or an empty one after a few of them, for the person to say whether to go on. */
  async #answer(params, signal) {
    let page = await api.videos(params, signal);
    for (let asked = 1; !page.videos.length && page.next_cursor && asked < EMPTY_PAGES; asked += 1) {
      const others = params.filter(([name]) => name !== "cursor");
      page = await api.videos([...others, ["cursor", page.next_cursor]], signal);
    }
    return page;
  }

  #nothing() {
    if (FIELDS.some((name) => this.#state[name])) {
      return el("div", { class: "empty" }, el("p", {}, "No video is like that. "),
        button("Show all", () => go({ name: "", about: "", state: "", dataset: "" }), { class: "link" }));
    }
    return el("div", { class: "empty" }, el("h2", {}, "The library is empty"),
      el("p", {}, "Index a folder or a bucket; its videos appear here while the run goes on:"),
      el("pre", {}, "footage index FOLDER --store STORE"));
  }
}

function withCode(text) {
  return codeParts(text).map((part) => (part.code ? el("code", {}, part.text) : part.text));
}

function row(video) {
  const playable = video.state === "indexed" && video.video_id;
  const name = playable ? videoLink(video.video_id, {}, video.name) : video.name;
  const facts = [
    video.duration_s === null ? null : duration(video.duration_s),
    video.scene_count === null ? null : count(video.scene_count, "scene"),
    video.language ? languageName(video.language) : null,
    video.datasets.length ? `in ${video.datasets.join(", ")}` : null,
    video.indexed_at ? `indexed ${date(video.indexed_at)}` : null,
    video.attempts ? `tried ${count(video.attempts, "time")}` : null,
    video.score === null ? null : `likeness ${video.score.toFixed(2)}`,
  ].filter(Boolean);
  return el("article", { class: `video-row ${video.state}` },
    el("div", { class: "poster" }, video.thumbnail_url && videoThumbnail(video.video_id, video.thumbnail_url)),
    el("div", { class: "video-text" },
      el("h2", { title: video.source_uris.join("\n") }, name),
      el("p", { class: "facts" }, el("span", { class: `state ${video.state}` }, STATES[video.state] || video.state), " ",
        video.state === "indexed" && video.problem && el("span", { class: "state failed" }, "A later run failed"), " ", facts.join(" · ")),
      video.description && el("p", { class: "described" }, video.description,
        video.description_toy && el("span", { class: "toy", title: "Written from what toy models saw" }, " toy")),
      video.problem && el("p", { class: "why-not" }, withCode(video.problem), video.problem_code && el("code", {}, ` ${video.problem_code}`)),
      video.next_step && el("p", { class: "next-step" }, el("strong", {}, "What to do: "), withCode(video.next_step)),
      playable && el("p", {}, button("Search in this video",
        () => go({ view: "", video: [video.video_id], name: "", about: "", state: "" }), { class: "link" }))));
}
