// Which version brought something: found by looking, half of what is left each time, or by a condition.

import { button, byId, el } from "./dom.js";
import { count, several } from "./text.js";

export class Bisect {
  #app;
  #panel = byId("panel-bisect");
  #good = null;
  #bad = null;
  #status = el("p", { id: "bisect-status", role: "status" }, "Mark a version that is good and a later one that is bad.");
  #found = el("p", { id: "bisect-found", role: "status" });
  #condition = el("input", { id: "bisect-where", type: "text", spellcheck: "false", autocomplete: "off", placeholder: "/stock < 10" });

  constructor(app) {
    this.#app = app;
    const looking = [
      el("h4", {}, "By looking"),
      this.#status,
      el("div", { class: "actions" }, button("Good", () => this.mark("good"), { id: "bisect-good", title: "This version is good (g)" }), button("Bad", () => this.mark("bad"), { id: "bisect-bad", title: "This version is bad (b)" }), button("Start over", () => this.#reset(), { id: "bisect-reset" })),
    ];
    const form = el("form", { class: "form", onsubmit: (event) => this.#submit(event) }, el("label", { for: "bisect-where" }, "The first version in which this is true and stays true:"), this.#condition, el("div", { class: "actions" }, el("button", { class: "main", id: "bisect-go" }, "Find")), el("p", { class: "faint" }, "A JSON Pointer, one of == != < <= > >= and a JSON value; or a pointer and “exists”."));
    this.#panel.append(el("h3", {}, "Find the version that brought it"), ...looking, el("h4", {}, "By a condition"), form, this.#found);
  }

  get marks() {
    return [[this.#good, "✓"], [this.#bad, "✗"]].filter(([version]) => version !== null).map(([version, sign]) => ({ version, sign }));
  }

  mark(what) {
    const { version } = this.#app.place;
    if (what === "good") this.#good = version;
    else this.#bad = version;
    this.#app.mark();
    this.#next();
  }

  #reset() {
    [this.#good, this.#bad] = [null, null];
    this.#status.textContent = "Mark a version that is good and a later one that is bad.";
    this.#app.mark();
  }

  #next() {
    const [good, bad] = [this.#good, this.#bad];
    if (good === null || bad === null) return this.#say(good === null ? `${count(bad)} is bad. Now mark one that is good.` : `${count(good)} is good. Now mark a later one that is bad.`);
    if (good >= bad) return this.#say(`${count(good)} is good, but the bad one, ${count(bad)}, is not later. Mark another.`);
    if (bad - good === 1) return this.#brought(bad);
    const steps = Math.ceil(Math.log2(bad - good));
    this.#say(`Between ${count(good)} and ${count(bad)}: about ${several(steps, "more look")}. Is this one good or bad?`);
    this.#app.go(Math.floor((good + bad) / 2));
  }

  #brought(version) {
    this.#say(`Version ${count(version)} brought it.`);
    this.#app.go(version);
  }

  #say(text) {
    this.#status.textContent = text;
  }

  async #submit(event) {
    event.preventDefault();
    this.#found.className = "";
    this.#found.textContent = "Looking…";
    const query = { good: this.#app.oldest, bad: this.#app.newest, where: this.#condition.value };
    try {
      const { version, steps } = await this.#app.api.get("bisect", query);
      const looks = `${several(steps, "look")} at states`;
      if (version === null) return void (this.#found.textContent = `It is not true in the newest version (${looks}).`);
      this.#found.replaceChildren(button(`version ${count(version)}`, () => this.#app.go(version), { class: "link" }), ` brought it, found by ${looks}.`);
      this.#app.go(version);
    } catch (error) {
      this.#found.className = "bad";
      this.#found.textContent = error.message;
    }
  }
}
