// Making elements. What is shown is text always: there is no way from here to HTML, whatever a transcript says.

const ADDRESSES = new Set(["href", "src", "poster"]);
const SCHEMES = new Set(["http:", "https:", "blob:", "data:"]);

/** The element with this id; a missing one is a bug of the page. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** A new element. `on` holds event handlers, `data` the dataset; null and false leave an attribute or child out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (ADDRESSES.has(name)) setAddress(made, name, value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Sets an address, unless it is one that would run a script. */
export function setAddress(element, name, address) {
  if (SCHEMES.has(new URL(address, location.href).protocol)) element.setAttribute(name, address);
}

/** A button that does something. */
export function button(label, handler, attributes = {}) {
  return el("button", { type: "button", on: { click: handler }, ...attributes }, label);
}

/** Whether a click on a link is ours: with a key held it is the browser's, for a tab or a window. */
export function plainClick(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return false;
  event.preventDefault();
  return true;
}

/** Offers [value, words] after the first option, which is none; what is chosen stays so. */
export function offer(select, pairs) {
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...pairs.map(([value, words]) => el("option", { value }, words)));
  choose(select, chosen);
}

/** Chooses a value, even one that is not offered, as an address may name it. */
export function choose(select, value) {
  if (value && !Array.from(select.options).some((option) => option.value === value)) {
    select.append(el("option", { value }, value));
  }
  select.value = value;
}

/** Shows or hides. */
export function show(element, visible) {
  element.hidden = !visible;
}
