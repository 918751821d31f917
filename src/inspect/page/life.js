// The life of a place: the changes that touched it, along the history, and the ways from one to the next.

import { button, el, heard, shown, svg } from "./dom.js";
import { valuesOf } from "./patch.js";
import { ago, count, several, when } from "./text.js";

const LIMIT = 50;
const [WIDTH, HEIGHT] = [300, 26];

export class Life {
  #app;
  #changes = [];
  #more = false;
  #path = "";

  constructor(app) {
    this.#app = app;
  }

  async load(path, version) {
    const told = await this.#app.api.get("life", { path, at: version, limit: LIMIT });
    [this.#changes, this.#more, this.#path] = [told.changes, told.more, path];
  }

  parts() {
    const number = several(this.#changes.length, "change");
    return [
      el("div", { class: "head inner" }, el("h4", {}, "Life"), el("span", { class: "faint" }, this.#more ? `the newest ${number} up to here` : `${number} up to here`), el("span", { class: "grow" }), this.#jumps()),
      this.#plot(),
      el("ol", { class: "life", id: "life" }, ...this.#changes.map((change) => this.#row(change))),
    ];
  }

  #jumps() {
    const jump = (backwards) => this.jump(backwards).catch((error) => this.#app.trouble(error));
    return el("span", { class: "group" }, button("‹ Before", () => jump(true), { id: "life-before", title: "The change of this place before (p)" }), button("Next ›", () => jump(false), { id: "life-next", title: "Its next change (n)" }));
  }

  /** To the change of the selected place before or after the version that is shown. */
  async jump(backwards) {
    const { path, version } = this.#app.place;
    const back = backwards ? { backwards: 1 } : {};
    let [from, change] = [backwards ? version - 1 : version + 1, null];
    // One answer looks at so many changes only.
    while (from >= 1 && !change) {
      const told = await this.#app.api.get("changes", { ...back, from, path, limit: 1 });
      if (this.#app.place.path !== path || this.#app.place.version !== version) return;
      [change] = told.changes;
      from = told.more ? told.next : 0;
    }
    if (change) this.#app.go(change.version);
    else this.#app.tell(backwards ? "No change of this place before." : "No change of this place after.");
  }

  #plot() {
    const [oldest, newest] = [this.#app.oldest, Math.max(this.#app.newest, this.#app.oldest + 1)];
    const x = (version) => 2 + ((version - oldest) / (newest - oldest)) * (WIDTH - 4);
    const ticks = this.#changes.map(({ version }) => svg("rect", { class: "tick", x: x(version) - 1, y: 6, width: 2, height: HEIGHT - 12 }));
    const here = x(this.#app.place.version);
    const label = `${several(this.#changes.length, "change")} between version ${count(oldest)} and ${count(newest)}`;
    return svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - 4, y2: HEIGHT - 4 }), ...ticks, svg("rect", { class: "here", x: here - 0.75, y: 0, width: 1.5, height: HEIGHT }));
  }

  #row(change) {
    const go = button(count(change.version), () => this.#app.go(change.version), { class: "link number", "aria-label": `Go to version ${count(change.version)}` });
    const current = change.version === this.#app.place.version;
    return el("li", { class: current ? "current" : "" }, go, el("span", { class: "who" }, shown(change.label || change.writer || "")), el("span", { class: "when", title: when(change.time) }, ago(change.time)), current && heard("shown now"), valuesOf(change.old, change.new));
  }
}
