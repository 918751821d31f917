// A replica begins with the state, applies what comes with Immer's own applyPatches, and has what the store has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./support/random.mjs";
import { assertEqual, assertWithoutGaps, replica } from "./support/replicas.mjs";
import { skip, Store } from "./support/store.mjs";

const SEED = Number(process.env.SEED ?? 7);

test("a replica of an empty store begins with the empty state", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board } = replica(t, store.url);
  assert.equal(board.state, undefined);
  await board.reached(0);
  assert.deepEqual(board.state, {});
});

test("a replica begins with the newest state and not with the history", { skip }, async (t) => {
  const store = await Store.of(t, null);
  for (let n = 1; n <= 5; n++) store.apply({ n }, "merge-patch");
  await store.serve([]);
  const { board, seen } = replica(t, store.url);
  await board.reached(5);
  assert.deepEqual([board.state, seen], [{ n: 5 }, []]);
  await store.change([{ op: "add", path: "/m", value: [1] }]);
  await board.reached(6);
  assert.deepEqual(seen, [{ version: 6, state: { n: 5, m: [1] } }]);
});

test("200 random changes in every format end in the same state, by way of the same states", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board, seen } = replica(t, store.url);
  await board.reached(0);
  const [random, model, states] = [new Random(SEED), {}, []];
  for (let version = 0; version < 200; ) {
    const { format, patch } = random.change(model);
    const made = await store.submit(version, patch, format);
    // What changes nothing is no change.
    if (made > version) states.push(structuredClone(model));
    version = made;
  }
  await assertEqual(board, store);
  assertWithoutGaps(seen, 1);
  assert.equal(seen.length, 200);
  seen.forEach(({ version, state }) => assert.deepEqual(state, states[version - 1], `seed ${SEED}, version ${version}`));
  for (let version = 10; version <= 200; version += 10) {
    assert.deepEqual(await store.state(version), states[version - 1], `seed ${SEED}, version ${version}`);
  }
});

test("a replica follows a store that another process writes beside the server", { skip }, async (t) => {
  const store = await Store.of(t, ["--read-only"]);
  const { board, seen } = replica(t, store.url);
  await board.reached(0);
  const [random, model] = [new Random(SEED + 1), {}];
  for (let n = 0; n < 30; n++) {
    const { format, patch } = random.change(model);
    store.apply(patch, format);
  }
  // The last one says that all have come.
  store.apply({ last: true }, "merge-patch");
  while (!board.state.last) await board.reached(board.version + 1);
  assert.deepEqual(board.state, { ...model, last: true });
  await assertEqual(board, store);
  assertWithoutGaps(seen, 1);
  await assert.rejects(board.edit((draft) => void (draft.mine = 1)), /only be read|only lets read/);
  assert.equal(board.state.mine, undefined);
});

for (const name of ["constructor", "__proto__"]) {
  test(`what Immer will not apply, below ${name}, is fetched instead`, { skip }, async (t) => {
    const store = await Store.of(t);
    const { board } = replica(t, store.url);
    await store.change([{ op: "add", path: `/${name}`, value: { a: 1 } }]);
    await store.change([{ op: "replace", path: `/${name}/a`, value: 2 }]);
    await assertEqual(board, store);
    assert.deepEqual(Object.entries(board.state), [[name, { a: 2 }]]);
    await store.change([{ op: "add", path: "/b", value: 3 }]);
    await assertEqual(board, store);
    assert.deepEqual(Object.entries(board.state), [[name, { a: 2 }], ["b", 3]]);
    assert.equal({}.a, undefined);
  });
}
