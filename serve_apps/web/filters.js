// The filters: a form that shows what the address says, and puts into it what is chosen.

import * as api from "./api.js";
import { byId, button, choose, el, offer, show } from "./dom.js";
import { clockExact, languageName, parseClock } from "./text.js";
import { FILTERS, current, go } from "./url_state.js";

const form = () => byId("filters");
const field = (name) => form().elements.namedItem(name);
const MODES = ["spoken", "seen", "captioned"];
const videoNames = new Map(); // id -> name
const offered = new Map(); // name -> id, of the names under the field
const PAUSE_MS = 250; // after the last key: for a name the service may read hundreds of records

/** Begins to listen. `clear` takes all filters away. */
export function start(clear) {
  form().addEventListener("submit", (event) => event.preventDefault());
  form().addEventListener("change", (event) => changed(event.target));
  form().addEventListener("input", (event) => {
    if (event.target.type === "range") sayWeight(event.target);
    if (event.target.name === "video") suggestSoon(event.target.value);
  });
  for (const name of ["tag", "video"]) {
    field(name).addEventListener("keydown", (event) => {
      if (event.key === "Enter") changed(event.target);
    });
  }
  byId("clear-filters").addEventListener("click", clear);
  byId("filters-toggle").addEventListener("click", () => {
    const open = byId("refine").classList.toggle("open");
    byId("filters-toggle").setAttribute("aria-expanded", String(open));
  });
}

/** Fetches what can be chosen: datasets, languages and tags of this workspace; gives the datasets. */
export async function loadChoices() {
  const [datasets, languages, tags] = await Promise.all([api.datasets(), api.languages(), api.tags()]);
  offer(field("dataset"), datasets.datasets.map((item) => [item.name, `${item.name} (${item.video_count})`]));
  offer(field("language"), languages.languages.map((code) => [code, languageName(code)]));
  byId("tag-names").replaceChildren(...tags.tags.map((tag) => el("option", { value: tag })));
  put(current());
  return datasets.datasets;
}

/** Shows a state. */
export function put(state) {
  for (const name of ["dataset", "language", "sort", "show", "min_relevance"]) choose(field(name), state[name]);
  for (const name of ["from_s", "to_s"]) field(name).value = state[name] ? clockExact(Number(state[name])) : "";
  for (const name of ["min_duration_s", "max_duration_s", "indexed_since"]) field(name).value = state[name];
  field("diversity").value = state.diversity || "0";
  const weights = Object.fromEntries(state.modes.split(",").map((part) => part.split(":")));
  for (const mode of MODES) field(mode).value = weights[mode] ?? "1";
  form().querySelectorAll("input[type=range]").forEach(sayWeight);
  field("tag").value = "";
  field("video").value = "";
  chips(byId("tag-chips"), state.tag, (tag) => tag, (tag) => go({ tag: current().tag.filter((other) => other !== tag) }));
  showVideoChips(state);
  nameVideos(state.video);
  const active = FILTERS.filter((name) => state[name].length > 0).length;
  byId("filters-toggle").textContent = active ? `Filters (${active})` : "Filters";
  byId("clear-filters").disabled = active === 0;
  complain("");
}

/** Keeps the name of a video that is known already. */
export function rememberVideo(id, name) {
  videoNames.set(id, name);
}

/** Forgets the names of videos: another key may be of another workspace. */
export function forget() {
  videoNames.clear();
  offered.clear();
}

async function nameVideos(ids) {
  const unknown = ids.filter((id) => !videoNames.has(id));
  if (!unknown.length) return;
  for (const id of unknown) videoNames.set(id, ""); // asked for
  for (const id of unknown) {
    try {
      videoNames.set(id, (await api.video(id)).name);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      if (error.status === 404) videoNames.set(id, "unknown video");
      else videoNames.delete(id); // asked again next time
    }
  }
  showVideoChips(current());
}

function showVideoChips(state) {
  chips(byId("video-chips"), state.video, (id) => videoNames.get(id) || "one video",
    (id) => go({ video: current().video.filter((other) => other !== id) }));
}

function chips(room, values, words, remove) {
  room.replaceChildren(...values.map((value) => button(`${words(value)} ×`, () => remove(value), {
    class: "chip", "aria-label": `Do not filter by ${words(value)}`,
  })));
}

