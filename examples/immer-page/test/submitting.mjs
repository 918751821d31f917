// What produceWithPatches makes of a recipe is what the store then has, or the recipe is taken back.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as immer from "immer";
import { addCard, editCard, moveCard, removeCard, tickCard } from "../replica.mjs";
import { Random } from "./support/random.mjs";
import { assertEqual, replica } from "./support/replicas.mjs";
import { skip, Store } from "./support/store.mjs";

const SEED = Number(process.env.SEED ?? 7);

const START = {
  list: [5, 3, 8, 1],
  deep: { rows: [{ cells: [1, 2] }, { cells: [] }], "a/b": { "~": { "": [0] } } },
  numbers: { 0: "zero", 1: "one" },
  text: "first",
};

const RECIPES = {
  "push several": (draft) => void draft.list.push(7, { n: 1 }, [2]),
  "insert at the front": (draft) => void draft.list.unshift(0),
  "splice, taking more than is put in": (draft) => void draft.list.splice(1, 2, "new"),
  "splice, putting in more than is taken": (draft) => void draft.list.splice(1, 1, "a", "b", "c"),
  reverse: (draft) => void draft.list.reverse(),
  sort: (draft) => void draft.list.sort(),
  "swap by assignment": (draft) => void ([draft.list[0], draft.list[3]] = [draft.list[3], draft.list[0]]),
  "cut off by length": (draft) => void (draft.list.length = 2),
  "empty by length": (draft) => void (draft.list.length = 0),
  "another array in its place": (draft) => void (draft.list = draft.list.filter((n) => n > 2)),
  "into an array in an array": (draft) => void draft.deep.rows[1].cells.push(draft.deep.rows[0].cells.pop()),
  "move what is in an array": (draft) => void draft.deep.rows.push(immer.current(draft.deep.rows.shift())),
  "names with / and ~": (draft) => {
    draft.deep["a/b"]["~"][""].push(1);
    draft.deep["a/b"]["~1"] = "~0";
    draft["/"] = { "~/~": true };
  },
  "names that are numbers": (draft) => {
    draft.numbers[2] = "two";
    delete draft.numbers[0];
  },
  "delete and make again as something else": (draft) => {
    delete draft.deep;
    draft.deep = [draft.text];
  },
  "no value at all": (draft) => void (draft.text = null),
  "text of every kind": (draft) => void (draft.text = '<img src=x onerror="1">\u0000\u2028😀"\\'),
  "another state altogether": () => ({ list: [], other: { 0: [] } }),
};

test("each kind of recipe arrives in the store as it was meant", { skip }, async (t) => {
  const store = await Store.of(t);
  const [{ board }, { board: other }] = [replica(t, store.url), replica(t, store.url)];
  for (const [name, recipe] of Object.entries(RECIPES)) {
    await board.edit(() => START);
    const version = await board.edit(recipe, name);
    const meant = immer.produce(START, recipe);
    assert.notDeepEqual(meant, START, name);
    assert.deepEqual(await store.state(version), meant, name);
    assert.deepEqual(board.confirmed, meant, name);
    await other.reached(version);
    assert.deepEqual(other.state, meant, name);
  }
  const labels = (await store.changes()).map(({ label }) => label).filter(Boolean);
  assert.deepEqual(labels, Object.keys(RECIPES));
});

test("150 random recipes arrive in the store as they were meant", { skip }, async (t) => {
  const store = await Store.of(t);
  const [{ board }, { board: other }] = [replica(t, store.url), replica(t, store.url)];
  let [meant, changed] = [{}, 0];
  for (let n = 0; n < 150; n++) {
    // It runs more than once, and has to do the same.
    const recipe = (draft) => void new Random(SEED * 1000 + n).change(draft);
    const before = meant;
    meant = immer.produce(meant, recipe);
    const version = await board.edit(recipe);
    changed += meant === before ? 0 : 1;
    assert.deepEqual(board.confirmed, meant, `seed ${SEED}, edit ${n}`);
    assert.deepEqual(await store.state(version), meant, `seed ${SEED}, edit ${n}`);
  }
  assert.ok(changed > 100, `${changed} changes`);
  await assertEqual(other, store);
  assert.deepEqual(other.state, meant);
});

test("cards are added, edited, ticked, moved and removed", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board } = replica(t, store.url);
  for (const id of ["a", "b", "c"]) await board.edit(addCard(id.toUpperCase(), id));
  for (const recipe of [editCard("a", "first"), tickCard("b", true), moveCard("a", 2), moveCard("c", -9), removeCard("b")]) {
    await board.edit(recipe);
  }
  assert.deepEqual(await store.state(), {
    cards: [
      { id: "c", text: "C", done: false },
      { id: "a", text: "first", done: false },
    ],
  });
  // What is not there any more is left alone, and nothing is recorded.
  const version = board.version;
  for (const recipe of [editCard("b", "x"), tickCard("b", false), moveCard("b", 1), removeCard("b"), moveCard("a", 1)]) {
    assert.equal(await board.edit(recipe), version);
  }
  assert.equal(await store.version(), version);
});

test("edits are seen at once, in their order, and are in the store when they say so", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board, seen } = replica(t, store.url);
  await board.reached(0);
  const edits = Array.from({ length: 10 }, (_, n) => board.edit(addCard(`card ${n}`, `${n}`)));
  assert.deepEqual(board.state.cards.map((card) => card.id), [..."0123456789"]);
  assert.deepEqual([board.confirmed, board.pending], [{}, 10]);
  assert.deepEqual(await Promise.all(edits), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual([board.state, board.pending], [board.confirmed, 0]);
  assert.equal(seen.length, 10);
  await assertEqual(board, store);
});

test("what is refused is taken back, and the edits after it stay", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board } = replica(t, store.url);
  await board.edit(addCard("one", "1"));
  const refused = {
    "a hole in an array": (draft) => void (draft.cards[4] = { id: "5" }),
    "no value where JSON has to have one": (draft) => void (draft.cards[0].text = undefined),
    "a change too large": (draft) => void (draft.cards[0].text = "x".repeat(2 << 20)),
  };
  for (const [name, recipe] of Object.entries(refused)) {
    const edits = [board.edit(recipe), board.edit(tickCard("1", true)), board.edit(tickCard("1", false))];
    await assert.rejects(edits[0], (error) => [413, 422].includes(error.problem.status), name);
    await Promise.all(edits.slice(1));
  }
  await assert.rejects(board.edit((draft) => void draft.no.such.thing), TypeError);
  assert.deepEqual(board.state, { cards: [{ id: "1", text: "one", done: false }] });
  await assertEqual(board, store);
});

test("an edit of a board that is closed is rejected", { skip }, async (t) => {
  const store = await Store.of(t);
  const { board } = replica(t, store.url);
  await board.reached(0);
  const edit = board.edit(addCard("late", "1"));
  board.close();
  await assert.rejects(edit, /closed/);
  await assert.rejects(board.edit(addCard("later", "2")), /closed/);
  await assert.rejects(board.reached(99), /closed/);
});
