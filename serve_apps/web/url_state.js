// What the page shows stands in its address: the whole question, the filters, what is playing. Links, back and
// forward work because everything that changes the page goes through here.

const SINGLE = [
  "view", "q", "scene", "like", "dataset", "language", "from_s", "to_s", "min_duration_s", "max_duration_s",
  "indexed_since", "sort", "diversity", "modes", "min_relevance", "show", "state", "name", "about", "watch", "t",
];
const REPEATED = ["video", "tag"];

/** The filters, which survive a new question. */
export const FILTERS = [
  "dataset", "video", "language", "tag", "from_s", "to_s", "min_duration_s", "max_duration_s", "indexed_since",
  "sort", "diversity", "modes", "min_relevance", "show",
];

const listeners = [];

/** The state now: strings, "" where the address says nothing; lists of strings for what may repeat. */
export function current() {
  const params = new URLSearchParams(location.search);
  const state = { picture: history.state?.picture || "" }; // bytes do not fit into an address
  for (const name of SINGLE) state[name] = params.get(name) || "";
  for (const name of REPEATED) state[name] = params.getAll(name).filter(Boolean);
  return state;
}

/** The address of a state. */
export function address(state) {
  const params = new URLSearchParams();
  for (const name of SINGLE) if (state[name]) params.set(name, state[name]);
  for (const name of REPEATED) for (const value of state[name] || []) params.append(name, value);
  const query = params.toString();
  return query ? `/?${query}` : "/";
}

/** The address of this state with some changes. */
export function addressWith(changes) {
  return address({ ...current(), ...changes });
}

/** Goes to the state now with some changes; a step in the history unless `replace`. */
export function go(changes, { replace = false } = {}) {
  const before = current();
  const state = { ...before, ...changes };
  const kept = { picture: state.picture };
  if (replace) {
    history.replaceState({ ...history.state, ...kept }, "", address(state));
  } else {
    history.replaceState({ ...history.state, scroll: scrollY }, "");
    history.pushState(kept, "", address(state));
  }
  for (const listener of listeners) listener(current(), before, null);
}

/** Goes to another page of ours; nothing of the state now is kept. */
export function goTo(page) {
  const nothing = Object.fromEntries([...SINGLE.map((name) => [name, ""]), ...REPEATED.map((name) => [name, []])]);
  go({ ...nothing, picture: "", view: new URL(page, location.href).searchParams.get("view") || "" });
}

/** Back to where the player was opened from; if the page began with it, the player alone goes from the address. */
export function leavePlayer() {
  if (history.state?.opened) history.back();
  else go({ watch: "", t: "" }, { replace: true });
}

/** Opens the player: a step that `leavePlayer` takes back. */
export function enterPlayer(videoId, seconds) {
  const inPlayer = Boolean(current().watch);
  go({ watch: videoId, t: secondsText(seconds) }, { replace: inPlayer });
  if (!inPlayer) history.replaceState({ ...history.state, opened: true }, "");
}

/** Seconds as the address has them, to the millisecond. */
export function secondsText(seconds) {
  return String(Math.round(seconds * 1000) / 1000);
}

/** Calls `listener(state, before, scroll)` at each change; `scroll` is where the page stood, on back and forward. */
export function onChange(listener) {
  listeners.push(listener);
}

let shown = null;

/** Begins to listen to back and forward. */
export function start() {
  history.scrollRestoration = "manual";
  shown = current();
  onChange((state) => { shown = state; });
  addEventListener("popstate", () => {
    const before = shown;
    for (const listener of listeners) listener(current(), before, history.state?.scroll ?? 0);
  });
}

/** The parameters that the API takes for this state's filters, as pairs. */
export function filterParams(state) {
  const pairs = [];
  for (const name of ["dataset", "language", "from_s", "to_s", "min_duration_s", "max_duration_s", "sort", "diversity",
    "modes", "min_relevance"]) {
    if (state[name]) pairs.push([name, state[name]]);
  }
  for (const name of REPEATED) for (const value of state[name]) pairs.push([name, value]);
  if (state.indexed_since) pairs.push(["indexed_since", startOfDay(state.indexed_since)]);
  if (state.show === "best") pairs.push(["group", "video"]);
  return pairs;
}

function startOfDay(day) {
  const moment = new Date(`${day}T00:00`); // of this computer's clock, as the person means it
  return Number.isNaN(moment.getTime()) ? day : moment.toISOString();
}
