// What is known of the state at one version: the places that are open, with the pages of their children that were wanted.
//
// Always: rows are counted from the sizes the server told, so a list of a million needs no more than the pages that are seen.

import { outerOf, wayTo } from "./text.js";

export const PAGE = 100;
const PAGES_MAX = 200;

class Node {
  pages = new Map();
  /** The open children that are on the pages here, by their place. */
  opens = [];
  removed = [];

  constructor(told) {
    this.told = told;
  }

  get inside() {
    return this.removed.length + this.told.size + this.opens.reduce((sum, { node }) => sum + node.inside, 0);
  }
}

export class Nodes {
  #api;
  #byPath = new Map();
  #places = new Map();
  #asked = new Map();

  constructor(api, version, open) {
    [this.#api, this.version, this.open] = [api, version, open];
  }

  get root() {
    return this.#byPath.get("");
  }

  get count() {
    return this.root ? 1 + (this.open.has("") ? this.root.inside : 0) : 0;
  }

  /** All the pages that were had, for the next version to have them too. */
  wanted(rows) {
    const pages = new Map([["\n0", ["", 0]]]);
    const want = (path, page) => pages.set(`${path}\n${page}`, [path, page]);
    for (const row of rows) {
      if (row.parent) want(row.parent.told.path, Math.floor(row.index / PAGE));
      for (const place of row.parent ? wayTo(row.parent.told.path) : []) {
        if (place !== "" && this.#places.has(place)) want(outerOf(place), Math.floor(this.#places.get(place) / PAGE));
      }
    }
    return [...pages.values()];
  }

  /** Has these pages fetched, all at once. What is no longer there is left out. */
  async load(pages) {
    const told = await Promise.all(pages.map(([path, page]) => this.#fetch(path, { offset: page * PAGE })));
    told.filter(Boolean).sort((one, other) => one.path.length - other.path.length).forEach((node) => this.#take(node));
  }

  async loadPage(path, page) {
    const key = `${path}\n${page}`;
    if (!this.#asked.has(key)) this.#asked.set(key, this.load([[path, page]]).finally(() => this.#asked.delete(key)));
    return this.#asked.get(key);
  }

  /** Opens the way to a place; answers whether it is there. */
  async reach(path) {
    const way = wayTo(path);
    const asks = way.slice(1).map((place) => this.#fetch(outerOf(place), { around: lastKeyOf(place) }));
    const told = await Promise.all(asks);
    way.slice(0, -1).forEach((place) => this.open.add(place));
    for (const node of told.filter(Boolean)) this.#take(node);
    return path === "" || this.#places.has(path);
  }

  async #fetch(path, query) {
    try {
      return await this.#api.get("node", { at: this.version, path, limit: PAGE, ...query });
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  #take(told) {
    const node = this.#byPath.get(told.path) ?? new Node(told);
    this.#byPath.set(told.path, node);
    node.told = { ...node.told, ...told, children: undefined };
    node.removed = told.removed ?? [];
    if (node.pages.size > PAGES_MAX) node.pages.delete(node.pages.keys().next().value);
    const offset = told.offset ?? 0;
    node.pages.set(Math.floor(offset / PAGE), told.children);
    told.children.forEach((child, place) => this.#placed(node, child, offset + place));
  }

  #placed(parent, child, index) {
    if (child.kind !== "list" && child.kind !== "map") return void this.#places.set(child.path, index);
    this.#places.set(child.path, index);
    const node = this.#byPath.get(child.path) ?? new Node(child);
    node.told = { ...child, ...node.told };
    this.#byPath.set(child.path, node);
    if (this.open.has(child.path)) this.#open(parent, node, index);
  }

  #open(parent, node, index) {
    if (parent.opens.some((open) => open.node === node)) return;
    parent.opens.push({ index, node });
    parent.opens.sort((one, other) => one.index - other.index);
  }

  /** Opens or closes what is in sight. Its first children are fetched by whoever shows them. */
  toggle(path, open = !this.open.has(path)) {
    if (open) this.open.add(path);
    else this.open.delete(path);
    const [parent, node] = [this.#byPath.get(outerOf(path)), this.#byPath.get(path)];
    if (path === "" || !parent || !node) return;
    parent.opens = parent.opens.filter((other) => other.node !== node);
    if (open) this.#open(parent, node, this.#places.get(path));
    if (open && node.pages.size === 0) return this.loadPage(path, 0);
  }

  /** What a row shows: a place, something that was removed, or something that is not fetched yet. */
  at(row) {
    if (row === 0) return { node: this.root.told, level: 1, index: 0, size: 1 };
    return within(this.root, row - 1, 2);
  }

  /** The row that shows a place, or -1. */
  rowOf(path) {
    if (path === "") return 0;
    const parent = this.#byPath.get(outerOf(path));
    const [outer, index] = [this.rowOf(outerOf(path)), this.#places.get(path)];
    if (!parent || outer < 0 || index === undefined || !this.open.has(outerOf(path))) return -1;
    const before = parent.opens.filter((open) => open.index < index).reduce((sum, { node }) => sum + node.inside, 0);
    return outer + 1 + parent.removed.length + index + before;
  }
}

function within(node, row, level) {
  if (row < node.removed.length) return { removed: node.removed[row], level };
  row -= node.removed.length;
  for (const { index, node: open } of node.opens) {
    if (row <= index) break;
    if (row <= index + open.inside) return within(open, row - index - 1, level + 1);
    row -= open.inside;
  }
  const told = node.pages.get(Math.floor(row / PAGE))?.[row % PAGE];
  return { node: told, parent: node, index: row, level, size: node.told.size };
}

const lastKeyOf = (path) => path.slice(path.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~");
