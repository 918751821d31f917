// A store, the real `redraft inspect` on it, and a browser that shows its page.
//
// Always: one browser serves all tests of a file; what was started is ended with the test, and what was written is removed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Browser, skip as withoutBrowser } from "../../../../../examples/immer-page/test/support/browser.mjs";
import { eventually } from "../../../../../examples/immer-page/test/support/replicas.mjs";
import { redraft, skip as withoutStore } from "../../../../../examples/immer-page/test/support/store.mjs";

export { eventually };
export const skip = withoutStore || withoutBrowser;

/** One for all tests, for it takes longer to start than they take. */
export let browser;
after(() => browser?.close());

const ENTER = "\uE007";
export const KEYS = { enter: ENTER, escape: "\uE00C", left: "\uE012", up: "\uE013", right: "\uE014", down: "\uE015", end: "\uE010", home: "\uE011", tab: "\uE004", all: "\uE009a\uE009" };

/** A store made by these lines of `redraft import jsonl`. */
export function storeOf(t, changes) {
  const dir = mkdtempSync(join(tmpdir(), "redraft-inspected-"));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const [path, file] = [join(dir, "shop"), join(dir, "history.jsonl")];
  writeFileSync(file, changes.map((change) => JSON.stringify(change)).join("\n"));
  redraft(["init", path]);
  if (changes.length) redraft(["import", "jsonl", file, path]);
  return path;
}

/** The changes of a shop: its stock of lamps falls, and the eighth change sets it below zero. */
export function shop(many = 12) {
  const first = { products: { lamp: { name: "Brass lamp", stock: 10 }, rug: { name: "Wool rug", stock: 4 } }, orders: [] };
  const at = (place) => Date.UTC(2026, 0, 5, 9, place);
  const made = [{ label: "open the shop", at: at(0), patch: [{ op: "add", path: "", value: first }] }];
  for (let place = 1; place < many; place += 1) {
    const stock = place < 7 ? 10 - place : -place;
    const patch = [{ op: "add", path: "/orders/-", value: { id: `o-${place}` } }, { op: "replace", path: "/products/lamp/stock", value: stock }];
    made.push({ label: `order ${place}`, at: at(place), patch });
  }
  return made;
}

/** Serves the store; answers where. */
export async function inspect(t, path, ...options) {
  return (await serve(t, path, ["--listen", "127.0.0.1:0", ...options])).address;
}

/** The same, with a way to end it; `env` is the server's alone. */
export async function serve(t, path, options, env = {}) {
  const program = process.env.REDRAFT ?? "target/debug/redraft";
  const server = spawn(program, ["inspect", path, "--json", ...options], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  const over = new Promise((resolve) => server.once("exit", resolve));
  const stop = () => (server.kill("SIGKILL"), over);
  t.after(stop);
  const told = await new Promise((resolve, reject) => {
    server.stdout.once("data", resolve);
    server.once("exit", (code) => reject(new Error(`redraft inspect ended with ${code}`)));
  });
  return { address: JSON.parse(told).address, stop };
}

export const text = (selector) => browser.run((selector) => [...document.querySelectorAll(selector)].map((found) => found.innerText ?? found.textContent).join("\n"), selector);

export const shows = (selector, expected) =>
  eventually(async () => {
    const found = await text(selector);
    if (expected instanceof RegExp) assert.match(found, expected, selector);
    else assert.equal(found, expected, selector);
  });

/** Clicks what may just be drawn anew. */
export const click = (selector) => eventually(() => browser.click(selector));

export const isAt = (version) => eventually(async () => {
  const found = await browser.run(() => [document.querySelector("#version").value, document.querySelector("#state-at").textContent]);
  assert.equal(found[0], String(version));
  assert.match(found[1], new RegExp(`^at version ${version}\\b`));
});

/** Opens the page of a store, at a place that its address names. */
export async function open(address, hash = "") {
  browser ??= await Browser.start();
  await browser.cdp("Emulation.setDeviceMetricsOverride", { width: 1280, height: 860, deviceScaleFactor: 1, mobile: false });
  await browser.open("about:blank");
  await browser.console();
  await browser.open(address + hash);
}

export async function page(t, changes, { hash = "", options = [] } = {}) {
  const path = storeOf(t, changes);
  const address = await inspect(t, path, ...options);
  await open(address, hash);
  return { path, address };
}

/** The rows of the tree that are seen. */
export const tree = () => browser.run(() => [...document.querySelectorAll("#tree .row")].map((row) => row.innerText.replace(/\s+/g, " ").trim()));
