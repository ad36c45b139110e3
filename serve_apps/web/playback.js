// The <video> element: starts at a moment, outlives addresses that expire, stops at a scene's end if asked to,
// and says what to do where the browser cannot play a video.

import { Problem, problemOf } from "./api.js";
import { byId, el, setAddress } from "./dom.js";
import { notice } from "./notice.js";
import { remember, remembered } from "./remembered.js";

const INTO = 0.01; // s: times are stored to the millisecond, and a frame that begins half a millisecond later is the scene's
const RENEWED_LATELY = 4000; // ms: an address that fails so soon after it was renewed has not expired
const STOP = "footage-stop-at-end";
const BEFORE_END = 0.03; // s: a frame lasts about as long, so that the next scene's first frame is not shown
const PAST_END = 0.05; // s: more than BEFORE_END, so that who plays on at the end of a scene sees the next one

export class Playback {
  codec = "";
  scenes = [];
  #video;
  #say;
  #fresh = null;
  #address = "";
  #time = 0;
  #wantsPlay = false;
  #renewed = 0;
  #stopAt = null;

  constructor(video, say) {
    this.#video = video;
    this.#say = say;
    const stop = byId("stop-at-end");
    stop.checked = remembered(STOP) === "yes";
    stop.addEventListener("change", () => {
      remember(STOP, stop.checked ? "yes" : "no");
      this.#aim();
    });
    video.addEventListener("timeupdate", () => {
      if (video.readyState >= 1 && !video.error) this.#time = video.currentTime;
      this.#stopIfReached();
    });
    video.addEventListener("play", () => {
      this.#wantsPlay = true;
      this.#aim();
      this.#watchEnd();
    });
    video.addEventListener("pause", () => {
      if (!video.error) this.#wantsPlay = false;
    });
    video.addEventListener("seeked", () => this.#aim());
    video.addEventListener("playing", () => this.#say(null));
    video.addEventListener("error", () => {
      if (this.#fresh) this.#failed();
    });
  }

  /** The moment that is shown, or will be once the video has come. */
  get time() {
    return this.#video.readyState >= 1 ? this.#video.currentTime : this.#time;
  }

  /** Begins at a moment. `fresh` asks for a new address of the same video. */
  start(address, seconds, fresh) {
    this.#fresh = fresh;
    this.#renewed = 0;
    this.#time = seconds;
    this.#wantsPlay = true;
    this.#load(address, seconds ? seconds + INTO : 0);
  }

  /** Goes to a moment. */
  seek(seconds) {
    const time = seconds ? seconds + INTO : 0;
    this.#time = time;
    if (this.#video.readyState >= 1) this.#video.currentTime = time;
    else this.#begin = time;
  }

  play() {
    this.#video.play().catch((error) => {
      // Without a click on the page browsers do not play sound: it stands at the moment then. Other reasons come as `error`.
      if (error.name === "NotAllowedError") this.#wantsPlay = false;
    });
  }

  /**
   * Subtitles of the whole video, off until they are switched on in the browser's controls, which is when they are
   * fetched. `fresh` asks for a new address, as this one may have expired by then.
   */
  captions(address, language, fresh, again = false) {
    const track = el("track", { kind: "captions", label: "Transcript", srclang: language || "en" });
    track.addEventListener("error", async () => {
      if (again) {
        notice("The subtitles do not come. The transcript is beside the video.");
        return;
      }
      try {
        const renewed = await fresh();
        if (track.isConnected) this.captions(renewed, language, fresh, true); // else another video was opened meanwhile
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        notice(`The subtitles do not come: ${error.message}`);
      }
    });
    setAddress(track, "src", address);
    this.#video.replaceChildren(track); // a new element: one that failed does not ask the same address again
    if (again) track.track.mode = "showing";
  }

  /** Ends it and lets the connection go. */
  stop() {
    this.#fresh = null;
    this.scenes = [];
    this.#stopAt = null;
    this.#video.pause();
    this.#video.removeAttribute("src");
    this.#video.replaceChildren();
    this.#video.load();
  }

  #begin = 0;

  #load(address, seconds) {
    this.#address = address.split("#")[0]; // the fragment would end the playing; that is for the checkbox to say
    this.#begin = seconds;
    this.#video.addEventListener("loadedmetadata", () => {
      this.#video.currentTime = this.#begin;
      if (this.#wantsPlay) this.play();
    }, { once: true });
    setAddress(this.#video, "src", this.#address);
    this.#video.load();
  }

  async #failed() {
    if (Date.now() - this.#renewed < RENEWED_LATELY) {
      this.#say(await this.#reason());
      return;
    }
    this.#renewed = Date.now();
    const fresh = this.#fresh;
    try {
      const address = await fresh();
      if (fresh === this.#fresh) this.#load(address, this.#time); // else another video was opened meanwhile
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#say({ words: error.message, again: () => this.#again() });
    }
  }

  #again() {
    this.#renewed = 0;
    this.#say(null);
    this.#failed();
  }

  /** Whether the bytes are there, which the element does not tell apart from a format that it does not know. */
  async #reason() {
    const again = () => this.#again();
    let answer;
    try {
      answer = await fetch(this.#address, { headers: { Range: "bytes=0-0" }, redirect: "manual" });
    } catch {
      return { words: "The video does not come: the service, or the network, does not answer.", again };
    }
    if (answer.ok || answer.type === "opaqueredirect") {
      const format = this.codec ? ` (${this.codec})` : "";
      return { words: `This browser cannot play the format of this video${format}. Another browser may; or download it and `
        + "open it with VLC; or give footage a copy in H.264 MP4, which all browsers play. The transcript and the scenes are here.",
      again };
    }
    return { words: (await problemOf(answer)).message, again };
  }

  #aim() {
    const time = this.#video.currentTime + PAST_END;
    const scene = this.scenes.find((each) => each.start_s <= time && time < each.end_s);
    this.#stopAt = byId("stop-at-end").checked && scene ? scene.end_s : null;
  }

  #watchEnd() {
    this.#stopIfReached();
    if (!this.#video.paused && this.#fresh) requestAnimationFrame(() => this.#watchEnd());
  }

  #stopIfReached() {
    if (this.#stopAt === null || this.#video.paused || this.#video.currentTime < this.#stopAt - BEFORE_END) return;
    this.#stopAt = null;
    this.#video.pause();
  }
}
