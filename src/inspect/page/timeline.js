// The whole history on a canvas: how much was changed when, and by whom; or a part of it.
//
// Always: the server adds up and this draws what it said, so a million changes cost what a hundred do. What the picture shows is
// said in words beneath it, and change by change in the list.

import { byId, el, plain, svg } from "./dom.js";
import { count, several, when, within } from "./text.js";

const BAR_PX = 5;
const BUCKETS_MAX = 400;
const AXIS_PX = 20;
const TOP_PX = 16;
const DRAG_PX = 4;
const AGAIN_MS = 300;

export const nameOf = (group) => (group === "" ? "no label" : group);

export class Timeline {
  #app;
  #canvas = byId("chart");
  #whole = { time: [0, 1], version: [0, 1] };
  #range = null;
  #told = { buckets: [], groups: [] };
  #colours = [];
  #wanted = 0;
  #timer;
  #dragged = null;
  /** Versions that other parts have marked: {version, sign}. */
  marks = [];
  #when = null;

  constructor(app) {
    this.#app = app;
    new ResizeObserver(() => this.refresh()).observe(this.#canvas);
    this.#canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#over(event));
    this.#canvas.addEventListener("pointerup", (event) => this.#up(event));
    this.#canvas.addEventListener("pointerleave", () => (byId("chart-tip").hidden = true));
    byId("zoom-in").onclick = () => this.zoom(0.5);
    byId("zoom-out").onclick = () => this.zoom(2);
    byId("zoom-all").onclick = () => this.all();
  }

  get #axis() {
    return this.#app.place.axis;
  }

