// The page: one place in the history and in the state, and the parts that show it.
//
// Always: one step is shown at a time, and after it the last that was wanted; whatever goes wrong is said.

import { Api } from "./api.js";
import { Bisect } from "./bisect.js";
import { Change } from "./change.js";
import { Changes } from "./changes.js";
import { Compare } from "./compare.js";
import { button, byId, el, plain, shown } from "./dom.js";
import { Health } from "./health.js";
import { listen } from "./keys.js";
import { Life } from "./life.js";
import { Live } from "./live.js";
import { NodePanel } from "./node.js";
import { Place } from "./place.js";
import { Play } from "./play.js";
import { Search } from "./search.js";
import { bytes, count, when } from "./text.js";
import { themed } from "./theme.js";
import { Timeline } from "./timeline.js";
import { Tree } from "./tree.js";
import { Undo } from "./undo.js";

const VIEWS = ["change", "node", "compare", "bisect", "health"];
const SETTLED_MS = 120;

class App {
  api = new Api(askToken);
  place = new Place();
  oldest = 0;
  newest = 0;
  writes = false;
  shown = Promise.resolve();
  #showing = false;
  #again = false;
  #settled;
  #toast;

  constructor() {
    this.timeline = new Timeline(this);
    this.tree = new Tree(this, byId("tree"));
    this.changes = new Changes(this);
    this.change = new Change(this);
    this.node = new NodePanel(this);
    this.compare = new Compare(this);
    this.bisect = new Bisect(this);
    this.health = new Health(this);
    this.search = new Search(this);
    this.undo = new Undo(this);
    this.play = new Play(this);
    this.live = new Live(this);
    this.#controls();
  }

  async start() {
    const store = await this.api.get("store");
    [this.oldest, this.newest, this.writes] = [store.oldest, store.version, store.writes];
    const following = this.place.version === null || this.place.version >= this.newest;
    if (following) this.place.version = this.newest;
    byId("store-name").replaceChildren(shown(store.name));
    document.title = `${plain(store.name)} · redraft`;
    byId("store-facts").textContent = `${bytes(store.bytes)}${this.writes ? " · writable" : " · read only"}`;
    this.view(this.place.view);
    this.#show();
    await Promise.all([this.shown, this.timeline.extend(this.oldest, this.newest)]);
    performance.mark("redraft:shown");
    if (this.place.path) this.reveal(this.place.path, false).catch((error) => this.trouble(error));
    this.compare.restore();
    this.live.start(this.newest, following);
    if (this.place.view !== "health") this.health.show().catch((error) => this.trouble(error));
  }

  // Where it stands.

  /** To a version, as near as there is. */
  go(version, { playing = false } = {}) {
    if (!playing) this.play.stop();
    this.place.version = Math.max(this.oldest, Math.min(this.newest, Math.round(version) || 0));
    if (this.live.following && this.place.version < this.newest) this.live.pause();
    this.#show();
  }

  #show() {
    this.place.write();
    this.#numbers();
    if (this.#showing) this.#again = true;
    else this.shown = this.#step();
  }

