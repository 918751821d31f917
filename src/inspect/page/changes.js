// The list of all changes, newest first, or of those that somebody made; it is what the timeline says, in words.
//
// Always: of a history without gaps only the pages that are seen are held.

import { button, byId, el, heard, plain, shown } from "./dom.js";
import { rowAfter, Rows } from "./rows.js";
import { ago, count, several, when } from "./text.js";
import { swatch } from "./timeline.js";

const HEIGHT = 42;
const PAGE = 100;
const PAGES_MAX = 40;

export class Changes {
  #app;
  #view = byId("changes");
  #rows;
  #pages = new Map();
  #asked = new Set();
  #filter = null;
  #some = [];
  #more = false;
  #next = 0;

  constructor(app) {
    this.#app = app;
    this.#rows = new Rows(this.#view, HEIGHT, this);
    this.#view.addEventListener("click", (event) => this.#choose(this.#rowIn(event)));
    this.#view.addEventListener("keydown", (event) => this.#key(event));
  }

  refresh() {
    byId("history-count").textContent = this.#filter ? `${count(this.#some.length)}${this.#more ? "+" : ""}` : count(this.count());
    this.#rows.refresh();
  }

  /** Shows where the page stands. */
  select() {
    const row = this.active();
    if (row >= 0) this.#rows.centre(row);
    else this.#rows.refresh();
  }

  focus() {
    this.#rows.reveal(Math.max(0, this.active()));
    this.#rows.focus();
  }

  async only(filter) {
    [this.#filter, this.#some, this.#more, this.#next] = [filter, [], true, this.#app.newest];
    const chip = byId("filter");
    chip.hidden = !filter;
    if (filter) {
      const [name, value] = Object.entries(filter)[0];
      chip.replaceChildren(`${name} `, shown(value), button("×", () => this.only(null), { class: "quiet", "aria-label": "Show all changes" }));
      await this.#fetchSome();
    }
    this.refresh();
  }

  async #fetchSome() {
    if (!this.#more || this.#asked.has(this.#filter)) return;
    this.#asked.add(this.#filter);
    const filter = this.#filter;
    try {
      // One answer looks at so many changes only: what is rare may be in none of them.
      for (let found = 0; found === 0 && this.#more; ) {
        const told = await this.#app.api.get("changes", { from: this.#next, limit: PAGE, backwards: 1, ...filter });
        if (filter !== this.#filter) return;
        this.#some.push(...told.changes);
        [found, this.#more, this.#next] = [told.changes.length, told.more, told.next];
      }
    } finally {
      this.#asked.delete(filter);
    }
    this.refresh();
  }

  count() {
    return this.#filter ? this.#some.length : Math.max(0, this.#app.newest - this.#app.oldest);
  }

  #versionAt(row) {
    return this.#filter ? this.#some[row]?.version : this.#app.newest - row;
  }

  key(row) {
    return this.#versionAt(row);
  }

  active() {
    const { version } = this.#app.place;
    if (this.#filter) return this.#some.findIndex((change) => change.version <= version);
    return version > this.#app.oldest ? this.#app.newest - version : this.count() - 1;
  }

  #at(row) {
    if (this.#filter) return this.#some[row];
    const place = this.#versionAt(row) - this.#app.oldest - 1;
    const page = this.#pages.get(Math.floor(place / PAGE));
    if (!page) this.#fetch(Math.floor(place / PAGE));
    return page?.[place % PAGE];
  }

  async #fetch(page) {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    try {
      const told = await this.#app.api.get("changes", { from: this.#app.oldest + 1 + page * PAGE, limit: PAGE });
      this.#pages.set(page, told.changes);
      if (this.#pages.size > PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value);
    } catch (error) {
      this.#app.trouble(error);
    } finally {
      // A page that is not full yet is asked for again when more is known.
      setTimeout(() => this.#asked.delete(page), 250);
    }
    this.refresh();
  }

  /** The last page may have grown. */
  grown(from) {
    this.#pages.delete(Math.floor((from - this.#app.oldest - 1) / PAGE));
    this.#pages.delete(Math.floor((from - this.#app.oldest) / PAGE));
    this.refresh();
  }

  draw(row, element = el("div", { class: "row change", role: "option" })) {
    const [change, version] = [this.#at(row), this.#versionAt(row)];
    const current = version === this.#app.place.version;
    element.setAttribute("aria-selected", String(current));
    element.setAttribute("aria-setsize", this.count());
    element.setAttribute("aria-posinset", row + 1);
    element.tabIndex = row === this.active() ? 0 : -1;
    element.classList.toggle("selected", current);
    element.dataset.row = row;
    const told = `${Boolean(change)} ${change ? this.#app.timeline.groupOf(change) : 0}`;
    if (element.dataset.told !== told) element.replaceChildren(...this.#parts(version, change).filter(Boolean));
    element.dataset.told = told;
    if (this.#filter && row >= this.#some.length - 5) this.#fetchSome().catch((error) => this.#app.trouble(error));
    return element;
  }

  #parts(version, change) {
    if (!change) return [el("span", { class: "number" }, count(version)), el("span", { class: "faint" }, "…")];
    return [
      swatch(this.#app.timeline.groupOf(change)),
      el("span", { class: "what" }, change.label === null || change.label === "" ? el("span", { class: "faint" }, change.kind === "change" ? "no label" : change.kind) : shown(change.label)),
      el("span", { class: "number" }, heard("version "), count(version)),
      el("span", { class: "who", title: plain(change.writer ?? "") }, shown(change.writer ?? ""), change.kind !== "change" && el("span", { class: `kind ${change.kind}` }, change.kind)),
      el("span", { class: "when", title: when(change.time) }, ago(change.time)),
      heard(`, ${several(change.patches, "patch", "patches")}`),
    ];
  }

  #rowIn(event) {
    const element = event.target.closest(".row");
    return element ? Number(element.dataset.row) : -1;
  }

  #choose(row) {
    if (row < 0 || row >= this.count()) return;
    this.#app.go(this.#versionAt(row));
    this.#rows.reveal(row);
    this.#rows.focus();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = rowAfter(event.key, this.active(), this.count(), this.#rows.page);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.#choose(to);
  }
}
