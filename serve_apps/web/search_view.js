// The search: asks what the address says, shows the answer, further pages, and what went wrong.

import * as api from "./api.js";
import { byId, button, el, show } from "./dom.js";
import { showHome } from "./home.js";
import { problemBox } from "./notice.js";
import { picture } from "./picture.js";
import { Results } from "./results.js";
import { clockRange, count } from "./text.js";
import { sceneThumbnail } from "./thumbnail.js";
import { FILTERS, filterParams, go } from "./url_state.js";
import { listWords } from "./why.js";

const PAGE = 24; // scenes: about three screens
const REMEMBERED = 8; // answers kept for back and forward

export class SearchView {
  #results;
  #answers = new Map();
  #asking = null;
  #state = null;
  #pages = [];

  constructor(actions) {
    this.#results = new Results(byId("results"), actions);
    byId("more").addEventListener("click", () => this.#more());
  }

  /** Remembers nothing: another key may be of another workspace. */
  forget() {
    this.#answers.clear();
    delete byId("asked-scene").dataset.asked;
  }

  /** Shows the answer to this state; at once if it was asked before. */
  async run(state, { again = false } = {}) {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#state = state;
    byId("search-view").removeAttribute("aria-busy");
    show(byId("more"), false); // it would go on with the answer to the former question
    byId("more-problem").replaceChildren();
    this.#askedScene(state);
    if (!asked(state)) {
      this.#begin();
      byId("count").textContent = "";
      await showHome(byId("results"), state, asking.signal);
      return;
    }
    if (state.picture && !picture(state.picture)) {
      this.#begin();
      byId("count").textContent = "";
      byId("results").append(el("div", { class: "empty" }, el("h2", {}, "The picture is gone"),
        el("p", {}, "A picture is not part of the page's address: it was lost when the page was loaded again, or when "
          + "other pictures came. Drop it here once more, or search by words.")));
      return;
    }
    const question = JSON.stringify([state.q, state.scene, state.like, state.picture, filterParams(state)]);
    const known = again ? null : this.#answers.get(question);
    if (known) {
      this.#begin();
      for (const page of known) this.#add(page);
      this.#pages = known;
      return;
    }
    byId("search-view").setAttribute("aria-busy", "true");
    try {
      const answer = await ask(state, null, asking.signal);
      if (asking.signal.aborted) return; // a newer question took its place
      this.#begin();
      this.#pages = [answer];
      this.#remember(question, this.#pages);
      this.#add(answer);
    } catch (error) {
      if (!asking.signal.aborted) this.#failed(error, () => this.run(state, { again: true }), true);
    } finally {
      if (this.#asking === asking) byId("search-view").removeAttribute("aria-busy");
    }
  }

  #begin() {
    const state = this.#state;
    this.#pages = [];
    this.#results.clear({ show: state.show, toyLists: new Set(), similar: Boolean(state.like) });
    show(byId("more"), false);
    show(byId("toy-note"), false);
    byId("left-out").replaceChildren();
  }

  #remember(question, pages) {
    this.#answers.delete(question);
    this.#answers.set(question, pages);
    if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value);
  }

  #add(answer) {
    const toys = answer.lists.filter((list) => list.toy).map((list) => list.list);
    this.#results.how.toyLists = new Set(toys);
    this.#toyNote(toys);
    const first = this.#results.add(answer.hits);
    const shown = byId("results").querySelectorAll("article.scene");
    const videos = new Set(Array.from(shown, (card) => card.dataset.video));
    const more = answer.next_cursor !== null;
    byId("count").textContent = shown.length
      ? `${count(shown.length, "scene")} in ${count(videos.size, "video")}${more ? ", and more" : ""}`
      : "No scene answers this";
    show(byId("more"), more);
    this.#leftOut(answer);
    if (!shown.length) this.#nothing(answer);
    return first;
  }

  async #more() {
    const state = this.#state;
    const last = this.#pages.at(-1);
    const moreButton = byId("more");
    moreButton.disabled = true;
    byId("more-problem").replaceChildren();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const answer = await ask(state, last.next_cursor, asking.signal);
      if (asking.signal.aborted) return;
      this.#pages.push(answer);
      this.#add(answer)?.querySelector("a").focus();
    } catch (error) {
      if (!asking.signal.aborted) this.#failed(error, () => this.#more(), false);
    } finally {
      moreButton.disabled = false;
    }
  }

  #failed(error, again, instead) {
    if (!(error instanceof api.Problem)) throw error;
    const box = error.status === 401 ? el("p", { class: "quiet" }, "Sign in to search.") : problemBox(error, again);
    if (instead) {
      this.#begin();
      byId("count").textContent = "";
      byId("results").replaceChildren(box);
    } else {
      byId("more-problem").replaceChildren(box);
    }
  }

  #leftOut(answer) {
    if (!answer.left_out) return;
    byId("left-out").replaceChildren(`${count(answer.left_out, "less certain scene")} left out. `,
      button("Show all", () => go({ min_relevance: "0" }), { class: "link" }));
  }

  #toyNote(toys) {
    show(byId("toy-note"), toys.length > 0);
    const names = [...new Set(toys.map((list) => `“${listWords(list)}”`))].join(" and ");
    byId("toy-note").textContent = `${names}: made by toy models, which only know drawn scenes. `
      + "What they say of other footage means nothing.";
  }

  #nothing(answer) {
    const filtered = FILTERS.some((name) => name !== "show" && name !== "sort" && String(this.#state[name]));
    byId("results").append(el("div", { class: "empty" },
      el("h2", {}, answer.left_out ? "Nothing is close enough" : "Nothing was found"),
      el("ul", {},
        answer.left_out ? el("li", {}, "Some scenes come near. ", button("Show them", () => go({ min_relevance: "0" }), { class: "link" })) : null,
        filtered && el("li", {}, "Filters are on. ", button("Search without them", () => clearFilters(), { class: "link" })),
        el("li", {}, "Use words that would be said in the scene, or say what would be seen in it."),
        el("li", {}, "A picture finds scenes that look like it: drop one on this page."))));
  }

  async #askedScene(state) {
    const room = byId("asked-scene");
    const id = state.like || state.scene;
    const asked = `${id} ${Boolean(state.like)} ${Boolean(state.q)}`;
    if (room.dataset.asked === asked) return;
    room.dataset.asked = asked;
    show(room, Boolean(id));
    room.replaceChildren();
    if (!id) return;
    const words = state.like ? "More like this scene" : state.q ? "With the picture of this scene" : "What looks like this scene";
    const label = el("span", {}, words);
    room.append(label, button("Take away", () => go({ like: "", scene: "" }), { class: "plain" }));
    try {
      const detail = await api.scene(id);
      if (room.dataset.asked !== asked) return;
      room.prepend(sceneThumbnail(detail.scene_id, detail.thumbnail_url));
      label.append(` (${clockRange(detail.start_s, detail.end_s)})`);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      if (room.dataset.asked !== asked) return;
      delete room.dataset.asked; // asked again next time
      label.append(` (${error.message})`);
    }
  }
}

/** Takes all filters away. */
export function clearFilters() {
  const none = Object.fromEntries(FILTERS.map((name) => [name, ""]));
  go({ ...none, video: [], tag: [] });
}

/** Whether the state asks for anything. */
function asked(state) {
  return Boolean(state.q.trim() || state.scene || state.like || state.picture);
}

function ask(state, cursor, signal) {
  const params = filterParams(state);
  params.push(["limit", String(PAGE)]);
  if (cursor) params.push(["cursor", cursor]);
  if (state.like) return api.similar(state.like, params, signal);
  if (state.q.trim()) params.push(["q", state.q]);
  if (state.scene && !state.picture) params.push(["scene", state.scene]);
  return api.search(params, state.picture ? picture(state.picture).blob : null, signal);
}