  #numbers() {
    const { version } = this.place;
    Object.assign(byId("slider"), { min: this.oldest, max: this.newest, value: version });
    byId("slider").setAttribute("aria-valuetext", `${count(version)} of ${count(this.newest)}`);
    if (document.activeElement !== byId("version")) byId("version").value = version;
    byId("of").textContent = `of ${count(this.newest)}`;
    byId("first").disabled = byId("back").disabled = version <= this.oldest;
    byId("on").disabled = version >= this.newest;
  }

  async #step() {
    this.#showing = true;
    do {
      this.#again = false;
      const [version, began] = [this.place.version, performance.now()];
      try {
        await Promise.all([this.tree.show(version), this.change.show(version)]);
        this.#calm();
      } catch (error) {
        this.trouble(error);
      }
      const time = this.change.told?.time ?? null;
      byId("state-at").textContent = `at version ${count(version)}${time ? `, ${when(time)}` : ""}`;
      this.timeline.draw(time);
      this.changes.select();
      measured(began);
    } while (this.#again);
    this.#showing = false;
    this.#later();
  }

  /** What need not follow every step follows the last. */
  #later() {
    clearTimeout(this.#settled);
    this.#settled = setTimeout(() => {
      const { version, view } = this.place;
      const { told } = this.change;
      byId("said").textContent = `Version ${count(version)} of ${count(this.newest)}${told ? `, ${plain(told.label ?? "")} by ${plain(told.writer ?? "")}` : ""}`;
      if (view === "node") this.node.show().catch((error) => this.trouble(error));
    }, SETTLED_MS);
  }

  select(path) {
    if (this.place.path === path) return;
    this.place.path = path;
    this.place.write();
    this.#later();
  }

  /** Shows a place in the tree; says so if it is not there, unless somebody else will. */
  async reveal(path, say = true) {
    await this.shown;
    const there = await this.tree.reveal(path);
    if (there) return true;
    if (say) {
      this.select(path);
      this.view("node");
      this.tell("This place is not there in this version.");
    }
    return false;
  }

  jump(backwards) {
    return new Life(this).jump(backwards).catch((error) => this.trouble(error));
  }

  view(name) {
    this.place.view = name;
    for (const view of VIEWS) {
      const current = view === name;
      byId(`tab-${view}`).setAttribute("aria-selected", String(current));
      byId(`tab-${view}`).tabIndex = current ? 0 : -1;
      byId(`panel-${view}`).hidden = !current;
    }
    this.place.write();
    if (this.place.version !== null && name === "node") this.node.show().catch((error) => this.trouble(error));
    if (this.place.version !== null && name === "health") this.health.show().catch((error) => this.trouble(error));
  }

  filter(filter) {
    this.changes.only(filter).catch((error) => this.trouble(error));
  }

  coloured() {
    this.changes.refresh();
  }

  mark() {
    const compared = ["a", "b"].filter((name) => this.place[name] !== null).map((name) => ({ version: this.place[name], sign: name.toUpperCase() }));
    this.timeline.marks = [...compared, ...this.bisect.marks];
    this.timeline.draw();
  }

  // What happens elsewhere.

  grown(version) {
    const before = this.newest;
    this.newest = Math.max(this.newest, version);
    this.place.version = this.newest;
    this.changes.grown(before + 1);
    this.#show();
    this.timeline.extend(this.oldest, this.newest).catch((error) => this.trouble(error));
  }

  wrote(version) {
    this.live.resume(version);
  }

  // What is said.

  tell(text) {
    byId("toast").textContent = text;
    byId("toast").classList.add("said");
    clearTimeout(this.#toast);
    this.#toast = setTimeout(() => byId("toast").classList.remove("said"), 4000);
  }

  trouble(error) {
    if (error.name === "AbortError") return;
    const kind = error.isDamage ? "damage" : "trouble";
    this.#alert(kind, error.isDamage ? "Damage: " : "That could not be shown: ", [error.message]);
  }

  damaged(damage) {
    if (damage.length) this.#alert("damage", "This store is damaged. ", damage.map(({ place, detail }) => `${place}: ${detail}`));
  }

  #alert(kind, head, texts) {
    const said = texts.join("\n");
    if ([...byId("alerts").children].some((alert) => alert.dataset.said === said)) return;
    const close = button("×", (event) => event.target.parentElement.remove(), { class: "quiet", "aria-label": "Dismiss" });
    const alert = el("div", { class: `alert ${kind}`, role: "alert", "data-said": said }, el("div", {}, el("strong", {}, head), ...texts.map((text) => el("div", {}, shown(text)))), close);
    byId("alerts").querySelectorAll(`.${kind}.trouble`).forEach((old) => old.remove());
    byId("alerts").append(alert);
  }

  /** What was no damage is over once something succeeded. */
  #calm() {
    byId("alerts").querySelectorAll(".trouble").forEach((alert) => alert.remove());
  }

  async copy(text, what) {
    await navigator.clipboard.writeText(text);
    this.tell(`Copied ${what}.`);
  }

  #controls() {
    const clicks = { first: () => this.go(this.oldest), back: () => this.go(this.place.version - 1), on: () => this.go(this.place.version + 1), last: () => this.live.resume() };
    for (const [id, act] of Object.entries(clicks)) byId(id).onclick = act;
    byId("slider").oninput = (event) => this.go(Number(event.target.value));
    byId("version").onchange = (event) => this.go(Number(event.target.value));
    for (const id of ["axis", "colour"]) {
      byId(id).value = this.place[id];
      byId(id).onchange = (event) => this.#drawn(id, event.target.value);
    }
    for (const view of VIEWS) byId(`tab-${view}`).onclick = () => this.view(view);
    byId("tabs").addEventListener("keydown", (event) => this.#tab(event));
    addEventListener("hashchange", () => this.#moved());
    themed(byId("theme"), () => this.timeline.recolour());
    listen(this);
  }

  #drawn(id, value) {
    this.place[id] = value;
    this.place.write();
    if (id === "axis") this.timeline.all();
    else this.timeline.refresh();
  }

  #tab(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const view = VIEWS[(VIEWS.indexOf(this.place.view) + step + VIEWS.length) % VIEWS.length];
    this.view(view);
    byId(`tab-${view}`).focus();
  }

  /** Somebody wrote another address. */
  #moved() {
    this.place.read();
    this.view(this.place.view);
    this.compare.restore();
    this.go(this.place.version ?? this.newest);
    this.reveal(this.place.path, false).catch((error) => this.trouble(error));
  }
}

function measured(began) {
  requestAnimationFrame(() => {
    performance.measure("redraft:step", { start: began, end: performance.now() });
    if (performance.getEntriesByName("redraft:step").length > 1000) performance.clearMeasures("redraft:step");
  });
}

/** Asks whoever is there, until there is something to try. */
function askToken(refused) {
  const dialog = byId("dialog");
  const field = el("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const why = refused ? "The server does not know this token." : "This server wants a token. It is kept until the page is closed.";
  return new Promise((resolve) => {
    const onsubmit = (event) => {
      event.preventDefault();
      dialog.oncancel = null;
      dialog.close();
      resolve(field.value);
    };
    const form = el("form", { class: "form", onsubmit }, el("label", { for: "token" }, "Token"), field, el("div", { class: "actions" }, el("button", { class: "main", id: "token-go" }, "Go on")));
    dialog.replaceChildren(el("h2", { id: "dialog-title" }, "Token"), el("p", { class: refused ? "bad" : "" }, why), form);
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
  });
}

const app = new App();
app.start().catch((error) => app.trouble(error));
