// Places by their path, their key, or what they say.
//
// Always: the server looks at a piece of the state for each request, and goes on for as long as it is asked to.

import { button, byId, el, shown } from "./dom.js";
import { count } from "./text.js";

const LIMIT = 50;
/** Beyond this somebody has to ask for more. */
const PIECES = 40;

export class Search {
  #app;
  #hits = byId("hits");
  #wanted = 0;
  #found = [];

  constructor(app) {
    this.#app = app;
    byId("search").onsubmit = (event) => {
      event.preventDefault();
      this.#start().catch((error) => this.#app.trouble(error));
    };
    this.#hits.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    byId("search-text").addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
  }

  focus() {
    byId("search-text").focus();
    byId("search-text").select();
  }

  #close() {
    this.#wanted += 1;
    this.#hits.hidden = true;
    byId("search-text").focus();
  }

  async #start() {
    const text = byId("search-text").value;
    if (text === "") return this.#close();
    if (text.startsWith("/") && (await this.#app.reveal(text, false))) return void (this.#hits.hidden = true);
    this.#found = [];
    await this.#look(text, null);
  }

  async #look(text, after) {
    const wanted = (this.#wanted += 1);
    const version = this.#app.place.version;
    for (let piece = 0; piece < PIECES; piece += 1) {
      const query = { at: version, text, in: byId("search-in").value, after, limit: LIMIT };
      const { found, next } = await this.#app.api.get("search", query);
      if (wanted !== this.#wanted) return;
      this.#found.push(...found);
      after = next;
      this.#show(text, after, after !== null && found.length === 0);
      if (after === null || found.length > 0) return;
    }
    this.#show(text, after, false);
  }

  #show(text, next, busy) {
    const what = this.#found.length ? `${count(this.#found.length)}${next ? " or more" : ""} found` : busy || next ? "Nothing yet…" : "Nothing found.";
    const more = next && !busy && button("Look further", () => this.#look(text, next).catch((error) => this.#app.trouble(error)), { id: "more-hits" });
    const head = el("div", { class: "head inner" }, el("span", { role: "status", id: "hits-count" }, what), el("span", { class: "grow" }), more, button("×", () => this.#close(), { class: "quiet", "aria-label": "Close the search" }));
    this.#hits.replaceChildren(head, el("ul", { "aria-label": "Found" }, ...this.#found.map((hit) => this.#hit(hit))));
    this.#hits.hidden = false;
  }

  #hit({ path, kind, preview }) {
    return el("li", {}, el("button", { type: "button", class: "place", onclick: () => this.#app.reveal(path) }, shown(path || "(root)", "path"), shown(preview, `value ${kind}`)));
  }
}
