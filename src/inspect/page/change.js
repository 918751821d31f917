// One change: who made it, when, what it did and what would take it back; and for what another writer submitted, what became of it.

import { button, byId, el, refill, shown } from "./dom.js";
import { patchOf, writtenOf } from "./patch.js";
import { ago, count, several, when } from "./text.js";

export class Change {
  #app;
  #panel = byId("panel-change");
  told = null;

  constructor(app) {
    this.#app = app;
  }

  async show(version) {
    if (version <= this.#app.oldest) return this.#none(version);
    const told = await this.#app.api.get(`change/${version}`);
    this.told = told;
    const parts = [this.#title(told), this.#facts(told), this.#actions(told), ...this.#did(told), ...merged(told.merged), ...inverse(told), ...metaOf(told)];
    refill(this.#panel, ...parts);
  }

  #none(version) {
    this.told = null;
    const why = version === 0 ? "The history begins here, with nothing." : "What came before has been given up by compaction.";
    this.#panel.replaceChildren(el("h3", {}, `Version ${count(version)}`), el("p", { class: "faint" }, why));
  }

  #title({ version, label, kind }) {
    const text = label ? shown(label) : el("span", { class: "faint" }, "no label");
    return el("h3", {}, el("span", { class: "number" }, count(version)), text, kind !== "change" && el("span", { class: `kind ${kind}` }, kind));
  }

  #facts({ writer, time, patches }) {
    const facts = [
      ["by", shown(writer ?? "unknown")],
      ["at", el("time", { datetime: new Date(time).toISOString() }, `${when(time)}, ${ago(time)}`)],
      ["did", several(patches, "patch", "patches")],
    ];
    return el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  #actions({ version }) {
    const actions = [button("Show in state", () => this.reveal()), button("As A", () => this.#app.compare.take("a", version)), button("As B", () => this.#app.compare.take("b", version))];
    if (this.#app.writes) {
      actions.push(button("Undo…", () => this.#app.undo.ask("undo", version), { id: "undo" }));
      if (version !== this.#app.newest) actions.push(button("Restore…", () => this.#app.undo.ask("restore", version), { id: "restore" }));
    }
    return el("div", { class: "actions" }, ...actions);
  }

  #did({ patch, more }) {
    const list = patchOf(patch, (path) => this.#app.reveal(path));
    const rest = more && el("p", { class: "faint" }, `Only the first ${count(patch.length)} are shown.`);
    return [el("h4", {}, "Patches"), list, rest, written("as JSON", patch)].filter(Boolean);
  }

  reveal() {
    const first = this.told?.patch[0];
    if (first) this.#app.reveal(first.path);
  }
}

function written(summary, operations) {
  if (operations.length === 0) return null;
  return el("details", {}, el("summary", {}, summary), writtenOf(operations.map(({ text }) => text)));
}

function inverse({ inverse }) {
  const list = inverse?.length && el("details", { class: "inverse" }, el("summary", {}, "Inverse"), writtenOf(inverse.map(({ text }) => text)));
  return list ? [list] : [];
}

function merged(told) {
  if (!told) return [];
  const notes = told.notes.length ? [el("h4", {}, "Notes"), el("ul", { class: "notes" }, ...told.notes.map((note) => el("li", {}, shown(note))))] : [];
  const facts = el("p", {}, `Submitted on version ${count(told.base)}: `, el("strong", {}, shown(told.outcome)));
  return [el("h4", {}, "Merge"), facts, ...notes, el("details", {}, el("summary", {}, "As submitted"), writtenOf(told.original))];
}

function metaOf({ meta }) {
  const rows = Object.entries(meta ?? {});
  if (rows.length === 0) return [];
  const text = (value) => shown(typeof value === "string" ? value : JSON.stringify(value));
  return [el("details", {}, el("summary", {}, "Metadata"), el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, shown(name)), el("dd", {}, text(value))])))];
}
