// Headless Chromium, driven over WebDriver with plain HTTP.
//
// Always: once it is closed, all of it is gone, and all that it wrote.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing } from "./store.mjs";

const DRIVER = process.env.CHROMEDRIVER ?? "/usr/bin/chromedriver";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** By which WebDriver tells that something is an element. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

export const skip = missing(DRIVER, "the Debian package chromium-driver") || missing(CHROMIUM, "the Debian package chromium");

export class Browser {
  #url;
  #session;

  #profile = mkdtempSync(join(tmpdir(), "redraft-chromium-"));
  // What it starts is in its group.
  #driver = spawn(DRIVER, ["--port=0"], { stdio: ["ignore", "pipe", "ignore"], detached: true });

  static async start() {
    const browser = new Browser();
    try {
      await browser.#begin();
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  async #begin() {
    this.#url = `http://127.0.0.1:${await portOf(this.#driver)}/session`;
    const args = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=800,900"];
    args.push(`--user-data-dir=${this.#profile}`);
    // A sandbox cannot be had by root.
    if (process.getuid() === 0) args.push("--no-sandbox");
    const alwaysMatch = { "goog:chromeOptions": { binary: CHROMIUM, args }, "goog:loggingPrefs": { browser: "ALL" } };
    const { sessionId } = await this.#ask("POST", "", { capabilities: { alwaysMatch } });
    this.#session = sessionId;
  }

  async close() {
    await this.#ask("DELETE", "").catch(() => {});
    process.kill(-this.#driver.pid, "SIGKILL");
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #ask(method, path, body) {
    const url = this.#session ? `${this.#url}/${this.#session}${path}` : this.#url;
    const response = await fetch(url, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  open(url) {
    return this.#ask("POST", "/url", { url });
  }

  /** What a function answers that is called in the page, once it does if it is asynchronous. */
  run(script, ...args) {
    return this.#ask("POST", "/execute/sync", { script: `return (${script})(...arguments)`, args });
  }

  async #find(selector) {
    const found = await this.#ask("POST", "/element", { using: "css selector", value: selector });
    return `/element/${found[ELEMENT]}`;
  }

  async click(selector) {
    await this.#ask("POST", `${await this.#find(selector)}/click`, {});
  }

  /** As if typed by somebody; \uE007 is the key to enter, and \uE009a selects all. */
  async type(selector, text) {
    await this.#ask("POST", `${await this.#find(selector)}/value`, { text });
  }

  /** Typed wherever the focus is. */
  async keys(text) {
    const actions = [...text].flatMap((value) => ["keyDown", "keyUp"].map((type) => ({ type, value })));
    await this.#ask("POST", "/actions", { actions: [{ type: "key", id: "keys", actions }] });
  }

  /** Whether its user likes it "light" or "dark". */
  async likes(scheme) {
    const params = { features: [{ name: "prefers-color-scheme", value: scheme }] };
    await this.cdp("Emulation.setEmulatedMedia", params);
  }

  /** What only Chromium's own protocol can do. */
  cdp(cmd, params = {}) {
    return this.#ask("POST", "/goog/cdp/execute", { cmd, params });
  }

  /** What the page has written to its console since this was asked last. */
  async console() {
    const entries = await this.#ask("POST", "/se/log", { type: "browser" });
    return entries.map(({ message }) => message);
  }

  async screenshot() {
    return Buffer.from(await this.#ask("GET", "/screenshot"), "base64");
  }
}

async function portOf(driver) {
  let told = "";
  for await (const piece of driver.stdout) {
    told += piece;
    const port = /successfully on port (\d+)/.exec(told)?.[1];
    if (port) return port;
  }
  throw new Error(`chromedriver ended: ${told}`);
}
