// What comes while somebody looks, and what the page itself changes: only when it may, and only after it was shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { redraft } from "../../../../examples/immer-page/test/support/store.mjs";
import { browser, click, eventually, isAt, open, page, serve, shop, shows, skip, storeOf, text } from "./support/inspected.mjs";

const apply = (path, patch) => redraft(["apply", path, "--label", "from elsewhere"], JSON.stringify(patch));

test("a new change arrives by itself, and while it is paused it is only counted", { skip }, async (t) => {
  const { path } = await page(t, shop());
  await isAt(12);
  await shows("#connection", "live");
  apply(path, [{ op: "add", path: "/open", value: true }]);
  await isAt(13);
  await shows("#panel-change h3", /from elsewhere/);
  await click("#follow");
  apply(path, [{ op: "replace", path: "/open", value: false }]);
  await shows("#follow", "Paused · 1 new");
  await isAt(13);
  await click("#follow");
  await isAt(14);
});

test("a server that went away is said to be gone, and is followed again once it is back", { skip }, async (t) => {
  const path = storeOf(t, shop());
  const { address, stop } = await serve(t, path, ["--listen", "127.0.0.1:0"]);
  await open(address);
  await shows("#connection", "live");
  await stop();
  await shows("#connection", /^connection lost/);
  apply(path, [{ op: "add", path: "/open", value: true }]);
  await serve(t, path, ["--listen", new URL(address).host]);
  await shows("#connection", "live");
  await isAt(13);
});

test("it plays from the beginning to the newest version by itself", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=12" });
  await isAt(12);
  await browser.run(() => document.activeElement.blur());
  await browser.keys(" ");
  await eventually(async () => assert.equal(await browser.run(() => document.querySelector("#play").getAttribute("aria-pressed")), "true"));
  await isAt(12);
  await shows("#play", "▶");
});

test("nothing can be changed where writing was not asked for", { skip }, async (t) => {
  const { address } = await page(t, shop(), { hash: "#v=5" });
  await shows("#panel-change h3", /order 4/);
  assert.equal(await browser.run(() => document.querySelectorAll("#undo, #restore").length), 0);
  const asked = await browser.run(async () => (await fetch("./api/undo", { method: "POST", headers: { "content-type": "application/json" }, body: '{"version":5,"preview":false}' })).status);
  assert.equal(asked, 403);
  assert.equal((await (await fetch(`${address}api/store`)).json()).version, 12);
});

test("a change is undone after it was shown what that does, and not before", { skip }, async (t) => {
  const { address } = await page(t, shop(), { hash: "#v=12", options: ["--write"] });
  const version = async () => (await (await fetch(`${address}api/store`)).json()).version;
  await isAt(12);
  await click("#undo");
  await shows("#dialog[open] h2", "Undo change 12");
  await shows("#dialog[open] .preview", /\/products\/lamp\/stock/);
  assert.equal(await version(), 12);
  await click("#dialog-cancel");
  assert.equal(await version(), 12);
  await click("#undo");
  await shows("#dialog[open] h2", "Undo change 12");
  await click("#dialog-go");
  await isAt(13);
  await shows("#panel-change h3", /undo/);
  assert.equal(await version(), 13);
});

test("a version is restored after a preview", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=3&p=/products/lamp/stock", options: ["--write"] });
  await isAt(3);
  await click("#restore");
  await shows("#dialog[open] h2", "Restore version 3");
  await click("#dialog-go");
  await isAt(13);
  await shows("#tree .selected .value", "8");
  await eventually(async () => assert.match(await text("#toast"), /is that of version 3 again/));
});
