// The player: a dialog that starts at the moment, with the scenes on a time line and the transcript beside it.

import * as api from "./api.js";
import { byId, el, plainClick, setAddress, show } from "./dom.js";
import { notice } from "./notice.js";
import { Playback } from "./playback.js";
import { Script } from "./script.js";
import { clockRange } from "./text.js";
import { TimeLine } from "./timeline.js";
import { addressWith, go, leavePlayer, secondsText } from "./url_state.js";

const SCENES_PAGE = 100;

export class Player {
  #dialog = byId("player");
  #video = byId("video");
  #playback = new Playback(this.#video, (problem) => this.#say(problem));
  #timeLine = new TimeLine(byId("time-line"), byId("scene-strip"), (scene) => this.toScene(scene));
  #script = new Script(byId("script"), (seconds) => this.#seek(seconds));
  #copyButton = byId("copy-link");
  #videoId = "";
  #filledBy = ""; // the video whose scenes and words stand there, also while the player is closed
  #asking = null;
  #frame = 0;

  constructor() {
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // the address closes it, so that back and forward stay right
      leavePlayer();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) leavePlayer();
    });
    this.#dialog.addEventListener("close", () => {
      if (!this.isOpen && this.#videoId) this.#end(); // closed by others, such as the sign-in
    });
    byId("close-player").addEventListener("click", () => leavePlayer());
    byId("copy-link").addEventListener("click", () => this.copyLink());
    byId("previous-scene").addEventListener("click", () => this.step(-1));
    byId("next-scene").addEventListener("click", () => this.step(1));
    byId("player-like").addEventListener("click", () => this.#ask("like"));
    byId("player-picture").addEventListener("click", () => this.#ask("scene"));
    byId("subtitles-vtt").addEventListener("click", (event) => this.#download(event, "subtitles_vtt_url"));
    byId("subtitles-srt").addEventListener("click", (event) => this.#download(event, "subtitles_srt_url"));
    for (const event of ["timeupdate", "seeked", "play", "pause"]) {
      this.#video.addEventListener(event, () => this.#follow());
    }
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Opens a video at a moment, or goes to it. `known`: {name, play_url} of a hit, to begin without asking. */
  async show(videoId, seconds, known = null) {
    if (videoId === this.#videoId && this.isOpen) {
      this.#seek(seconds);
      return;
    }
    this.close();
    this.#videoId = videoId;
    this.#say(null);
    if (videoId !== this.#filledBy) this.forget(); // else it would flicker: the same comes again
    if (known) byId("player-name").textContent = known.name;
    this.#dialog.showModal();
    byId("player-name").focus();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    if (known) {
      this.#playback.start(known.play_url, seconds, () => this.#freshAddress());
      this.#follow();
    }
    try {
      const detail = await api.video(videoId, signal);
      byId("player-name").textContent = detail.name;
      byId("player-name").title = detail.source_uris.join("\n");
      setAddress(byId("subtitles-vtt"), "href", detail.subtitles_vtt_url);
      setAddress(byId("subtitles-srt"), "href", detail.subtitles_srt_url);
      this.#playback.codec = detail.video_codec;
      if (!known) this.#playback.start(detail.play_url, seconds, () => this.#freshAddress());
      this.#playback.captions(detail.subtitles_vtt_url, detail.language, async () => (await api.video(videoId)).subtitles_vtt_url);
      this.#playback.scenes = detail.scenes;
      this.#timeLine.put(detail.scenes, detail.duration_s ?? 0);
      this.#filledBy = videoId;
      this.#follow();
      await this.#loadScript(videoId, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof api.Problem)) throw error;
      this.#say({ words: error.message, again: () => { this.#videoId = ""; this.show(videoId, seconds); } });
    }
  }

  async #loadScript(videoId, signal) {
    let cursor = null;
    do {
      const params = [["limit", String(SCENES_PAGE)]];
      if (cursor) params.push(["cursor", cursor]);
      const page = await api.scenesOf(videoId, params, signal);
      if (!cursor) this.#script.clear();
      this.#script.add(page.scenes);
      this.#follow();
      cursor = page.next_cursor;
    } while (cursor);
    this.#script.end();
  }

  /** Saves a file by a new address: the link's own may have expired since the player was opened. */
  async #download(event, address) {
    if (!plainClick(event)) return;
    try {
      el("a", { href: (await api.video(this.#videoId))[address], download: true }).click();
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      notice(error.message);
    }
  }

  async #freshAddress() {
    return (await api.video(this.#videoId)).play_url;
  }

  /** Closes it; the browser puts the focus back to where it was. */
  close() {
    if (!this.isOpen) return;
    this.#end();
    this.#dialog.close();
  }

  #end() {
    this.#asking?.abort();
    this.#playback.stop();
    cancelAnimationFrame(this.#frame);
    this.#videoId = "";
  }

  /** Empties it; else the video that was shown last stays in it while it is closed. */
  forget() {
    this.#filledBy = "";
    byId("player-name").textContent = "…";
    byId("player-name").title = "";
    for (const id of ["subtitles-vtt", "subtitles-srt"]) byId(id).removeAttribute("href");
    this.#timeLine.put([], 0);
    this.#script.clear();
  }

  /** To the scene that is `by` scenes further. */
  step(by) {
    const scene = this.#timeLine.neighbour(by);
    if (scene) this.toScene(scene);
  }

  /** To the start of a scene; the address follows. */
  toScene(scene) {
    go({ t: secondsText(scene.start_s) }, { replace: true });
  }

  /** Seconds on, or back. */
  skip(seconds) {
    this.#video.currentTime = Math.max(0, this.#video.currentTime + seconds);
  }

  playOrPause() {
    if (this.#video.paused) this.#playback.play();
    else this.#video.pause();
  }

  /** A link to this moment into the clipboard; or into a field, where that is not allowed. */
  async copyLink() {
    const link = new URL(addressWith({ t: secondsText(this.#playback.time) }), location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      notice("A link to this moment is copied.");
    } catch {
      const field = el("input", { class: "link-field", value: link, readonly: true, "aria-label": "Link to this moment" });
      if (!this.#copyButton.isConnected) return; // the field is there already
      this.#copyButton.replaceWith(field); // plain http: browsers give no clipboard to it
      field.select();
      field.addEventListener("blur", () => field.replaceWith(this.#copyButton), { once: true });
    }
  }

  #ask(what) {
    const scene = this.#timeLine.current;
    if (!scene) return;
    const empty = { q: "", scene: "", like: "", picture: "", view: "", watch: "", t: "" };
    go({ ...empty, [what]: scene.scene_id });
  }

  #seek(seconds) {
    this.#playback.seek(seconds);
    this.#follow();
  }

  #follow() {
    cancelAnimationFrame(this.#frame);
    if (!this.isOpen) return;
    const time = this.#playback.time;
    const scene = this.#timeLine.follow(time);
    this.#script.follow(time);
    byId("time-line").title = scene ? clockRange(scene.start_s, scene.end_s) : "";
    if (!this.#video.paused) this.#frame = requestAnimationFrame(() => this.#follow());
  }

  #say(problem) {
    const box = byId("player-problem");
    show(box, Boolean(problem));
    box.replaceChildren();
    if (!problem) return;
    box.append(el("p", {}, problem.words),
      problem.again ? el("button", { type: "button", class: "primary", on: { click: problem.again } }, "Try again") : "");
  }
}

/** The state's moment in seconds. */
export function moment(state) {
  const seconds = Number(state.t);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