function changed(input) {
  if (!input.name) return;
  const { name, value } = input;
  if (name === "tag") {
    const tag = value.trim();
    if (tag && !current().tag.includes(tag)) go({ tag: [...current().tag, tag] });
    return;
  }
  if (name === "video") {
    if (value) chooseVideo(value);
    return;
  }
  if (MODES.includes(name)) {
    const off = MODES.filter((mode) => field(mode).value !== "1").map((mode) => `${mode}:${field(mode).value}`);
    go({ modes: off.join(",") });
    return;
  }
  if (name === "diversity") {
    go({ diversity: Number(value) ? value : "" });
    return;
  }
  const numbers = ["from_s", "to_s", "min_duration_s", "max_duration_s"];
  if (!numbers.includes(name)) {
    go({ [name]: value });
    return;
  }
  const seconds = Object.fromEntries(numbers.map((each) => [each, parseClock(field(each).value)]));
  const wrong = complaint(seconds);
  complain(wrong);
  if (!wrong) go(Object.fromEntries(numbers.map((each) => [each, seconds[each] === null ? "" : String(seconds[each])])));
}

function complaint(seconds) {
  if (Object.values(seconds).some(Number.isNaN)) return "A time is written like 75, 1:15 or 1:01:15.";
  if (seconds.from_s !== null && seconds.to_s !== null && seconds.to_s <= seconds.from_s) {
    return "“To” must be later in the video than “From”.";
  }
  if (seconds.min_duration_s !== null && seconds.max_duration_s !== null && seconds.max_duration_s < seconds.min_duration_s) {
    return "“At most” must not be below “At least”.";
  }
  return "";
}

function complain(words) {
  byId("filter-problem").textContent = words;
  show(byId("filter-problem"), Boolean(words));
}

function sayWeight(input) {
  const value = Number(input.value);
  const words = input.name === "diversity" ? (value ? value.toFixed(1) : "none") : value === 0 ? "off" : `× ${value}`;
  input.closest("label").querySelector(".value").textContent = words;
  input.setAttribute("aria-valuetext", words);
}

async function chooseVideo(name) {
  clearTimeout(pause);
  if (!offered.has(name) && !(await suggest(name))) return; // Enter may come before the names do
  if (field("video").value !== name) return; // another one is typed meanwhile, or it was chosen
  const id = offered.get(name);
  if (!id) complain(`“${name}” is not one of the names that are offered. Choose one of them.`);
  else if (!current().video.includes(id)) go({ video: [...current().video, id] });
}

let pause = 0;
let suggesting = null;

function suggestSoon(text) {
  clearTimeout(pause);
  suggesting?.abort();
  if (text.trim() && !offered.has(text)) pause = setTimeout(() => suggest(text), PAUSE_MS);
}

/** Whether the names came: not where another text was typed meanwhile. */
async function suggest(text) {
  suggesting?.abort();
  const asking = new AbortController();
  suggesting = asking;
  try {
    const page = await api.videos([["name", text.trim()], ["state", "indexed"], ["limit", "10"]], asking.signal);
    offered.clear();
    for (const [name, id] of told(page.videos)) {
      offered.set(name, id);
      videoNames.set(id, name);
    }
    byId("video-names").replaceChildren(...Array.from(offered.keys(), (name) => el("option", { value: name })));
  } catch (error) {
    if (error.name === "AbortError") return false;
    if (!(error instanceof api.Problem)) throw error;
    complain(error.message);
    return false;
  }
  return true;
}

/** [name, id] of videos: with the folder, or else the id's beginning, where several have the same name. */
function told(videos) {
  const alike = (key, video) => videos.filter((other) => key(other) === key(video)).length > 1;
  const name = (video) => video.name;
  const placed = (video) => `${video.name} (${video.source_uris[0]?.split("/").at(-2) || "no folder"})`;
  return videos.map((video) => {
    if (!alike(name, video)) return [name(video), video.video_id];
    const words = alike(placed, video) ? `${video.name} (${video.video_id.slice(0, 8)})` : placed(video);
    return [words, video.video_id];
  });
}
