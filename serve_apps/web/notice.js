// What the page says: short notices, and problems with something to do about them.

import { byId, button, el } from "./dom.js";

let timer = 0;

/** A line that goes away by itself; screen readers say it. */
export function notice(text) {
  const line = byId("notice");
  const room = Array.from(document.querySelectorAll("dialog[open]")).at(-1) ?? document.body; // a dialog is above all else
  if (line.parentElement !== room) room.append(line);
  line.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { line.textContent = ""; }, 6000);
}

/** A problem as a sentence, with a button that tries again. */
export function problemBox(problem, again) {
  const wait = problem.retryAfter ? ` The service asks to wait ${Math.ceil(problem.retryAfter)} s.` : "";
  return el("div", { class: "problem", role: "alert" },
    el("h2", {}, headline(problem)),
    el("p", {}, problem.message + wait),
    again && button("Try again", again, { class: "primary" }));
}

function headline(problem) {
  if (problem.status === 0) return "The service does not answer";
  if (problem.status === 429) return "Too many questions for the moment";
  if (problem.status === 503) return "The service is not ready";
  if (problem.status >= 500) return "Something went wrong in the service";
  if (problem.status === 404) return "It is not there";
  if (problem.status === 413) return "That is too large";
  return "This question cannot be answered";
}