  get #all() {
    return this.#whole[this.#axis];
  }

  get #span() {
    return this.#range ?? this.#all;
  }

  get #width() {
    return this.#canvas.clientWidth;
  }

  groupOf(row) {
    const name = row[this.#app.place.colour] ?? "";
    const group = this.#told.groups.indexOf(name);
    return group < 0 ? this.#told.groups.length - 1 : group;
  }

  /** The history is from one version to another now. */
  async extend(oldest, newest) {
    if (newest <= oldest) return this.draw();
    const { buckets } = await this.#app.api.get("timeline", { from: oldest + 1, to: newest, buckets: 1, color: this.#app.place.colour });
    const followed = this.#range && this.#range[1] === this.#all[1];
    this.#whole.version = [oldest + 0.5, newest + 0.5];
    if (buckets.length) this.#whole.time = [buckets[0].since, Math.max(buckets.at(-1).until, buckets[0].since + 1)];
    if (followed) this.#range[1] = this.#all[1];
    await this.load();
  }

  all() {
    this.#range = null;
    this.refresh();
  }

  /** Shows more or less around a share of what is seen, or around where the page stands. */
  zoom(factor, share = this.#share()) {
    const [from, to] = this.#span;
    const span = (to - from) * factor;
    const middle = from + (to - from) * share;
    this.#show(middle - span * share, middle + span * (1 - share));
  }

  #share() {
    const [from, to] = this.#span;
    const share = (this.#here - from) / (to - from);
    return share > 0 && share < 1 ? share : 0.5;
  }

  get #here() {
    return this.#axis === "version" ? this.#app.place.version : this.#when;
  }

  #show(from, to) {
    const [first, last] = this.#all;
    const span = Math.min(Math.max(to - from, this.#axis === "version" ? 4 : 20), last - first);
    from = Math.max(first, Math.min(from, last - span));
    this.#range = span >= last - first ? null : [from, from + span];
    this.refresh();
  }

  refresh() {
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load().catch((error) => this.#app.trouble(error)), 60);
  }

  async load() {
    const [oldest, newest] = [this.#app.oldest, this.#app.newest];
    if (newest <= oldest) return this.draw();
    const wanted = (this.#wanted += 1);
    const [from, to] = this.#span;
    const buckets = Math.max(1, Math.min(BUCKETS_MAX, Math.floor(this.#width / BAR_PX)));
    const part = this.#axis === "time" ? { since: Math.floor(from), until: Math.ceil(to) } : { from: Math.max(oldest + 1, Math.floor(from)), to: Math.min(newest, Math.ceil(to)) };
    const told = await this.#app.api.get("timeline", { ...part, buckets, color: this.#app.place.colour });
    if (wanted !== this.#wanted) return;
    this.#told = told;
    if (told.through < told.to) this.#timer = setTimeout(() => this.load().catch((error) => this.#app.trouble(error)), AGAIN_MS);
    this.#legend();
    this.draw();
    this.#app.coloured();
  }

  #legend() {
    const { groups, buckets } = this.#told;
    const sums = groups.map(() => 0);
    for (const bucket of buckets) for (const [group, number] of bucket.groups) sums[group] += number;
    const used = groups.map((name, group) => ({ name, group })).filter(({ group }) => sums[group] > 0);
    const others = groups.length - 1;
    byId("legend").replaceChildren(...used.map(({ name, group }) => {
      const text = [swatch(group), el("bdi", {}, plain(nameOf(name)))];
      const isOne = this.#app.place.colour !== "kind" && name !== "" && !(group === others && name === "others");
      return el("li", { title: `${plain(nameOf(name))}: ${several(sums[group], "change")}` }, isOne ? this.#filter(name, text) : el("span", {}, ...text));
    }));
    const [from, to] = [buckets[0]?.since, buckets.at(-1)?.until];
    const parts = used.map(({ name, group }) => `${nameOf(name)} ${count(sums[group])}`).join(", ");
    const total = sums.reduce((sum, number) => sum + number, 0);
    byId("chart-text").textContent = from ? `${several(total, "change")} from ${when(from)} to ${when(to)}: ${parts}` : "No changes";
    byId("range").textContent = this.#range && from ? `${count(buckets[0].from)} – ${count(buckets.at(-1).to)}` : "";
  }

  #filter(name, text) {
    return el("button", { type: "button", class: "quiet", onclick: () => this.#app.filter({ [this.#app.place.colour]: name }) }, ...text);
  }

  // Drawing.

  recolour() {
    this.#colours = [];
    this.draw();
  }

  #palette() {
    if (this.#colours.length) return this.#colours;
    const probe = this.#canvas.parentElement.appendChild(el("span", {}));
    const names = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "faint", "accent", "line"];
    this.#colours = names.map((name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    });
    probe.remove();
    return this.#colours;
  }

  draw(at = this.#when) {
    this.#when = at;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [this.#width, this.#canvas.clientHeight];
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== size[0] || this.#canvas.height !== size[1]) [this.#canvas.width, this.#canvas.height] = size;
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    this.#drawTicks(pen, width, height);
    this.#drawBars(pen, height - AXIS_PX);
    this.#drawMarks(pen, height - AXIS_PX);
    this.#drawPart(pen, width, height);
  }

  #xOf(value) {
    const [from, to] = this.#span;
    return ((value - from) / (to - from)) * this.#width;
  }

  #valueAt(x) {
    const [from, to] = this.#span;
    return from + (x / this.#width) * (to - from);
  }

  #edges(bucket) {
    if (this.#axis === "version") return [this.#xOf(bucket.from - 0.5), this.#xOf(bucket.to + 0.5)];
    const { since, until, buckets } = this.#told;
    const width = since === undefined ? 0 : (until - since) / buckets.length;
    return [this.#xOf(bucket.since), this.#xOf(Math.max(bucket.until, bucket.since + width))];
  }

  #drawBars(pen, base) {
    const weight = (bucket) => (this.#axis === "time" ? bucket.changes : bucket.patches);
    const most = Math.max(1, ...this.#told.buckets.map(weight));
    const [colours, last] = [this.#palette(), this.#told.groups.length - 1];
    for (const bucket of this.#told.buckets) {
      const [left, right] = this.#edges(bucket);
      if (bucket.changes === 0 || right < 0 || left > this.#width) continue;
      const width = Math.min(28, Math.max(2, right - left - 1));
      const tall = Math.max(3, Math.sqrt(weight(bucket) / most) * (base - TOP_PX));
      let y = base;
      for (const [group, number] of bucket.groups) {
        const part = (number / bucket.changes) * tall;
        pen.fillStyle = colours[colourOf(group, last)];
        pen.fillRect(this.#axis === "version" ? (left + right - width) / 2 : left, y - part, width, part);
        y -= part;
      }
    }
  }

  #drawTicks(pen, width, height) {
    const colours = this.#palette();
    const [from, to] = this.#span;
    const steps = Math.max(2, Math.floor(width / 130));
    pen.fillStyle = colours[11];
    pen.fillRect(0, height - AXIS_PX, width, 1);
    if (this.#app.newest <= this.#app.oldest) return;
    for (let step = 0; step < steps; step += 1) {
      const value = from + ((to - from) * step) / steps;
      const x = Math.round((width * step) / steps);
      pen.fillStyle = colours[11];
      pen.fillRect(x, TOP_PX, 1, height - AXIS_PX - TOP_PX + 4);
      pen.fillStyle = colours[9];
      const text = this.#axis === "time" ? within(value, to - from) : count(Math.round(value + 0.5));
      pen.fillText(text, x + 4, height - 6);
    }
  }

  #drawMarks(pen, base) {
    const colours = this.#palette();
    if (this.#axis === "version") for (const { version, sign } of this.marks) this.#drawMark(pen, this.#xOf(version), base, sign, colours[9]);
    if (this.#here !== null && this.#here !== undefined) this.#drawMark(pen, this.#xOf(this.#here), base, null, colours[10]);
  }

  #drawMark(pen, x, base, sign, colour) {
    x = Math.max(1, Math.min(this.#width - 1, x));
    pen.fillStyle = colour;
    pen.fillRect(x - 0.75, 4, 1.5, base - 4);
    if (sign) return pen.fillText(sign, Math.min(x + 4, this.#width - 10), 12);
    pen.beginPath();
    pen.arc(x, 5, 4, 0, 7);
    pen.fill();
  }

  /** Which part of the whole is seen, and what is being chosen. */
  #drawPart(pen, width, height) {
    const [[first, last], [from, to]] = [this.#all, this.#span];
    const colours = this.#palette();
    if (this.#range) {
      pen.fillStyle = colours[11];
      pen.fillRect(0, height - 2, width, 2);
      pen.fillStyle = colours[10];
      pen.fillRect(((from - first) / (last - first)) * width, height - 2, Math.max(3, ((to - from) / (last - first)) * width), 2);
    }
    if (!this.#dragged?.moved) return;
    pen.globalAlpha = 0.18;
    pen.fillStyle = colours[10];
    pen.fillRect(this.#dragged.from, 0, this.#dragged.to - this.#dragged.from, height - AXIS_PX);
    pen.globalAlpha = 1;
  }

  // The pointer.

  #wheel(event) {
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    const [from, to] = this.#span;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      const by = (sideways / this.#width) * (to - from);
      return this.#show(from + by, to + by);
    }
    this.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), event.offsetX / this.#width);
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#dragged = { from: event.offsetX, to: event.offsetX, moved: false };
  }

  #over(event) {
    if (this.#dragged) {
      this.#dragged.to = event.offsetX;
      this.#dragged.moved ||= Math.abs(event.offsetX - this.#dragged.from) > DRAG_PX;
      this.draw();
    }
    this.#tell(event.offsetX);
  }

  #up() {
    const dragged = this.#dragged;
    this.#dragged = null;
    if (!dragged) return;
    if (!dragged.moved) return this.#choose(dragged.from);
    const edges = [dragged.from, dragged.to].map((x) => this.#valueAt(x)).sort((one, other) => one - other);
    this.#show(...edges);
  }

  #bucketAt(x) {
    const near = this.#told.buckets.filter((bucket) => bucket.changes > 0).map((bucket) => ({ bucket, edges: this.#edges(bucket) }));
    return near.find(({ edges: [left, right] }) => x >= left - 1 && x <= Math.max(right, left + 3) + 1);
  }

  async #choose(x) {
    if (this.#axis === "version") return this.#app.go(Math.round(this.#valueAt(x)));
    const found = this.#bucketAt(x);
    if (!found) return this.#app.go((await this.#app.api.get("time", { ms: Math.round(this.#valueAt(x)) })).version);
    const { bucket, edges: [left, right] } = found;
    const share = Math.max(0, Math.min(1, (x - left) / Math.max(1, right - left)));
    this.#app.go(Math.round(bucket.from + share * (bucket.to - bucket.from)));
  }

  #tell(x) {
    const found = this.#bucketAt(x)?.bucket;
    const tip = byId("chart-tip");
    tip.hidden = !found;
    if (!found) return;
    const versions = found.from === found.to ? `version ${count(found.from)}` : `versions ${count(found.from)} – ${count(found.to)}`;
    const parts = found.groups.map(([group, number]) => `${plain(nameOf(this.#told.groups[group]))} ${count(number)}`).slice(0, 4).join(", ");
    tip.textContent = `${versions} · ${several(found.changes, "change")} · ${when(found.since)} · ${parts}`;
    tip.style.left = `${Math.max(4, Math.min(x + 12, this.#width - tip.offsetWidth - 4))}px`;
  }
}

/** The last of nine or more groups is that of all others, and grey. */
function colourOf(group, last) {
  return group >= 8 || (group === last && last >= 8) ? 8 : group;
}

export function swatch(group) {
  const mark = svg("svg", { class: `swatch c${Math.max(0, Math.min(8, group))}`, viewBox: "0 0 10 10", "aria-hidden": "true" });
  mark.append(svg("rect", { width: 10, height: 10, rx: 3 }));
  return mark;
}
