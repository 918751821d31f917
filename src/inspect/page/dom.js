// Elements, made of text and of each other.
//
// Always: whatever comes from a store becomes a text node and nothing else; characters that cannot be seen are shown by their names.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element. Functions among its properties are set as they are, `class` and all else as attributes; false leaves one out. */
export function el(tag, properties = {}, ...children) {
  return dress(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), properties, children);
}

function dress(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === undefined || value === null) continue;
    if (typeof value === "function") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const button = (text, onclick, properties = {}) => el("button", { type: "button", onclick, ...properties }, text);

/** Shows other parts; who had the focus by its name has it again. */
export function refill(panel, ...parts) {
  const { id } = panel.contains(document.activeElement) ? document.activeElement : {};
  panel.replaceChildren(...parts);
  if (id && id !== panel.id) byId(id)?.focus({ preventScroll: true });
}

export const heard = (text) => el("span", { class: "hidden" }, text);

/** Controls, marks of direction, and what has no width: with these a text can look like another one. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const nameOf = (character) => NAMED[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`;

/** A text from the store, as an element that holds it. */
export function shown(text, name = "text") {
  const held = el("bdi", { class: name });
  let end = 0;
  for (const match of text.matchAll(UNSEEN)) {
    held.append(text.slice(end, match.index), el("span", { class: "unseen" }, nameOf(match[0])));
    end = match.index + match[0].length;
  }
  held.append(text.slice(end));
  return held;
}

/** The same where only a text can stand, like a tooltip. */
export const plain = (text) => text.replace(UNSEEN, nameOf);
