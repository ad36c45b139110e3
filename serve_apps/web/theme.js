// Light, dark or as the system has it. A classic script in <head>, so that the page is never drawn in the wrong colours.
"use strict";

(() => {
  const CHOICES = ["auto", "light", "dark"];
  const root = document.documentElement;

  function remembered() {
    try {
      const choice = localStorage.getItem("footage-theme");
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto"; // storage is switched off: the system's colours then
    }
  }

  function apply(choice) {
    root.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[choice];
      button.setAttribute("aria-label", `Colours: ${choice}. Change`);
    }
  }

  apply(remembered());
  document.addEventListener("DOMContentLoaded", () => {
    apply(remembered());
    document.getElementById("theme").addEventListener("click", () => {
      const next = CHOICES[(CHOICES.indexOf(root.dataset.theme) + 1) % CHOICES.length];
      try {
        localStorage.setItem("footage-theme", next);
      } catch {
        // It holds for this page then.
      }
      apply(next);
    });
  });
})();
