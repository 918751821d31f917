// Two versions side by side: what turns A into B, at the place that is selected or everywhere.

import { button, byId, el, heard } from "./dom.js";
import { patchOf, writtenOf } from "./patch.js";
import { count, several } from "./text.js";

export class Compare {
  #app;
  #panel = byId("panel-compare");
  #result = el("div", { id: "compared", "aria-live": "polite" });
  #inputs = {};
  #scope = el("input", { type: "checkbox", id: "compare-here" });

  constructor(app) {
    this.#app = app;
    for (const name of ["a", "b"]) this.#inputs[name] = el("input", { type: "number", min: 0, id: `compare-${name}`, inputmode: "numeric" });
    const form = el("form", { class: "form", onsubmit: (event) => this.#submit(event) }, this.#side("a"), this.#side("b"), el("label", { class: "check" }, this.#scope, " only at the selected place"), el("div", { class: "actions" }, el("button", { class: "main", id: "compare-go" }, "Compare"), button("Swap", () => this.#swap())));
    this.#panel.append(el("h3", {}, "Compare two versions"), form, this.#result);
  }

  #side(name) {
    const here = button("this one", () => this.take(name, this.#app.place.version, false), { class: "link", id: `compare-${name}-here` });
    here.append(heard(` as ${name.toUpperCase()}`));
    return el("div", { class: "field" }, el("label", { for: `compare-${name}` }, name.toUpperCase()), this.#inputs[name], here);
  }

  /** Takes a version as A or B, and compares if both are known. */
  take(name, version, open = true) {
    this.#app.place[name] = version;
    this.#inputs[name].value = version;
    if (open) this.#app.view("compare");
    this.#app.place.write();
    this.#app.mark();
    if (this.#app.place.a !== null && this.#app.place.b !== null) this.#run();
    else this.#app.tell(`${name.toUpperCase()} is version ${count(version)}.`);
  }

  /** As the address says. */
  restore() {
    for (const name of ["a", "b"]) if (this.#app.place[name] !== null) this.#inputs[name].value = this.#app.place[name];
    if (this.#app.place.view === "compare" && this.#app.place.a !== null && this.#app.place.b !== null) this.#run();
  }

  #swap() {
    [this.#inputs.a.value, this.#inputs.b.value] = [this.#inputs.b.value, this.#inputs.a.value];
    this.#submit();
  }

  #submit(event) {
    event?.preventDefault();
    for (const name of ["a", "b"]) this.#app.place[name] = Number(this.#inputs[name].value);
    this.#app.place.write();
    this.#app.mark();
    this.#run();
  }

  async #run() {
    const { a, b, path } = this.#app.place;
    const place = this.#scope.checked ? path : "";
    try {
      const { patch, more } = await this.#app.api.get("compare", { a, b, path: place });
      const head = patch.length ? `${several(patch.length, "operation")} ${more ? "or more " : ""}from ${count(a)} to ${count(b)}` : `${count(a)} and ${count(b)} say the same.`;
      const json = patch.length && el("details", {}, el("summary", {}, "as JSON"), writtenOf(patch.map(({ text }) => text)));
      this.#result.replaceChildren(...[el("p", {}, head), patchOf(patch, (path) => this.#app.reveal(path)), json].filter(Boolean));
    } catch (error) {
      this.#result.replaceChildren(el("p", { class: "bad", role: "alert" }, error.message));
    }
  }
}
