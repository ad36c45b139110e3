// Signing in: asked for when the service says 401, kept for this tab.

import * as api from "./api.js";
import { byId, show } from "./dom.js";

const REFUSED = "The service does not accept this key: it is mistyped, or it expired or was revoked meanwhile.";

/** Begins to listen. `signedIn` is called with Me when a key was accepted. */
export function start(signedIn) {
  const dialog = byId("login");
  const field = byId("login-key");
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // without a key there is nothing to go back to
  document.addEventListener("key-needed", (event) => {
    const { refused, background } = event.detail;
    const other = document.querySelector("dialog[open]:not(#login)");
    // What nobody asked for does not interrupt: a video plays on, and the key is asked for after it.
    if (background && other) other.addEventListener("close", () => askForKey(refused), { once: true });
    else askForKey(refused);
  });

  function askForKey(refused) {
    api.keepKey(null);
    show(byId("sign-out"), false);
    if (refused) byId("login-reason").textContent = REFUSED;
    document.querySelectorAll("dialog[open]:not(#login)").forEach((other) => other.close());
    if (!dialog.open) dialog.showModal();
    field.focus();
  }

  byId("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = field.value.trim();
    if (!/^[\x21-\x7e]+$/.test(given)) { // nothing that a header could carry, so no key either
      byId("login-reason").textContent = REFUSED;
      return;
    }
    api.keepKey(given);
    try {
      const who = await api.me();
      field.value = "";
      byId("login-reason").textContent = "";
      dialog.close();
      signedIn(who);
    } catch (error) {
      if (!(error instanceof api.Problem)) throw error;
      if (error.status !== 401) byId("login-reason").textContent = error.message; // of a 401 it was said above
    }
  });
  byId("sign-out").addEventListener("click", () => {
    api.keepKey(null);
    location.assign("/"); // nothing of the old workspace stays in memory
  });
}

/** Shows whose workspace this is. */
export function put(who) {
  byId("workspace").textContent = who.workspace;
  byId("workspace").title = `Workspace ${who.workspace}, ${who.role}`;
  show(byId("workspace"), true);
  show(byId("sign-out"), who.key_id !== null);
}
