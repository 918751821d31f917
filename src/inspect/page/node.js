// The place that is selected: what is there, as a row and as JSON, which change set it, and its life.

import { button, byId, el, refill, shown } from "./dom.js";
import { Life } from "./life.js";
import { ago, count } from "./text.js";

export class NodePanel {
  #app;
  #panel = byId("panel-node");
  #life;
  #raw = false;
  #wanted = 0;

  constructor(app) {
    this.#app = app;
    this.#life = new Life(app);
  }

  /** Asked for only where it is seen. */
  async show() {
    const { path, version } = this.#app.place;
    const wanted = (this.#wanted += 1);
    const [blame, node] = await Promise.all([
      this.#app.api.get("blame", { path, at: version }),
      this.#app.tree.told(path) ?? this.#app.api.get("node", { at: version, path, limit: 1 }).catch(isMissing),
      this.#life.load(path, version),
    ]);
    if (wanted !== this.#wanted) return;
    refill(this.#panel, this.#title(path), this.#facts(node), this.#actions(node), this.#blame(blame), ...this.#life.parts(), this.#json(node));
  }

  #title(path) {
    return el("h3", { class: "mono" }, path === "" ? "(root)" : shown(path, "path"));
  }

  #facts(node) {
    if (!node) return el("p", { class: "faint", id: "gone" }, "Not there in this version.");
    const size = node.kind === "list" || node.kind === "map" ? `, ${count(node.size)}` : "";
    return el("p", { class: "now" }, el("span", { class: "faint" }, `${node.kind}${size} `), shown(node.preview, `value ${node.kind}`));
  }

  #actions(node) {
    const { path, version } = this.#app.place;
    const copyValue = async () => this.#app.copy(await this.#app.api.text("value", { at: version, path }), "the value");
    return el(
      "div",
      { class: "actions" },
      button("Copy pointer", () => this.#app.copy(path, "the JSON Pointer"), { id: "copy-pointer" }),
      node && button("Copy value", () => copyValue().catch((error) => this.#app.trouble(error)), { id: "copy-value" }),
      button("Changes of it", () => this.#app.filter({ path })),
    );
  }

  #blame({ change }) {
    if (!change) return el("p", { class: "faint", id: "blame" }, "No change of the kept history set this.");
    const go = button(`version ${count(change.version)}`, () => this.#app.go(change.version), { class: "link" });
    const label = change.label ? [" “", shown(change.label), "”"] : [];
    return el("p", { id: "blame" }, "Set by ", shown(change.writer ?? "unknown"), " in ", go, ...label, `, ${ago(change.time)}`);
  }

  #json(node) {
    const held = el("pre", { class: "raw", id: "raw", tabindex: 0 });
    const details = el("details", { open: this.#raw && Boolean(node) }, el("summary", {}, "Raw JSON"), held);
    const { path, version } = this.#app.place;
    const load = () => this.#app.api.text("value", { at: version, path }).then((text) => held.replaceChildren(...linesOf(text)), (error) => (held.textContent = error.message));
    details.addEventListener("toggle", () => {
      this.#raw = details.open;
      if (details.open && node) load();
    });
    return details;
  }
}

const LINES_MAX = 5000;

/** A long text is shown up to where a browser would get slow; all of it can be copied. */
function linesOf(text) {
  const lines = text.split("\n");
  const rest = lines.length > LINES_MAX ? [el("div", { class: "faint" }, `… ${count(lines.length - LINES_MAX)} more lines; Copy value has all.`)] : [];
  return [...lines.slice(0, LINES_MAX).map((line) => el("div", {}, shown(line))), ...rest];
}

function isMissing(error) {
  if (error.status === 404) return null;
  throw error;
}
