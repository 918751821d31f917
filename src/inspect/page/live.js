// New changes, as they become durable.
//
// Always: while it is paused nothing moves, and it says how many came meanwhile; a connection that was lost is tried again, ever less
// often, and that is said too.

import { byId } from "./dom.js";
import { count } from "./text.js";

const WAIT_MS = 500;
const WAIT_MAX_MS = 15_000;

export class Live {
  #app;
  #known = 0;
  #wait = WAIT_MS;
  following = true;

  constructor(app) {
    this.#app = app;
    byId("follow").onclick = () => this.toggle();
  }

  start(version, following) {
    [this.#known, this.following] = [version, following];
    this.#show();
    this.#listen();
  }

  async #listen() {
    for (;;) {
      try {
        this.#say("connecting…", "");
        for await (const version of this.#app.api.events()) this.#heard(version);
      } catch {
        // What went wrong is seen by trying again.
      }
      await this.#pause();
    }
  }

  #heard(version) {
    this.#wait = WAIT_MS;
    this.#say("live", "live");
    if (version === null || version <= this.#known) return;
    this.#known = version;
    if (this.following) this.#app.grown(version);
    this.#show();
  }

  async #pause() {
    this.#say(`connection lost, again in ${Math.ceil(this.#wait / 1000)} s`, "lost");
    await new Promise((resolve) => setTimeout(resolve, this.#wait));
    this.#wait = Math.min(this.#wait * 2, WAIT_MAX_MS);
  }

  #say(text, kind) {
    const connection = byId("connection");
    if (connection.textContent !== text) connection.textContent = text;
    connection.className = `faint ${kind}`;
  }

  toggle() {
    if (this.following) this.pause();
    else this.resume();
  }

  pause() {
    this.following = false;
    this.#show();
  }

  /** To the newest there is, and on with it. */
  resume(version = this.#known) {
    this.following = true;
    this.#known = Math.max(this.#known, version);
    this.#app.grown(this.#known);
    this.#show();
  }

  #show() {
    const button = byId("follow");
    const missed = this.#known - this.#app.newest;
    button.setAttribute("aria-pressed", String(this.following));
    button.textContent = this.following ? "Following" : missed > 0 ? `Paused · ${count(missed)} new` : "Paused";
    button.title = this.following ? "New changes are shown as they come; pause (f)" : "Show the newest, and follow (f)";
  }
}
