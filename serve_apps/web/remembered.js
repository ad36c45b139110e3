// Small choices that this browser keeps. Where it keeps nothing for us they hold for this page.

/** What was kept under this name, or null. */
export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a choice. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds for this page then.
  }
}
