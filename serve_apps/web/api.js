// Talking to the service: one function per question. A refusal is a Problem, whose message is a sentence for people.

const KEY = "footage-key"; // sessionStorage: gone with the tab
let heldKey = null; // where the browser keeps nothing for us
const VOCABULARY_MS = 60_000; // so long the service remembers it too
let vocabulary = { answer: null, until: 0 };

/** An answer that is no success. `status` 0: there was no answer. */
export class Problem extends Error {
  constructor(status, title, detail, retryAfter = null) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.retryAfter = retryAfter;
  }
}

export function key() {
  try {
    return sessionStorage.getItem(KEY) || heldKey;
  } catch {
    return heldKey;
  }
}

export function keepKey(value) {
  heldKey = value;
  vocabulary.until = 0;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Held by this page alone then.
  }
}

async function ask(path, { params = [], form = null, signal = null, background = false } = {}) {
  const query = new URLSearchParams(params).toString();
  const headers = { Accept: "application/json" };
  const sent = key();
  if (sent) headers.Authorization = `Bearer ${sent}`;
  let answer;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, {
      method: form ? "POST" : "GET", body: form, headers, signal, credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "No answer", "The service does not answer. It may be starting, or the network is down.");
  }
  if (answer.ok) return answer.json();
  const problem = await problemOf(answer);
  if (problem.status === 401 && sent === key()) { // else another key was given meanwhile
    document.dispatchEvent(new CustomEvent("key-needed", { detail: { refused: sent !== null, background } }));
  }
  throw problem;
}

/** What a response that is no success says. */
export async function problemOf(answer) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // Something in between answered, such as a proxy; its page is of no use here.
  }
  const detail = typeof said.detail === "string" ? said.detail : `The service answered with status ${answer.status}.`;
  return new Problem(answer.status, said.title || `Status ${answer.status}`, detail, retryAfter);
}

/** Scenes for words, a scene's picture or a picture (a Blob); SearchAnswer. */
export function search(params, picture, signal) {
  if (!picture) return ask("/v1/search", { params, signal });
  const form = new FormData();
  for (const [name, value] of params) form.append(name, value);
  form.append("image", picture, picture.name || "picture.jpg");
  return ask("/v1/search", { form, signal });
}

export const similar = (sceneId, params, signal) =>
  ask(`/v1/scenes/${encodeURIComponent(sceneId)}/similar`, { params, signal });
export const scene = (sceneId, signal) => ask(`/v1/scenes/${encodeURIComponent(sceneId)}`, { signal });
export const video = (videoId, signal) => ask(`/v1/videos/${encodeURIComponent(videoId)}`, { signal });
export const videos = (params, signal) => ask("/v1/videos", { params, signal });
export const scenesOf = (videoId, params, signal) =>
  ask(`/v1/videos/${encodeURIComponent(videoId)}/scenes`, { params, signal });
export const datasets = () => ask("/v1/datasets");
export function tags() {
  if (Date.now() > vocabulary.until) vocabulary = { answer: ask("/v1/tags"), until: Date.now() + VOCABULARY_MS };
  const asked = vocabulary;
  asked.answer.catch(() => { asked.until = 0; });
  return asked.answer;
}
export const languages = () => ask("/v1/languages");
export const jobs = (signal) => ask("/v1/jobs", { signal, background: true });
export const me = () => ask("/v1/me");
