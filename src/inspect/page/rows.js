// A long list of rows of one height, of which only those that are seen are in the document.
//
// Always: the row that has the focus stays in the document, wherever it is; ten million rows scroll as ten do, for a browser has a
// greatest height of an element, above which the wheel moves rows and the scroll bar moves shares of them.

import { el } from "./dom.js";

const HEIGHT_MAX = 8_000_000;
const SPARE = 6;

export class Rows {
  #view;
  #height;
  #source;
  #space = el("div", { class: "rows", role: "presentation" });
  #elements = new Map();
  #top = 0;
  #scale = 1;
  #set = 0;
  #due = false;

  /** `source` has count(), key(row), draw(row, element or nothing) and active(), the row that the keyboard is at. */
  constructor(view, height, source) {
    [this.#view, this.#height, this.#source] = [view, height, source];
    view.append(this.#space);
    view.addEventListener("scroll", () => this.#scrolled());
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.refresh()).observe(view);
  }

  get visible() {
    const first = Math.max(0, Math.floor(this.#top / this.#height));
    return [first, Math.min(this.#source.count(), first + this.#fit + 1)];
  }

  get #fit() {
    return Math.ceil(this.#view.clientHeight / this.#height);
  }

  get page() {
    return Math.max(1, this.#fit - 2);
  }

  #measure() {
    const [whole, seen] = [this.#source.count() * this.#height, this.#view.clientHeight];
    const height = Math.min(whole, HEIGHT_MAX);
    this.#space.style.height = `${height}px`;
    this.#scale = whole > HEIGHT_MAX ? (whole - seen) / (height - seen) : 1;
    this.#top = Math.max(0, Math.min(this.#top, whole - seen));
  }

  #scrolled() {
    if (this.#scale === 1) this.#top = this.#view.scrollTop;
    else if (Math.abs(this.#view.scrollTop - this.#set) >= 1) this.#top = this.#view.scrollTop * this.#scale;
    this.#set = this.#view.scrollTop;
    this.refresh();
  }

  #wheel(event) {
    if (this.#scale === 1 || event.ctrlKey) return;
    event.preventDefault();
    this.#moveTo(this.#top + event.deltaY * (event.deltaMode === 1 ? this.#height : 1));
  }

  #moveTo(top) {
    this.#top = top;
    this.#measure();
    this.#view.scrollTop = this.#top / this.#scale;
    this.#set = this.#view.scrollTop;
    this.render();
  }

  /** Scrolls no more than it must. */
  reveal(row) {
    const [from, seen] = [row * this.#height, this.#view.clientHeight];
    this.#measure();
    if (from < this.#top) this.#moveTo(from);
    else if (from + this.#height > this.#top + seen) this.#moveTo(from + this.#height - seen);
    else this.render();
  }

  /** Scrolls so that the row is in the middle, if it is not to be seen. */
  centre(row) {
    const from = row * this.#height;
    if (from < this.#top || from + this.#height > this.#top + this.#view.clientHeight) {
      this.#moveTo(from - this.#view.clientHeight / 2);
    } else this.render();
  }

  refresh() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#due && this.render());
  }

  render() {
    this.#due = false;
    this.#measure();
    const focused = this.#view.contains(document.activeElement) && document.activeElement !== this.#view;
    const shown = this.#drawn();
    for (const [key, element] of this.#elements) if (shown.get(key) !== element) element.remove();
    this.#elements = shown;
    let place = 0;
    for (const element of shown.values()) {
      if (this.#space.children[place] !== element) this.#space.insertBefore(element, this.#space.children[place] ?? null);
      place += 1;
    }
    if (focused && !this.#view.contains(document.activeElement)) this.focus();
  }

  #wanted() {
    const [from, to] = this.visible;
    const [first, end] = [Math.max(0, from - SPARE), Math.min(this.#source.count(), to + SPARE)];
    const rows = Array.from({ length: Math.max(0, end - first) }, (_, place) => first + place);
    const active = this.#source.active();
    if (active >= 0 && active < first) rows.unshift(active);
    if (active >= end && active < this.#source.count()) rows.push(active);
    return rows;
  }

  #drawn() {
    const shown = new Map();
    for (const row of this.#wanted()) {
      const key = this.#source.key(row);
      const element = this.#source.draw(row, this.#elements.get(key));
      element.style.transform = `translateY(${this.#placeOf(row)}px)`;
      shown.set(key, element);
    }
    return shown;
  }

  /** Rows that are far away are just outside, lest they make the list longer. */
  #placeOf(row) {
    const [near, seen] = [row * this.#height - this.#top, this.#view.clientHeight];
    const margin = (SPARE + 1) * this.#height;
    const place = this.#view.scrollTop + Math.max(-margin, Math.min(near, seen + margin));
    return Math.min(place, Math.max(0, parseFloat(this.#space.style.height) - this.#height));
  }

  focus() {
    this.#elements.get(this.#source.key(this.#source.active()))?.focus({ preventScroll: true });
  }
}

/** The row that a key leads to from another one, or nothing. */
export function rowAfter(key, row, count, page) {
  const moves = { ArrowDown: row + 1, ArrowUp: row - 1, Home: 0, End: count - 1, PageDown: row + page, PageUp: row - page };
  return key in moves ? Math.max(0, Math.min(count - 1, moves[key])) : null;
}
