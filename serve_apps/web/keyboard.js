// The whole page by keys.

import { byId } from "./dom.js";
import { remember, remembered } from "./remembered.js";

const OFF = "footage-single-keys";

/** Begins to listen. `player` is asked whether it is open; `like(card)` shows scenes like that of a card. */
export function start(player, like) {
  const help = byId("help");
  const single = byId("keys-on");
  single.checked = remembered(OFF) !== "off";
  single.addEventListener("change", () => remember(OFF, single.checked ? "on" : "off"));
  byId("help-button").addEventListener("click", () => openHelp());
  byId("close-help").addEventListener("click", () => help.close());
  help.addEventListener("click", (event) => {
    if (event.target === help) help.close();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && document.activeElement === byId("q")) byId("q").blur();
    if (isTyping(event.target) || byId("login").open || help.open || !single.checked) return;
    const act = player.isOpen ? inPlayer(event) : onPage(event);
    if (!act) return;
    event.preventDefault();
    act();
  });

  function onPage(event) {
    const card = focusedCard();
    switch (event.key) {
      case "/": return () => { byId("q").focus(); byId("q").select(); };
      case "?": return openHelp;
      case "j": case "ArrowDown": return step(1, event);
      case "k": case "ArrowUp": return step(-1, event);
      case "s": return card && (() => like(card));
      case " ": return card && event.target.tagName === "A" ? () => card.querySelector("a.thumb").click() : null;
      default: return null;
    }
  }

  function inPlayer(event) {
    const onButton = event.target.closest("button, a, summary, video");
    switch (event.key) {
      case " ": return onButton ? null : () => player.playOrPause(); // a button is pressed by it, and so is the video
      case "ArrowLeft": return event.target.tagName === "VIDEO" ? null : () => player.skip(-5);
      case "ArrowRight": return event.target.tagName === "VIDEO" ? null : () => player.skip(5);
      case "j": return () => player.step(1);
      case "k": return () => player.step(-1);
      case "c": return () => player.copyLink();
      case "?": return openHelp;
      default: return null;
    }
  }

  function openHelp() {
    if (!help.open) help.showModal();
    byId("help-title").focus();
  }
}

function step(by, event) {
  const cards = Array.from(document.querySelectorAll("#search-view:not([hidden]) article.scene"));
  const at = cards.indexOf(focusedCard());
  // Arrows scroll the page as ever while something else has the focus; j and k always go to one.
  if (!cards.length || (at < 0 && event.key.startsWith("Arrow") && document.activeElement !== document.body)) return null;
  const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : at + by];
  if (!next) return null;
  return () => {
    next.querySelector("a.thumb").focus();
    next.scrollIntoView({ block: "nearest" });
  };
}

function focusedCard() {
  return document.activeElement?.closest("article.scene") ?? null;
}

function isTyping(element) {
  return element.matches("input:not([type=checkbox]), select");
}
