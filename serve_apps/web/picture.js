// A picture to search by: chosen, dropped or pasted. Its bytes stay in this page; the address only names it.

import { byId, el, show } from "./dom.js";
import { notice } from "./notice.js";
import { go } from "./url_state.js";

const TAKEN = new Set(["image/jpeg", "image/png", "image/webp"]); // what the service reads
const LONGEST_SIDE = 1600; // px of a picture made smaller: the models look at a few hundred
const REMEMBERED = 8; // pictures that back and forward find again; each may have some MiB
const pictures = new Map(); // id -> {blob, name}, the latest last
let shown = { id: "", url: "" };
let mostBytes = 8 * 2 ** 20;

/** The picture of this id; undefined after the page was loaded again. */
export function picture(id) {
  return pictures.get(id);
}

/** The largest picture that the service takes. */
export function limitTo(mib) {
  mostBytes = mib * 2 ** 20;
}

/** Begins to listen for pictures. */
export function start() {
  const input = byId("picture-file");
  byId("pick-picture").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(Array.from(input.files));
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const files = Array.from(event.clipboardData?.files || []);
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  let inside = 0; // enter and leave come for each element below the pointer
  const carriesFiles = (event) => Array.from(event.dataTransfer?.types || []).includes("Files");
  addEventListener("dragenter", (event) => {
    if (carriesFiles(event)) show(byId("drop-here"), (inside += 1) > 0);
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event)) show(byId("drop-here"), (inside -= 1) > 0);
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    inside = 0;
    show(byId("drop-here"), false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    take(Array.from(event.dataTransfer.files));
  });
}

async function take(files) {
  const file = files.find((each) => each.type.startsWith("image/"));
  if (!file) {
    notice("That is no picture. JPEG, PNG and WebP work.");
    return;
  }
  const blob = TAKEN.has(file.type) && file.size <= mostBytes ? file : await asJpeg(file);
  if (!blob) {
    notice(`${file.name || "The picture"} cannot be read as a picture. JPEG, PNG and WebP work.`);
    return;
  }
  const id = crypto.randomUUID ? crypto.randomUUID() : String(Date.now());
  pictures.set(id, { blob, name: file.name || "Pasted picture" });
  if (pictures.size > REMEMBERED) pictures.delete(pictures.keys().next().value);
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  go({ view: "", picture: id, q: byId("q").value, scene: "", like: "", watch: "", t: "" });
}

/** Another format, or too many bytes: drawn anew. Null for what the browser cannot read either. */
async function asJpeg(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = el("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

/** Shows the picture of a state in the search box. */
export function put(state) {
  const chip = byId("picture-chip");
  const held = pictures.get(state.picture);
  const id = held ? state.picture : "";
  if (id === shown.id) return;
  if (shown.url) URL.revokeObjectURL(shown.url); // else the browser keeps the bytes as long as the page
  shown = { id, url: held ? URL.createObjectURL(held.blob) : "" };
  show(chip, Boolean(held));
  chip.replaceChildren();
  if (!held) return;
  chip.append(el("img", { src: shown.url, alt: `Searched by: ${held.name}` }),
    el("button", { type: "button", "aria-label": "Take the picture away", on: { click: () => go({ picture: "" }) } }, "×"));
}
