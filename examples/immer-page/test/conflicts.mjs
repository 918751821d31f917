// Whoever is too late is merged with what came since, or makes the change anew if that is wanted; nobody's edit is lost or done twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { addCard, editCard, moveCard, removeCard, tickCard } from "../replica.mjs";
import { Proxy } from "./support/proxy.mjs";
import { Random } from "./support/random.mjs";
import { assertEqual, assertWithoutGaps, eventually, replica } from "./support/replicas.mjs";
import { skip, Store } from "./support/store.mjs";

test("two replicas that write at once both get all that they wrote", { skip }, async (t) => {
  const [store, random] = [await Store.of(t), new Random(3)];
  // Some of the conflicts have to be found out, and not only be possible.
  const [proxy, answers] = [await Proxy.of(t, store), { 201: 0, 409: 0 }];
  proxy.answered = (status, { method }) => method === "POST" && answers[status]++;
  const both = [replica(t, proxy.url), replica(t, proxy.url)];
  await both[0].board.edit((draft) => void Object.assign(draft, { cards: [], count: 0, log: [] }));
  await both[1].board.reached(1);
  const edits = [];
  for (let n = 0; n < 20; n++) {
    for (const [who, { board }] of both.entries()) {
      edits.push(board.edit(addCard(`${n}`, `${who}-${n}`)));
      edits.push(board.edit((draft) => void (draft.count += 1), "count", { exact: true }));
      edits.push(board.edit((draft) => void draft.log.splice(random.below(draft.log.length + 1), 0, `${who}-${n}`)));
      edits.push(board.edit(moveCard(`${who}-${n}`, -3), "move", { exact: true }));
      if (n % 3 === 0) edits.push(board.edit(removeCard(`${who}-${n}`), "remove", { exact: true }));
    }
    if (n % 5 === 4) await Promise.all(edits);
  }
  await Promise.all(edits);
  for (const { board, seen } of both) {
    await assertEqual(board, store);
    assertWithoutGaps(seen, seen[0].version);
    assert.equal(board.pending, 0);
  }
  const { cards, count, log } = both[0].board.state;
  const written = [0, 1].flatMap((who) => Array.from({ length: 20 }, (_, n) => `${who}-${n}`));
  assert.equal(count, 40);
  assert.deepEqual([...log].sort(), [...written].sort());
  const kept = written.filter((id) => id.split("-")[1] % 3 !== 0);
  assert.deepEqual(cards.map(({ id }) => id).sort(), kept.sort());
  assert.ok(answers[409] > 0, `${answers[409]} conflicts, ${answers[201]} changes`);
});

test("a recipe runs again on what somebody else made meanwhile", { skip }, async (t) => {
  const store = await Store.of(t);
  const [proxy, { board: other }] = [await Proxy.of(t, store), replica(t, store.url)];
  for (const id of ["1", "2"]) await other.edit(addCard("theirs", id));
  const { board } = replica(t, proxy.url);
  await board.reached(2);
  let faster = 3;
  proxy.before = async ({ method }) => {
    if (method === "POST" && faster-- > 0) await other.edit(addCard(`before ${faster}`, `n${faster}`));
  };
  assert.equal(await board.edit(moveCard("1", 9), "move", { exact: true }), 6);
  assert.deepEqual(board.state.cards.map(({ id }) => id), ["2", "n2", "n1", "n0", "1"]);
  await assertEqual(board, store);
});

test("an edit is merged with what somebody else made meanwhile, at the first attempt", { skip }, async (t) => {
  const store = await Store.of(t);
  const [proxy, { board: other }] = [await Proxy.of(t, store), replica(t, store.url)];
  await other.edit((draft) => void Object.assign(draft, { list: ["a", "b"], title: "plan" }));
  const { board, seen } = replica(t, proxy.url);
  await board.reached(1);
  let posts = 0;
  proxy.before = async ({ method }) => {
    if (method === "POST" && posts++ === 0) await other.edit((draft) => void draft.list.unshift("x"));
  };
  assert.equal(await board.edit((draft) => void draft.list.push("c")), 3);
  assert.deepEqual(board.state, { list: ["x", "a", "b", "c"], title: "plan" });
  assert.equal(posts, 1);
  await assertEqual(board, store);
  assertWithoutGaps(seen, 2);
});

