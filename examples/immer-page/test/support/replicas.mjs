// Replicas that are closed with the test, and what they were told.

import assert from "node:assert/strict";
import { follow } from "../../replica.mjs";

/** A board, and the versions that it applied with the state that each made. */
export function replica(test, url) {
  const seen = [];
  const board = follow(url, (board, change) => change && seen.push({ version: change.version, state: board.confirmed }));
  test.after(() => board.close());
  return { board, seen };
}

/** Once what is tried no longer fails. There is no other way to learn that something was lost for good. */
export async function eventually(attempt, patience_ms = 20_000) {
  for (const end = Date.now() + patience_ms; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The board has all of the store, and the store says the same. */
export async function assertEqual(board, store) {
  await board.reached(await store.version());
  assert.deepEqual(board.confirmed, await store.state());
  assert.equal(board.version, await store.version());
}

/** Each version once and in order. */
export function assertWithoutGaps(seen, first) {
  assert.deepEqual(seen.map(({ version }) => version), seen.map((_, place) => first + place));
}
