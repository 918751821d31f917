// What operations did, each with its sign, its place, and old -> new.

import { el, heard, shown } from "./dom.js";
import { DONE, SIGNS } from "./text.js";

/** `go` is called with a place that was chosen, if places can be. */
export function patchOf(operations, go) {
  return el("ol", { class: "patch" }, ...operations.map((operation) => operationOf(operation, go)));
}

function operationOf({ op, path, old, new: now }, go) {
  const did = DONE[op] ?? "changed";
  const place = path === "" ? el("span", { class: "path" }, "(root)") : shown(path, "path");
  const head = go ? el("button", { type: "button", class: "place", onclick: () => go(path) }, place) : place;
  return el("li", { class: `did ${did}` }, el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[did]), heard(`${did} `), head, valuesOf(old, now));
}

export function valuesOf(old, now) {
  const there = (value) => value !== null && value !== undefined;
  return el(
    "div",
    { class: "values" },
    there(old) && el("del", {}, shown(old)),
    there(old) && there(now) && el("span", { class: "faint", "aria-hidden": "true" }, " → "),
    there(now) && el("ins", {}, shown(now)),
  );
}

/** The operations as they are written, one on a line. */
export function writtenOf(texts) {
  return el("pre", { class: "raw", tabindex: 0 }, ...texts.map((text) => el("div", {}, shown(text))));
}