for (const [how, first, last] of [["one after the other", 0, 1], ["in the other order", 1, 0]]) {
  test(`what two replicas make offline is merged when they are back, ${how}`, { skip }, async (t) => {
    const store = await Store.of(t);
    const proxies = [await Proxy.of(t, store), await Proxy.of(t, store)];
    const both = proxies.map((proxy) => replica(t, proxy.url));
    await both[0].board.edit((draft) => void Object.assign(draft, { cards: [], list: ["m"], 0: 0, 1: 0 }));
    await both[1].board.reached(1);
    const isOffline = [true, true];
    for (const [who, proxy] of proxies.entries()) {
      proxy.before = async () => {
        if (isOffline[who]) throw new Error("offline");
      };
      proxy.hold(() => isOffline[who]);
    }
    const edits = [];
    for (const [who, { board }] of both.entries()) {
      for (let n = 0; n < 5; n++) {
        edits.push(board.edit(addCard(`${n}`, `${who}-${n}`)));
        edits.push(board.edit(editCard(`${who}-${n}`, `${who}-${n} edited`)));
        edits.push(board.edit((draft) => void draft.list.splice(who === 0 ? 0 : draft.list.length, 0, `${who}-${n}`)));
        edits.push(board.edit((draft) => void (draft[who] += 1)));
      }
      assert.equal(board.pending, 20);
      assert.deepEqual([board.state.cards.length, board.state[who]], [5, 5]);
    }
    for (const who of [first, last]) {
      isOffline[who] = false;
      proxies[who].release();
      await eventually(() => assert.equal(both[who].board.pending, 0));
    }
    await Promise.all(edits);
    for (const { board } of both) await assertEqual(board, store);
    const { cards, list, 0: zero, 1: one } = both[0].board.state;
    assert.deepEqual([zero, one], [5, 5]);
    const fronts = [4, 3, 2, 1, 0].map((n) => `0-${n}`);
    assert.deepEqual(list, [...fronts, "m", ...[0, 1, 2, 3, 4].map((n) => `1-${n}`)]);
    assert.equal(cards.length, 10);
    for (const { id, text } of cards) assert.equal(text, `${id} edited`);
    assert.equal(await store.version(), 41);
  });
}

test("an edit of what somebody else removed meanwhile changes nothing", { skip }, async (t) => {
  const store = await Store.of(t);
  const [proxy, { board: other }] = [await Proxy.of(t, store), replica(t, store.url)];
  await other.edit(addCard("theirs", "1"));
  const { board } = replica(t, proxy.url);
  await board.reached(1);
  proxy.before = async ({ method }) => void (method === "POST" && (await other.edit(removeCard("1"))));
  await board.edit(tickCard("1", true));
  assert.deepEqual(board.state, { cards: [] });
  await assertEqual(board, store);
});

test("an edit that is always too late gives up after a while and is taken back", { skip }, async (t) => {
  const store = await Store.of(t);
  const [proxy, { board: other }] = [await Proxy.of(t, store), replica(t, store.url)];
  const { board } = replica(t, proxy.url);
  await board.reached(0);
  const count = (draft) => void (draft.n = (draft.n ?? 0) + 1);
  proxy.before = async ({ method }) => void (method === "POST" && (await other.edit(count)));
  await assert.rejects(board.edit(addCard("never", "1"), "add", { exact: true }), /faster 30 times/);
  assert.deepEqual([board.state, board.pending], [{ n: 30 }, 0]);
  await assertEqual(board, store);
});

test("an answer that has no room for all that came since is caught up with from the history", { skip }, async (t) => {
  const store = await Store.of(t);
  const proxy = await Proxy.of(t, store);
  const { board, seen } = replica(t, proxy.url);
  await board.edit((draft) => void (draft.n = 0));
  // From now on nothing comes by the stream; what is asked for is answered.
  proxy.hold(({ url }) => url.startsWith("/v1/events"));
  for (let n = 1; n <= 250; n++) await store.submit(n, { n }, "merge-patch");
  await board.edit((draft) => void (draft.mine = 0.5));
  assert.deepEqual(board.state, { n: 250, mine: 0.5 });
  proxy.release();
  await store.change({ last: true }, "merge-patch");
  await assertEqual(board, store);
  assertWithoutGaps(seen, 1);
});
