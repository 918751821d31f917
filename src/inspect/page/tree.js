// The state at a version, as a tree; what the change that made it did is marked.
//
// Always: what was open stays open from version to version, and a step is shown whole or not at all.

import { el, heard, shown } from "./dom.js";
import { Nodes, PAGE } from "./nodes.js";
import { rowAfter, Rows } from "./rows.js";
import { count, keysOf, outerOf, SIGNS } from "./text.js";

const HEIGHT = 24;

export class Tree {
  #app;
  #view;
  #rows;
  #nodes;
  #open = new Set([""]);

  constructor(app, view) {
    [this.#app, this.#view] = [app, view];
    this.#rows = new Rows(view, HEIGHT, this);
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("click", (event) => this.#click(event));
    view.addEventListener("dblclick", (event) => this.#toggle(this.#rowIn(event)));
  }

  async show(version) {
    const [from, to] = this.#nodes ? this.#rows.visible : [0, 0];
    const seen = Array.from({ length: to - from }, (_, place) => this.#nodes.at(from + place));
    const pages = this.#nodes?.wanted(seen) ?? [["", 0]];
    const nodes = new Nodes(this.#app.api, version, this.#open);
    await nodes.load(pages);
    if (!nodes.root) throw new Error(`There is no state at version ${version}.`);
    this.#nodes = nodes;
    this.#rows.render();
  }

  get version() {
    return this.#nodes?.version;
  }

  /** Opens the way to a place and selects it; answers whether it is there in this version. */
  async reveal(path) {
    const there = await this.#nodes.reach(path);
    if (there) this.#app.select(path);
    this.select();
    return there;
  }

  select() {
    const row = this.#nodes ? this.active() : -1;
    if (row >= 0) this.#rows.centre(row);
  }

  focus() {
    this.#rows.reveal(this.active());
    this.#rows.focus();
  }

  count() {
    return this.#nodes?.count ?? 0;
  }

  key(row) {
    const { node, removed, parent, index } = this.#nodes.at(row);
    if (removed) return `-${removed.path}`;
    return node ? `+${node.path}` : `?${parent.told.path}/${index}`;
  }

  active() {
    return this.#nodes ? Math.max(0, this.#nodes.rowOf(this.#app.place.path)) : -1;
  }

  draw(row, element = el("div", { class: "row node" })) {
    const at = this.#nodes.at(row);
    if (at.parent && !at.node) this.#fetch(at);
    const told = JSON.stringify([at.node ?? at.removed ?? null, at.level, at.index, at.size, this.#open.has(at.node?.path), this.active() === row, this.#nodes.version]);
    if (element.dataset.told !== told) this.#fill(element, row, at);
    element.dataset.told = told;
    element.dataset.row = row;
    return element;
  }

  #fetch({ parent, index }) {
    const nodes = this.#nodes;
    const arrived = () => nodes === this.#nodes && this.#rows.refresh();
    nodes.loadPage(parent.told.path, Math.floor(index / PAGE)).then(arrived, (error) => this.#app.trouble(error));
  }

  #fill(element, row, { node, removed, level, index, size }) {
    const active = this.active() === row;
    const holds = node && isOpenable(node);
    const touched = removed ? "removed" : node?.touched;
    const told = { role: "treeitem", "aria-level": level, "aria-selected": String(active), tabindex: active ? 0 : -1 };
    if (size) Object.assign(told, { "aria-setsize": size, "aria-posinset": index + 1 });
    for (const [name, value] of Object.entries(told)) element.setAttribute(name, value);
    if (holds) element.setAttribute("aria-expanded", String(this.#open.has(node.path)));
    else element.removeAttribute("aria-expanded");
    element.className = `row node ${touched ? `did ${touched}` : ""} ${active ? "selected" : ""}`;
    element.replaceChildren(...this.#parts(node ?? removed, { level, holds, touched }).filter(Boolean));
    element.firstChild.style.width = `${(level - 1) * 16 + 4}px`;
  }

  #parts(node, { level, holds, touched }) {
    if (!node) return [el("span", { class: "indent" }), el("span", { class: "faint" }, "…")];
    const key = node.key ?? keysOf(node.path).at(-1) ?? "(root)";
    const twisty = el("span", { class: "twisty", "aria-hidden": "true" }, holds ? (this.#open.has(node.path) ? "▾" : "▸") : "");
    return [
      el("span", { class: "indent" }),
      twisty,
      el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[touched] ?? ""),
      level === 1 ? el("span", { class: "key root" }, "(root)") : shown(key, "key"),
      shown(node.preview, `value ${node.kind ?? "gone"}`),
      holds && el("span", { class: "size" }, count(node.size)),
      touched && heard(touched === "within" ? ", changed within" : `, ${touched} by this change`),
    ];
  }

  #rowIn(event) {
    const element = event.target.closest(".row");
    return element ? Number(element.dataset.row) : -1;
  }

  #click(event) {
    const row = this.#rowIn(event);
    if (row < 0) return;
    if (event.target.closest(".twisty")) return this.#toggle(row);
    this.#move(row);
  }

  #move(row) {
    const { node, removed } = this.#nodes.at(row);
    this.#app.select((node ?? removed)?.path ?? this.#app.place.path);
    this.#rows.reveal(row);
    this.#rows.focus();
  }

  #toggle(row, open) {
    const node = row < 0 ? null : this.#nodes.at(row).node;
    if (!node || !isOpenable(node)) return;
    const fetched = this.#nodes.toggle(node.path, open);
    this.#rows.render();
    fetched?.then(() => this.#rows.refresh(), (error) => this.#app.trouble(error));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.count()) return;
    const row = this.active();
    const to = rowAfter(event.key, row, this.count(), this.#rows.page);
    if (to !== null) this.#step(row, to);
    else if (event.key === "ArrowRight") this.#in(row);
    else if (event.key === "ArrowLeft") this.#out(row);
    else if (event.key === "Enter") this.#toggle(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Over rows that show what is no longer there, and to those that are not fetched yet once they are. */
  #step(from, to) {
    const way = Math.sign(to - from);
    while (this.#nodes.at(to).removed && to + way >= 0 && to + way < this.count()) to += way;
    const { node, parent, index } = this.#nodes.at(to);
    if (node) return this.#move(to);
    if (parent) this.#nodes.loadPage(parent.told.path, Math.floor(index / PAGE)).then(() => this.#move(to), (error) => this.#app.trouble(error));
  }

  #in(row) {
    const { node } = this.#nodes.at(row);
    if (!isOpenable(node)) return;
    if (!this.#open.has(node.path)) this.#toggle(row, true);
    else if (row + 1 < this.count()) this.#step(row, row + 1);
  }

  #out(row) {
    const { node } = this.#nodes.at(row);
    if (isOpenable(node) && this.#open.has(node.path)) this.#toggle(row, false);
    else if (node.path !== "") this.#move(this.#nodes.rowOf(outerOf(node.path)));
  }

  /** What is told of a place that is in sight. */
  told(path) {
    const row = this.#nodes?.rowOf(path) ?? -1;
    return row < 0 ? null : this.#nodes.at(row).node;
  }
}

const isOpenable = (node) => (node.kind === "list" || node.kind === "map") && (node.size > 0 || node.touched === "within" || node.path === "");
