// Runs under way, asked for every few seconds while someone is looking.

import * as api from "./api.js";
import { el } from "./dom.js";
import { count, date, duration, percent } from "./text.js";

const EVERY_MS = 3000;

export class Jobs {
  #room;
  #changed;
  #timer = 0;
  #asking = null;
  #on = false;
  #done = null;

  /** `changed` is called when more videos are done than before. */
  constructor(room, changed) {
    this.#room = room;
    this.#changed = changed;
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  start() {
    if (this.#on) return;
    this.#on = true;
    this.#tick();
  }

  stop() {
    this.#on = false;
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  async #tick() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (!this.#on || document.visibilityState !== "visible") return;
    const asking = new AbortController();
    this.#asking = asking;
    try {
      this.#put((await api.jobs(asking.signal)).jobs);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof api.Problem)) throw error;
      if (error.status === 401) {
        this.#on = false; // started again once the key is there
        return;
      }
      this.#room.replaceChildren(el("p", { class: "quiet" }, `Runs cannot be shown now: ${error.message}`));
    }
    this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
  }

  #put(jobs) {
    const done = jobs.map((job) => `${job.run_id} ${job.videos_done} ${job.videos_quarantined}`).join();
    if (this.#done !== null && done !== this.#done) this.#changed();
    this.#done = done;
    this.#room.replaceChildren(...(jobs.length ? [el("section", { class: "jobs", "aria-label": "Runs" },
      el("h2", {}, "Running now"), jobs.map(jobCard))] : []));
  }
}

function jobCard(job) {
  const bar = el("progress", { max: "1", value: job.progress === null ? null : String(job.progress), "aria-label": `Progress of ${job.source}` });
  const facts = [
    job.progress === null ? null : percent(job.progress),
    job.videos_done === null ? null : `${job.videos_done} of ${job.videos_found === null ? "?" : count(job.videos_found, "video")} done`,
    job.videos_quarantined ? `${job.videos_quarantined} in quarantine` : null,
    job.media_s ? `${duration(job.media_s)} of video indexed` : null,
    `since ${date(job.started_at)}`,
  ].filter(Boolean);
  const dashboard = dashboardLink(job.dashboard_url);
  return el("article", { class: "job" }, el("h3", { title: job.run_id }, job.what.includes(job.source) ? job.what : `${job.what} ${job.source}`), bar,
    el("p", { class: "facts" }, facts.join(" · "), dashboard && [" · ", dashboard]));
}

/** To where Ray shows the job, in a tab of its own; null where there is no such place. */
function dashboardLink(address) {
  if (!/^https?:/.test(address ?? "")) return null;
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, "Ray dashboard");
}
