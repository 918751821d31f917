// The page in a real browser: what is done there is in the store, what the store has is there, and it is text whatever it says.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { editCard } from "../replica.mjs";
import { browser, page, serve, skip } from "./support/page.mjs";
import { assertEqual, eventually, replica } from "./support/replicas.mjs";

const cards = async (store) => ((await store.state()).cards ?? []).map(({ text, done }) => (done ? `${text} (done)` : text));

const inStore = (store, ...expected) => eventually(async () => assert.deepEqual(await cards(store), expected));

test("the page's server gives the page and nothing else of the directory", async (t) => {
  const origin = await serve(t, 0, "http://store.example");
  const asked = async (path) => {
    const response = await fetch(origin + path);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  for (const path of ["/", "/style.css", "/app.js", "/board.mjs", "/immer.mjs"]) assert.equal((await asked(path))[0], 200, path);
  assert.deepEqual(await asked("/store"), [200, "text/plain", "http://store.example"]);
  for (const path of ["/package.json", "/serve.mjs", "/..%2fserve.mjs", "/node_modules/immer/LICENSE", "/toString", "/?x"]) {
    assert.equal((await asked(path))[0], 404, path);
  }
});

test("what is done in the page is in the store, and what the store gets is in the page", { skip }, async (t) => {
  const { store, shows, says } = await page(t);
  await says(/^connected, version 0$/);
  for (const text of ["write it", "test it", "ship it"]) await browser.type("#text", `${text}\uE007`);
  await inStore(store, "write it", "test it", "ship it");
  await shows("write it", "test it", "ship it");
  await browser.click("li:nth-child(1) .done");
  await inStore(store, "write it (done)", "test it", "ship it");
  await browser.click("li:nth-child(3) .up");
  await inStore(store, "write it (done)", "ship it", "test it");
  await browser.click("li:nth-child(2) .edit");
  await browser.type("li:nth-child(2) .editor", "\uE009a\uE009ship it now\uE007");
  await inStore(store, "write it (done)", "ship it now", "test it");
  await browser.click("li:nth-child(1) .remove");
  await inStore(store, "ship it now", "test it");
  await store.change([
    { op: "add", path: "/title", value: "Plan" },
    { op: "add", path: "/cards/0", value: { id: "x", text: "from elsewhere", done: true } },
    { op: "replace", path: "/cards/2/text", value: "test it twice" },
  ]);
  await shows("from elsewhere", "ship it now", "test it twice");
  await says(/^connected, version 8$/);
  assert.equal(await browser.run(() => document.title), "Plan");
  assert.equal(await browser.run(() => document.querySelector("li .done").checked), true);
  assert.deepEqual(await browser.console(), []);
  if (process.env.SCREENSHOT) writeFileSync(process.env.SCREENSHOT, await browser.screenshot());
});

test("what is written in an editor stays while others move, change and add cards", { skip }, async (t) => {
  const { store, shows } = await page(t);
  await store.change([{ op: "add", path: "/cards", value: ["a", "b", "c"].map((id) => ({ id, text: id, done: false })) }]);
  await shows("a", "b", "c");
  await browser.click("li:nth-child(2) .edit");
  await browser.type("li:nth-child(2) .editor", "\uE009a\uE009half");
  await store.change([
    { op: "move", from: "/cards/1", path: "/cards/0" },
    { op: "add", path: "/cards/0", value: { id: "d", text: "d" } },
  ]);
  await shows("d", "b", "a", "c");
  // Whoever types does not look for the place again.
  await browser.keys(" and whole\uE007");
  await inStore(store, "d", "half and whole", "a", "c");
  assert.equal(await store.version(), 3);
});

test("whatever a card says is text and is never carried out", { skip }, async (t) => {
  const { store, shows } = await page(t);
  const hostile = [
    '<img src=x onerror="window.owned = 1">',
    "<script>window.owned = 2</script>",
    '<svg onload="window.owned = 3"></svg>',
    "<b>bold</b> &amp; &lt;i&gt;",
    "javascript:window.owned=4",
    '"><iframe srcdoc="<script>parent.owned = 5</script>"></iframe>',
  ];
  const made = hostile.map((text, n) => ({ id: n === 0 ? hostile[1] : `${n}`, text, done: false }));
  await store.change({ title: hostile[0], cards: made }, "merge-patch");
  await shows(...hostile);
  await browser.type("#text", `${hostile[0]}\uE007`);
  await shows(...hostile, hostile[0]);
  await browser.click("li:nth-child(1) .edit");
  await browser.type("li:nth-child(1) .editor", "!\uE007");
  await shows(`${hostile[0]}!`, ...hostile.slice(1), hostile[0]);
  const found = await browser.run(() => ({
    owned: window.owned ?? null,
    title: document.querySelector("h1").textContent,
    elements: document.querySelectorAll("main :is(img, svg, iframe, b, i, script, a)").length,
    inside: document.querySelectorAll("#cards .text > *, h1 > *").length,
  }));
  assert.deepEqual(found, { owned: null, title: hostile[0], elements: 0, inside: 0 });
});

test("a document that is no board is shown as far as it is one, and does not break the page", { skip }, async (t) => {
  const { store, shows, says } = await page(t);
  const twice = ["one", "two"].map((text) => ({ id: "twice", text }));
  const odd = [null, 7, { text: "no id" }, { id: 5, text: { deep: [1] } }, ...twice];
  await store.change({ title: { a: 1 }, cards: odd }, "merge-patch");
  await shows("no id", '{"deep":[1]}', "one", "two");
  await store.change({ cards: "none" }, "merge-patch");
  await shows();
  await store.change([{ op: "replace", path: "", value: null }]);
  await says(/version 3$/);
  assert.deepEqual(await browser.console(), []);
});

test("the page goes on when the server is back, with what was written meanwhile", { skip }, async (t) => {
  const { store, shows, says } = await page(t);
  await browser.type("#text", "before\uE007");
  await inStore(store, "before");
  const { board } = replica(t, store.url);
  await board.reached(1);
  await store.stop();
  await says(/^connecting/);
  await browser.type("#text", "meanwhile\uE007");
  await shows("before", "meanwhile");
  await says(/1 to be saved$/);
  // Nor does another page reach it, which writes, too.
  const edit = board.edit(editCard(board.state.cards[0].id, "before that"));
  assert.equal(board.pending, 1);
  store.apply([{ op: "add", path: "/cards/0", value: { id: "e", text: "elsewhere", done: false } }]);
  await store.serve();
  await edit;
  await shows("elsewhere", "before that", "meanwhile");
  await inStore(store, "elsewhere", "before that", "meanwhile");
  await says(/^connected, version 4$/);
  await assertEqual(board, store);
});

test("a page of another origin gets nothing and changes nothing", { skip }, async (t) => {
  const { store, shows } = await page(t);
  await store.change({ cards: [{ id: "1", text: "secret" }] }, "merge-patch");
  await shows("secret");
  // The same page, from a port that nobody has allowed.
  await browser.open(await serve(t, 0, store.url));
  const asked = await browser.run(async (url) => {
    const tried = async (path, options) => {
      const response = await fetch(url + path, options).catch((error) => error);
      return response instanceof Error ? response.name : response.text();
    };
    const body = JSON.stringify({ base: 1, patch: [{ op: "add", path: ["owned"], value: true }] });
    return [
      await tried("/v1/state"),
      await tried("/v1/changes", { method: "POST", headers: { "content-type": "application/json" }, body }),
      // What a page may send without asking first.
      await tried("/v1/changes", { method: "POST", mode: "no-cors", body }),
      await new Promise((resolve) => {
        const events = new EventSource(`${url}/v1/events?from=1`);
        for (const name of ["error", "message"]) events.addEventListener(name, () => resolve(name));
      }),
    ];
  }, store.url);
  assert.deepEqual(asked, ["TypeError", "TypeError", "", "error"]);
  await shows();
  assert.deepEqual(await store.state(), { cards: [{ id: "1", text: "secret" }] });
  assert.equal(await store.version(), 1);
});
