// Elements built by hand: a text is always text, and an address that could run a script is no address.

const SVG = "http://www.w3.org/2000/svg";
const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown", "ontoggle"];
const SCHEMES = ["http:", "https:"];

/** An HTML element; null, undefined and false are left out, among the attributes as among the children. */
export function h(name, attributes = {}, ...children) {
  return built(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function svg(name, attributes = {}, ...children) {
  return built(document.createElementNS(SVG, name), attributes, children);
}

/** A link; only its label where the address is none that a link may have. */
export function link(address, label, attributes = {}) {
  return isAddress(address) ? h("a", { href: address, ...attributes }, label) : h("span", {}, label);
}

export function isAddress(address) {
  if (typeof address !== "string" || !address) return false;
  try {
    return SCHEMES.includes(new URL(address, document.baseURI).protocol);
  } catch {
    return false;
  }
}

function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (HANDLERS.includes(name)) node[name] = value;
    else if (name === "style")
      for (const [property, size] of Object.entries(value)) node.style.setProperty(property, size);
    else if (name !== "href" || isAddress(value)) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Make `from` look like `to` and change only what differs, so that focus, selection, scroll and what somebody typed or
 * folded open stay. A child with `data-key` is found again wherever it stands; one with `data-keep` stays as it is.
 */
export function morph(from, to) {
  const focused = document.activeElement;
  changed(from, to);
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function changed(from, to) {
  if (to.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (to.dataset.keep !== undefined) return;
  attributes(from, to);
  for (const name of HANDLERS) if (from[name] !== to[name]) from[name] = to[name];
  children(from, to);
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) === value) continue;
    if (name === "style")
      from.style.cssText = value; // The policy lets a script set a style, and forbids the attribute.
    else from.setAttribute(name, value);
  }
  if (from.nodeName === "INPUT") answered(from, to);
}

/** What somebody typed or ticked is no attribute; while they type it is theirs. */
function answered(from, to) {
  if (from.checked !== to.checked) from.checked = to.checked;
  if (from !== document.activeElement && from.value !== to.value) from.value = to.value;
}

function children(from, to) {
  const wanted = [...to.childNodes];
  const keys = new Set(wanted.map(keyOf));
  const known = new Map();
  for (const child of [...from.childNodes]) {
    const key = keyOf(child);
    if (key && !keys.has(key)) child.remove();
    else if (key) known.set(key, child);
  }
  let place = from.firstChild;
  for (const child of wanted) {
    const found = keyOf(child) ? known.get(keyOf(child)) : alike(place, child);
    if (found && found === place) place = place.nextSibling;
    else from.insertBefore(found ?? child, place);
    if (found) changed(found, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(place, child) {
  return place && !keyOf(place) && place.nodeName === child.nodeName ? place : undefined;
}

function keyOf(node) {
  return node.dataset?.key;
}
