// From version to version by itself, at a speed, up to the newest.

import { byId } from "./dom.js";

const FRAMES_PER_SECOND = 20;

export class Play {
  #app;
  #timer = null;
  #button = byId("play");

  constructor(app) {
    this.#app = app;
    this.#button.onclick = () => this.toggle();
  }

  toggle() {
    if (this.#timer) return this.stop();
    if (this.#app.place.version >= this.#app.newest) this.#app.go(this.#app.oldest);
    this.#show(true);
    this.#next();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#show(false);
  }

  #show(playing) {
    this.#button.setAttribute("aria-pressed", String(playing));
    this.#button.textContent = playing ? "❚❚" : "▶";
    this.#button.setAttribute("aria-label", playing ? "Stop playing" : "Play");
  }

  #next() {
    const speed = Number(byId("speed").value);
    const frames = Math.min(speed, FRAMES_PER_SECOND);
    this.#timer = setTimeout(() => this.#step(Math.max(1, Math.round(speed / frames))), 1000 / frames);
  }

  /** No faster than what is shown: a step waits for the one before. */
  async #step(by) {
    await this.#app.shown;
    if (!this.#timer) return;
    const version = Math.min(this.#app.place.version + by, this.#app.newest);
    this.#app.go(version, { playing: true });
    if (version >= this.#app.newest) this.stop();
    else this.#next();
  }
}
