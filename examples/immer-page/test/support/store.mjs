// A store in a directory of its own, and the real `redraft` that serves it.
//
// Always: what was started is ended with the test, and what was written is removed.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../../target", import.meta.url));
const PROGRAM = process.env.REDRAFT ?? join(TARGET, "debug/redraft");

/** For `test(name, { skip })`: false, or what is missing. It is said aloud, for a skipped test looks like a good one. */
export const skip = missing(PROGRAM, "the redraft program; build it, or name it in REDRAFT");

export function missing(file, what) {
  if (existsSync(file)) return false;
  console.error(`SKIPPED: ${file} is not there: ${what}`);
  return `without ${what}`;
}

/** Runs the program on a store that nobody else writes. */
export function redraft(args, input = "") {
  return execFileSync(PROGRAM, args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
}

export class Store {
  #dir = mkdtempSync(join(tmpdir(), "redraft-immer-"));
  #server;
  #options = [];
  #listen = "127.0.0.1:0";

  /** A store with a server, both gone when the test is over. */
  static async of(test, options) {
    const store = new Store();
    test.after(() => store.#remove());
    redraft(["init", store.path]);
    if (options !== null) await store.serve(options);
    return store;
  }

  get path() {
    return join(this.#dir, "board");
  }

  get url() {
    return `http://${this.#listen}`;
  }

  /** Starts serving; again at the same address, if it had one, or at another's that is free now. */
  async serve(options = this.#options, url = this.url) {
    this.#options = options;
    this.#listen = new URL(url).host;
    const args = ["serve", this.path, "--listen", this.#listen, "--json", ...options];
    const server = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#server = { server, over: new Promise((resolve) => server.once("exit", resolve)) };
    const told = await new Promise((resolve, reject) => {
      server.stdout.once("data", resolve);
      server.once("exit", (code) => reject(new Error(`redraft serve ended with ${code}`)));
    });
    this.#listen = new URL(JSON.parse(told).address).host;
  }

  /** Ends the server as a power cut would, or politely. */
  async stop(signal = "SIGKILL") {
    const { server, over } = this.#server;
    this.#server = undefined;
    server.kill(signal);
    await over;
  }

  async #remove() {
    if (this.#server) await this.stop();
    rmSync(this.#dir, { recursive: true });
  }

  /** A command on a store that is not served. */
  run(verb, ...args) {
    return redraft([verb, this.path, ...args]);
  }

  apply(patch, format = "json-patch") {
    return redraft(["apply", this.path, "--format", format], JSON.stringify(patch));
  }

  async get(path) {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return response.json();
  }

  state(version) {
    return this.get(version === undefined ? "/v1/state" : `/v1/state?at=${version}`);
  }

  async version() {
    return (await this.get("/v1/store")).version;
  }

  /** Submits, as a client does that is no replica. Answers the version. */
  async submit(base, patch, format = "json-patch") {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ base, patch, format });
    const response = await fetch(`${this.url}/v1/changes`, { method: "POST", headers, body });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${body}: ${JSON.stringify(answer)}`);
    return answer.version;
  }

  /** The same for whatever version is the newest. */
  async change(patch, format) {
    return this.submit(await this.version(), patch, format);
  }

  /** What every change says, oldest first; of a history of fewer than a thousand. */
  changes() {
    return this.get("/v1/changes?from=1&limit=1000&format=immer");
  }
}
