// Through the history with a real browser: stepping, searching, the life of a place, comparing, bisecting.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, click, eventually, isAt, KEYS, page, shop, shows, skip, text, tree } from "./support/inspected.mjs";

test("it opens at the newest version and shows the state and its last change", { skip }, async (t) => {
  await page(t, shop());
  await isAt(12);
  await shows("#panel-change h3", /12\s+order 11/);
  await shows("#tree", /products/);
  await shows("#history-count", "12");
  await shows("#connection", "live");
  assert.deepEqual(await browser.console(), []);
});

test("a step shows what the change did, and what was open stays open", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=3&p=/products/lamp/stock" });
  await isAt(3);
  await shows("#tree .changed .key", "stock");
  await shows("#tree .changed .value", "8");
  await click("#on");
  await isAt(4);
  await shows("#tree .changed .value", "7");
  await shows("#panel-change del", "8");
  await shows("#panel-change .changed ins", "7");
  await browser.run(() => document.activeElement.blur());
  await browser.keys("j");
  await isAt(3);
  await browser.keys(KEYS.home);
  await isAt(0);
});

test("an address leads to the same version, place and view", { skip }, async (t) => {
  const { address } = await page(t, shop(), { hash: "#v=5&p=/products/rug&view=node" });
  await isAt(5);
  await shows("#panel-node h3", "/products/rug");
  await click("#on");
  await eventually(async () => assert.equal(new URLSearchParams((await browser.run(() => location.hash)).slice(1)).get("v"), "6"));
  const kept = await browser.run(() => location.href);
  await browser.open("about:blank");
  await browser.open(kept);
  assert.ok(kept.startsWith(address));
  await isAt(6);
  await shows("#panel-node h3", "/products/rug");
});

test("places are found by pointer, by key and by value", { skip }, async (t) => {
  await page(t, shop());
  await isAt(12);
  await browser.type("#search-text", `o-7${KEYS.enter}`);
  await shows("#hits .path", "/orders/6/id");
  await click("#hits .place");
  await shows("#tree .selected .value", '"o-7"');
  await browser.type("#search-text", `${KEYS.all}/products/rug/stock${KEYS.enter}`);
  await shows("#tree .selected .key", "stock");
  await browser.type("#search-text", `${KEYS.all}no such thing${KEYS.enter}`);
  await shows("#hits-count", "Nothing found.");
});

test("a place tells its life, who set it, and leads to its changes before and next", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=12&p=/products/rug/stock&view=node" });
  await shows("#blame", /version 1 “open the shop”/);
  await shows("#life li", /^1\s+open the shop/);
  await page(t, shop(), { hash: "#v=6&p=/products/lamp/stock&view=node" });
  await shows("#blame", /version 6 “order 5”/);
  await eventually(async () => assert.equal(await browser.run(() => document.querySelectorAll("#life li").length), 6));
  await click("#life-before");
  await isAt(5);
  await shows("#life .current .number", "5");
  await click("#life-next");
  await isAt(6);
});

test("any two versions are compared", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=12&view=compare" });
  await isAt(12);
  await browser.type("#compare-a", "3");
  await browser.type("#compare-b", "5");
  await click("#compare-go");
  await shows("#compared", /from 3 to 5/);
  await shows("#compared del", /^8$/m);
  await shows("#compared .changed ins", /^6$/m);
});

test("a fault is found by saying good or bad, and by a condition", { skip }, async (t) => {
  await page(t, shop(), { hash: "#v=1&view=bisect" });
  await isAt(1);
  await click("#bisect-good");
  await click("#last");
  await isAt(12);
  await click("#bisect-bad");
  for (let looks = 0; looks < 6 && !/brought it/.test(await text("#bisect-status")); looks += 1) {
    const version = Number(await browser.run(() => document.querySelector("#version").value));
    await isAt(version);
    await click(version >= 8 ? "#bisect-bad" : "#bisect-good");
  }
  await shows("#bisect-status", "Version 8 brought it.");
  await browser.type("#bisect-where", `/products/lamp/stock < 0${KEYS.enter}`);
  await shows("#bisect-found", /version 8 brought it/);
  await browser.type("#bisect-where", `${KEYS.all}nonsense${KEYS.enter}`);
  await shows("#bisect-found.bad", /./);
});

test("by keyboard alone the tree is walked, opened and closed", { skip }, async (t) => {
  await page(t, shop());
  await isAt(12);
  await browser.run(() => document.activeElement.blur());
  await browser.keys(`t${KEYS.down}${KEYS.down}`);
  await shows("#tree .row:focus .key", "products");
  await browser.keys(KEYS.right);
  await shows("#tree", /lamp/);
  await browser.keys(KEYS.right);
  await shows("#tree .row:focus .key", "lamp");
  await browser.keys(`${KEYS.left}${KEYS.left}`);
  await eventually(async () => assert.ok(!(await tree()).some((row) => row.startsWith("▸ lamp"))));
  await browser.keys("?");
  await shows("#dialog[open] h2", "Keys");
  await browser.keys(KEYS.escape);
});

test("a tree a hundred levels deep is reached and shown", { skip }, async (t) => {
  let value = "the bottom";
  for (let level = 0; level < 100; level += 1) value = { in: value };
  const path = "/in".repeat(100);
  await page(t, [{ label: "deep", at: 0, patch: [{ op: "add", path: "", value }] }], { hash: `#v=1&p=${path}` });
  await shows("#tree .selected .value", '"the bottom"');
});

test("of a list of a hundred thousand only what is seen is in the document", { skip }, async (t) => {
  const value = { list: Array.from({ length: 100_000 }, (_, place) => place * 3) };
  await page(t, [{ label: "long", at: 0, patch: [{ op: "add", path: "", value }] }], { hash: "#v=1&p=/list/77777" });
  await shows("#tree .selected .value", "233331");
  await browser.run(() => (document.querySelector("#tree").scrollTop = 1e9));
  await shows("#tree", /\b299997\b/);
  assert.ok((await browser.run(() => document.querySelectorAll("#tree .row").length)) < 100);
});
