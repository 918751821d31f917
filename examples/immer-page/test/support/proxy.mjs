// A proxy before a server, that does to requests what a network does.
//
// Always: what it is not told to harm goes through as it is, piece by piece.

import { createServer, request } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";

export class Proxy {
  /** Called before a request goes on, and waited for. */
  before = async () => {};
  /** Whether the answer to a request is lost, after the server has done what was asked. */
  losesAnswer = () => false;
  /** Told of the status of each answer, and what it answers. */
  answered = () => {};
  /** Whether the answer to a request ends in the middle of its next piece. */
  cuts = () => false;
  /** Whether a piece of the answer to a request is left out. */
  drops = () => false;
  /** Told of every piece that goes through. */
  passed = () => {};
  #held = [];
  #whenHeld = [];
  #holds = () => false;

  static async of(test, store) {
    const proxy = new Proxy();
    const server = createServer((asked, answer) => proxy.#pass(store, asked, answer).catch(() => answer.destroy()));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${server.address().port}`;
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return proxy;
  }

  /** Hands on nothing more of the answers to such requests, until released. */
  hold(holds) {
    this.#holds = holds;
  }

  /** Resolves when there is something that is not handed on. */
  held() {
    if (this.#held.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenHeld.push(resolve));
  }

  release() {
    this.#holds = () => false;
    for (const goOn of this.#held.splice(0)) goOn();
  }

  async #pass(store, asked, answer) {
    const body = [];
    for await (const piece of asked) body.push(piece);
    const of = { method: asked.method, url: asked.url, body: Buffer.concat(body).toString() };
    await this.before(of);
    const headers = { ...asked.headers, host: new URL(store.url).host };
    const got = await new Promise((resolve, reject) => {
      const sent = request(store.url + asked.url, { method: asked.method, headers, agent: false }, resolve);
      sent.on("error", reject).end(of.body);
      answer.on("close", () => sent.destroy());
    });
    await this.answered(got.statusCode, of);
    if (this.losesAnswer(of)) return void answer.destroy();
    answer.writeHead(got.statusCode, got.headers);
    // Taken no faster than it is read, so that the server feels who is slow.
    await pipeline(got, (pieces) => this.#harmed(pieces, of), answer);
  }

  async *#harmed(pieces, of) {
    for await (const piece of pieces) {
      if (this.#holds(of)) await this.#hold();
      if (this.drops(piece.toString(), of)) continue;
      this.passed(piece);
      if (piece.length > 20 && this.cuts(of)) {
        yield piece.subarray(0, piece.length - 10);
        // What was handed on is to arrive.
        await setTimeout(10);
        throw new Error("cut");
      }
      yield piece;
    }
  }

  #hold() {
    return new Promise((resolve) => {
      this.#held.push(resolve);
      for (const tell of this.#whenHeld.splice(0)) tell();
    });
  }
}
