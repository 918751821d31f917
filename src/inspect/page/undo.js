// To take a change back, or the whole state back to a version: first what that would do, then whether to.
//
// Always: what is done is what was shown; if the store has gone on meanwhile, it is shown anew.

import { button, byId, el } from "./dom.js";
import { patchOf } from "./patch.js";
import { count, several } from "./text.js";

const SAID = {
  undo: (version) => ({ title: `Undo change ${count(version)}`, go: "Undo it", done: `Change ${count(version)} is undone` }),
  restore: (version) => ({ title: `Restore version ${count(version)}`, go: "Restore it", done: `The state is that of version ${count(version)} again` }),
};

export class Undo {
  #app;
  #dialog = byId("dialog");

  constructor(app) {
    this.#app = app;
  }

  async ask(what, version, before = null) {
    try {
      this.#show(what, version, await this.#app.api.post(what, { version, preview: true }), before);
    } catch (error) {
      this.#refused(SAID[what](version).title, error);
    }
  }

  #show(what, version, { patch, more, at }, before) {
    const { title, go } = SAID[what](version);
    const trouble = el("p", { class: "bad", role: "alert", id: "dialog-trouble" }, before ?? "");
    const consequence = patch.length ? `A new change, ${count(at + 1)}, will be written. It does ${more ? `more than is shown here, ${several(patch.length, "operation")} first` : several(patch.length, "operation")}; the history stays as it is:` : "That would change nothing.";
    const yes = el("button", { type: "button", class: "main", id: "dialog-go", onclick: () => this.#do(what, version, at, trouble, yes), disabled: patch.length === 0 }, go);
    const no = button("Cancel", () => this.#dialog.close(), { id: "dialog-cancel" });
    this.#open(title, el("p", {}, consequence), el("div", { class: "preview", tabindex: 0 }, patchOf(patch)), trouble, el("div", { class: "actions" }, no, yes));
  }

  async #do(what, version, at, trouble, yes) {
    yes.disabled = true;
    try {
      const done = await this.#app.api.post(what, { version, preview: false, at });
      this.#dialog.close();
      this.#app.tell(`${SAID[what](version).done}, by change ${count(done.version)}.`);
      this.#app.wrote(done.version);
    } catch (error) {
      if (error.status === 409) return this.ask(what, version, `${error.message} This is what it would do now:`);
      trouble.textContent = error.message;
      yes.disabled = false;
    }
  }

  #refused(title, error) {
    this.#open(title, el("p", { class: "bad", role: "alert", id: "dialog-trouble" }, error.message), el("div", { class: "actions" }, button("Close", () => this.#dialog.close(), { id: "dialog-cancel" })));
  }

  #open(title, ...parts) {
    this.#dialog.replaceChildren(el("h2", { id: "dialog-title" }, title), ...parts);
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}
