// How the store is: damage, and its sizes and its replicas as small plots.

import { byId, el, shown, svg } from "./dom.js";
import { bytes, count, several } from "./text.js";

const [WIDTH, HEIGHT] = [320, 56];
const BARS_MAX = 120;
const AGAIN_MS = 15_000;

export class Health {
  #app;
  #panel = byId("panel-health");
  #timer;

  constructor(app) {
    this.#app = app;
  }

  /** Once, and again for as long as it is seen. */
  async show() {
    clearTimeout(this.#timer);
    const told = await this.#app.api.get("health");
    this.#app.damaged(told.damage ?? []);
    this.#panel.replaceChildren(el("h3", {}, "Health"), this.#verdict(told), ...segments(told), ...snapshots(told), ...replicas(told));
    if (this.#app.place.view === "health") this.#timer = setTimeout(() => this.show().catch((error) => this.#app.trouble(error)), AGAIN_MS);
  }

  #verdict({ ok, damage }) {
    if (ok && !damage?.length) return el("p", { class: "good" }, "✓ Nothing wrong was found.");
    return el("ul", { class: "damage" }, ...(damage ?? []).map(({ place, detail }) => el("li", {}, el("strong", {}, shown(place)), " ", shown(detail))));
  }
}

function segments({ segments = [], segment_bytes }) {
  const packed = segments.filter((segment) => segment.packed).length;
  const facts = `${several(segments.length, "segment")}, ${count(packed)} packed, ${bytes(segment_bytes)}`;
  return [el("h4", {}, "Segments"), el("p", { class: "faint" }, facts), bars(segments.map(({ first, bytes: size, packed }) => ({ size, text: `from version ${count(first)}: ${bytes(size)}`, kind: packed ? "packed" : "" })), facts)];
}

function snapshots({ snapshots = [], snapshot_bytes }) {
  if (snapshots.length === 0) return [el("h4", {}, "Snapshots"), el("p", { class: "faint" }, "None yet.")];
  const facts = `${several(snapshots.length, "snapshot")}, ${bytes(snapshot_bytes)}`;
  return [el("h4", {}, "Snapshots"), el("p", { class: "faint" }, facts), bars(snapshots.map(({ version, bytes: size, delta }) => ({ size, text: `version ${count(version)}: ${bytes(size)}`, kind: delta ? "delta" : "" })), facts)];
}

function replicas({ replicas = [] }) {
  const rows = replicas.map(({ name, version, behind }) => el("li", {}, shown(name), el("span", { class: "number" }, count(version)), el("span", { class: behind ? "lag" : "good" }, behind ? `${count(behind)} behind` : "up to date")));
  if (rows.length === 0) return [el("h4", {}, "Replicas"), el("p", { class: "faint" }, "None has asked yet.")];
  const lags = bars(replicas.map(({ name, behind }) => ({ size: behind, text: `${name}: ${count(behind)} behind`, kind: "lag" })), "how far replicas are behind");
  return [el("h4", {}, "Replicas"), lags, el("ul", { class: "replicas" }, ...rows)];
}

/** The last so many, as bars. */
function bars(all, label) {
  const shownOnes = all.slice(-BARS_MAX);
  const most = Math.max(1, ...shownOnes.map(({ size }) => size));
  const step = Math.min(18, WIDTH / Math.max(1, shownOnes.length));
  const drawn = shownOnes.map(({ size, text, kind }, place) => {
    const height = Math.max(2, (size / most) * (HEIGHT - 4));
    return svg("rect", { class: `bar ${kind}`, x: place * step, y: HEIGHT - height, width: Math.max(1, step - 1.5), height }, svg("title", {}, text));
  });
  return svg("svg", { class: "plot tall", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...drawn);
}
