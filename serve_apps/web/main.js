// Puts the page together: the address says what is shown, and each part shows its share of it.

import * as api from "./api.js";
import { byId, plainClick, show } from "./dom.js";
import * as filters from "./filters.js";
import * as keyboard from "./keyboard.js";
import { Library } from "./library.js";
import * as login from "./login.js";
import * as picture from "./picture.js";
import { Player, moment } from "./player.js";
import { SearchView, clearFilters } from "./search_view.js";
import * as url from "./url_state.js";

const NOTHING_ASKED = { q: "", scene: "", like: "", picture: "" };
const player = new Player();
const library = new Library();
let opening = null; // the hit that was clicked: its name and address are known already

const search = new SearchView({
  play: (hit) => {
    opening = hit;
    url.enterPlayer(hit.video_id, hit.start_s);
  },
  like: (hit) => url.go({ ...NOTHING_ASKED, like: hit.scene_id }),
  picture: (hit) => url.go({ scene: hit.scene_id, like: "", picture: "" }),
  onlyVideo: (hit) => {
    filters.rememberVideo(hit.video_id, hit.name);
    url.go({ video: [hit.video_id], show: url.current().show === "best" ? "" : url.current().show });
  },
  tag: (name) => {
    if (!url.current().tag.includes(name)) url.go({ tag: [...url.current().tag, name] });
  },
});

/** What of a state the search depends on. */
function question(state) {
  return JSON.stringify([state.view, state.q, state.scene, state.like, state.picture, url.FILTERS.map((name) => state[name])]);
}

function libraryQuestion(state) {
  return JSON.stringify([state.view, state.name, state.about, state.state, state.dataset]);
}

async function render(state, before, scroll) {
  const inLibrary = state.view === "library";
  const first = before === null;
  const asks = inLibrary ? libraryQuestion : question;
  const anew = first || asks(state) !== asks(before);
  // A new answer is read from its top; who turns a filter stays at it.
  if (anew && !first && scroll === null && !byId("refine").contains(document.activeElement)) scrollTo(0, 0);
  document.title = inLibrary ? "Library · footage" : state.q ? `${state.q} · footage` : "footage";
  show(byId("search-view"), !inLibrary);
  show(byId("refine"), !inLibrary);
  show(byId("library-view"), inLibrary);
  byId("nav-search").toggleAttribute("aria-current", !inLibrary);
  byId("nav-library").toggleAttribute("aria-current", inLibrary);
  if (!inLibrary) library.leave();
  picture.put(state);
  if (first || document.activeElement !== byId("q") || state.q !== before.q) byId("q").value = state.q;
  filters.put(state);
  let ready = Promise.resolve();
  if (anew) ready = inLibrary ? library.run(state) : search.run(state);
  if (state.watch) {
    player.show(state.watch, moment(state), opening?.video_id === state.watch ? opening : null);
  } else {
    player.close();
  }
  opening = null;
  await ready;
  if (scroll !== null) scrollTo(0, scroll);
}

async function welcome(who) {
  login.put(who);
  picture.limitTo(who.max_image_mib);
  library.offer(await filters.loadChoices());
}

/** A refusal here was said already, by the part that asks the same question or by the sign-in. */
function unlessRefused(promise) {
  promise.catch((error) => {
    if (!(error instanceof api.Problem)) throw error;
  });
}

function start() {
  url.start();
  url.onChange(render);
  filters.start(clearFilters);
  picture.start();
  login.start((who) => {
    search.forget();
    filters.forget();
    player.forget();
    unlessRefused(welcome(who));
    render(url.current(), null, null);
  });
  keyboard.start(player, (card) => url.go({ ...NOTHING_ASKED, like: card.dataset.scene }));
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const q = byId("q").value.trim();
    url.go({ view: "", q, like: "", name: "", about: "", state: "" });
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href='/'], a[href='/?view=library']");
    if (link && !event.defaultPrevented && plainClick(event)) url.goTo(link.getAttribute("href"));
  });
  render(url.current(), null, null);
  unlessRefused(api.me().then(welcome));
}

start();
