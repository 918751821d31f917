// One library, one scenario: either the document after so many changes, or how many changes it makes in a second.
// Started anew for each answer, so that no measurement runs on code or a heap that another one has shaped.
//
//   node peer.mjs document LIBRARY SCENARIO SHAPE OPS
//   node peer.mjs measure LIBRARY SCENARIO SHAPE RESET SECONDS
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { libraries } from "./libraries.mjs";
import { scenarios } from "./scenarios.mjs";

const CHECKED_EVERY = 100;
const CHANGES = 1_000;
const OPS_BETWEEN_CLOCKS = 8;
const WARM_UP = 0.5;

/** How this library carries out change `op` of this scenario: to `[state, patches, inverse patches]`. */
function steps(library, scenario) {
  if (scenario.recipe) return (state, op) => library.produce(state, scenario.recipe(op));
  return (state, op) => [library.apply(state, scenario.patches(op))];
}

/** A state as JSON would have it. A frozen Map carries functions of its own, which are not part of the document. */
const plain = (state) => (state instanceof Map ? Object.fromEntries(state) : state);
const same = (one, other) => isDeepStrictEqual(plain(one), plain(other));

/** The patches must lead from the old state to the new one, and the inverse patches back. */
function check(library, before, [after, patches, inverse]) {
  assert(!same(before, after), "nothing changed");
  if (!patches) return;
  assert(same(library.apply(before, patches), after), "the patches lead elsewhere");
  assert(same(library.apply(after, inverse), before), "the inverse patches do not lead back");
}

function documentAfter(ops, base, step, library) {
  let state = base;
  for (let op = 0; op < ops; op++) {
    const result = step(state, op);
    if (op % CHECKED_EVERY === 0) check(library, state, result);
    state = result[0];
  }
  return plain(state);
}

/** Changes a second. The state goes on from change to change, and is the base again after every `reset`. */
function rate(seconds, reset, base, step) {
  let state = base;
  let op = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    for (let again = 0; again < OPS_BETWEEN_CLOCKS; again++, op++) {
      if (op % reset === 0) state = base;
      state = step(state, op % CHANGES)[0];
    }
    elapsed = performance.now() - start;
  }
  assert(state !== base);
  return (op / elapsed) * 1000;
}

const [verb, libraryName, scenarioName, shape, count, seconds] = process.argv.slice(2);
const library = libraries[libraryName]();
const scenario = scenarios[scenarioName](shape);
const step = steps(library, scenario);
const base = scenario.base();
if (verb === "document") {
  process.stdout.write(JSON.stringify(documentAfter(Number(count), base, step, library)));
} else {
  rate(Number(seconds) * WARM_UP, Number(count), base, step);
  process.stdout.write(String(rate(Number(seconds), Number(count), base, step)));
}
