// Whoever cannot see the page, or sees it badly, or has no mouse, can use it as well: judged by axe-core in a real browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { judged } from "./support/axe.mjs";
import { browser, page, skip } from "./support/page.mjs";
import { eventually } from "./support/replicas.mjs";

async function isAccessible(what) {
  for (const scheme of ["light", "dark"]) {
    await browser.likes(scheme);
    const { shown, rules } = await judged(browser);
    assert.deepEqual(shown, [], `${what}, ${scheme}`);
    assert.ok(rules > 15, `${rules} rules`);
  }
}

const made = ["write it", "test it", "ship it"].map((text, n) => ({ id: `${n}`, text, done: n === 0 }));

test("the page is accessible in each of its looks, light and dark", { skip }, async (t) => {
  const { store, shows, says } = await page(t);
  await says(/^connected, version 0$/);
  await isAccessible("an empty board");
  await store.change([{ op: "add", path: "/cards", value: made }]);
  await shows("write it", "test it", "ship it");
  await isAccessible("cards, one of them done");
  await browser.click("li:nth-child(2) .edit");
  await isAccessible("an open editor");
  await browser.keys("\uE00C");
  await store.stop();
  await says(/^connecting/);
  await isAccessible("without a server");
});

test("what could not be done is told so that it is heard", { skip }, async (t) => {
  const { store, shows } = await page(t);
  await store.change([{ op: "add", path: "/cards", value: made }]);
  await shows("write it", "test it", "ship it");
  await browser.run(() => {
    const trouble = document.querySelector("#trouble");
    [trouble.textContent, trouble.hidden] = ["That could not be done: there is no such card", false];
  });
  await isAccessible("a trouble");
});

/** A judge that finds nothing anywhere would be of no use. */
test("what is not accessible is found", { skip }, async (t) => {
  await page(t);
  await browser.run(() => {
    document.querySelector("#text").removeAttribute("aria-label");
    document.querySelector("#text").removeAttribute("placeholder");
    document.querySelector("#status").style.color = "#eee";
  });
  await browser.likes("light");
  await eventually(async () => {
    const { shown } = await judged(browser);
    for (const rule of ["label", "color-contrast"]) assert.ok(shown.some((line) => line.startsWith(`${rule}:`)), `${rule} of ${shown}`);
  });
});
