// What keys do, and the help that says so.
//
// Always: a key that somebody types into a field is theirs.

import { button, byId, el } from "./dom.js";

const HELP = [
  ["← or j, → or k", "one version back, on"], ["Shift + ← →", "ten versions"], ["Home, End", "first version; newest, and follow"], ["space", "play, pause"],
  ["+ − 0", "zoom the timeline in, out, to all"], ["/", "search"], ["t", "to the tree; arrows move, open and close"], ["l", "to the list of changes"],
  ["c", "show in the tree what this change did"], ["p, n", "the selected place's change before, next"], ["1 … 5", "change, node, compare, bisect, health"],
  ["a, b", "take this version as A, as B, to compare; in a bisection, b is bad"], ["g, b", "with Bisect open: this version is good, is bad"], ["f", "follow new changes, or pause"], ["?", "this help"],
];

const VIEWS = ["change", "node", "compare", "bisect", "health"];

export function help() {
  const dialog = byId("dialog");
  const rows = HELP.flatMap(([keys, what]) => [el("dt", {}, el("kbd", {}, keys)), el("dd", {}, what)]);
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, "Keys"), el("dl", { class: "keys" }, ...rows), el("div", { class: "actions" }, button("Close", () => dialog.close(), { id: "dialog-cancel" })));
  dialog.showModal();
}

function commands(app) {
  const by = (step) => app.go(app.place.version + step);
  const view = Object.fromEntries(VIEWS.map((name, place) => [String(place + 1), () => app.view(name)]));
  const bisecting = () => app.place.view === "bisect";
  return {
    ArrowLeft: ({ shiftKey }) => by(shiftKey ? -10 : -1), ArrowRight: ({ shiftKey }) => by(shiftKey ? 10 : 1), j: () => by(-1), k: () => by(1),
    Home: () => app.go(app.oldest), End: () => app.live.resume(), " ": () => app.play.toggle(), "+": () => app.timeline.zoom(0.5), "=": () => app.timeline.zoom(0.5),
    "-": () => app.timeline.zoom(2), 0: () => app.timeline.all(), "/": () => app.search.focus(), t: () => app.tree.focus(), l: () => app.changes.focus(),
    c: () => app.change.reveal(), p: () => app.jump(true), n: () => app.jump(false), f: () => app.live.toggle(), "?": help,
    a: () => app.compare.take("a", app.place.version), g: () => bisecting() && app.bisect.mark("good"),
    b: () => (bisecting() ? app.bisect.mark("bad") : app.compare.take("b", app.place.version)), ...view,
  };
}

/** Whether what has the focus has a use of its own for the key. */
function isTheirs(target, key) {
  if (target.closest("input, select, textarea, dialog")) return true;
  const isButton = target.closest("button, summary, [role=tab]");
  return Boolean(isButton) && (key === " " || key === "Enter" || (isButton.getAttribute("role") === "tab" && key.startsWith("Arrow")));
}

export function listen(app) {
  const known = commands(app);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (byId("dialog").open || isTheirs(event.target, event.key) || !Object.hasOwn(known, event.key)) return;
    event.preventDefault();
    known[event.key](event);
  });
  byId("help").onclick = help;
}
