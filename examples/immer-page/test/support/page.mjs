// A store, a server of the page, and a browser that shows it.
//
// Always: one browser serves all tests of a file, and is gone after the last.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser, skip as withoutBrowser } from "./browser.mjs";
import { eventually } from "./replicas.mjs";
import { skip as withoutStore, Store } from "./store.mjs";

export const skip = withoutStore || withoutBrowser;

/** One for all tests, for it takes longer to start than they take. */
export let browser;
after(() => browser?.close());

/** A free port and somebody else's store are all that the page's server has to know. */
export async function serve(t, port, store) {
  const script = fileURLToPath(new URL("../../serve.mjs", import.meta.url));
  const server = spawn(process.execPath, [script, port, store], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => server.kill());
  const told = await new Promise((resolve) => server.stdout.once("data", resolve));
  return told.toString().trim();
}

/** A store, and a page of an origin that may ask it. */
export async function page(t) {
  browser ??= await Browser.start();
  const store = await Store.of(t);
  const origin = await serve(t, 0, store.url);
  // Only now is known who may ask.
  await store.stop();
  await store.serve(["--allow-origin", origin]);
  // The page of the test before goes on asking for its store, and is not to be heard any more.
  await browser.open("about:blank");
  await browser.console();
  await browser.open(origin);
  const texts = () => browser.run(() => [...document.querySelectorAll("#cards .text")].map((text) => text.textContent));
  const shows = (...expected) => eventually(async () => assert.deepEqual(await texts(), expected));
  const status = () => browser.run(() => document.querySelector("#status").textContent);
  const says = (what) => eventually(async () => assert.match(await status(), what));
  return { store, shows, says };
}
