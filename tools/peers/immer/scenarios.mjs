// The documents and the changes. What is here is said a second time, for redraft, in src/scenario.rs and beside it; the
// documents after a thousand changes are compared before anything is measured, so the two cannot drift apart unnoticed.
// Each change goes on from the state that the one before it made, as it does in a program.

export const ITEMS = 10_000;
const FIELDS = 100;
const LEVELS = 9;
const PATCHES = 1_000;

/** The item that change `op` is about: another one each time, all over the document. */
const touched = (op) => (op * 7919) % ITEMS;

/** The items of a change of a hundred fields, no two the same. */
const scattered = (op, field) => (touched(op) + field * 97) % ITEMS;

/** What a change writes: never what was there. */
const votes = (op, field) => 1_000_000 + op * FIELDS + field;

const item = (index) => ({ id: index, title: `Item number ${index}`, done: false, votes: index % 7 });
const indexes = Array.from({ length: ITEMS }, (_, index) => index);

// A container is where the items are: how it is built, what an item is found by, and how it is found.
const byIndex = (items, key) => items[key];
const list = { keys: indexes, base: () => indexes.map(item), at: byIndex };

function mapIn(shape, keys) {
  const entries = () => indexes.map((index) => [keys[index], item(index)]);
  if (shape === "object") return { keys, base: () => Object.fromEntries(entries()), at: byIndex };
  return { keys, base: () => new Map(entries()), at: (items, key) => items.get(key) };
}

const textKeys = indexes.map((index) => `item-${String(index).padStart(5, "0")}`);
const numberKeys = indexes.map(String);

// A way to change a container: `recipe(op)` for a library to run, or `patches(op)` for it to apply.
function oneField({ keys, base, at }) {
  const recipe = (op) => (draft) => {
    at(draft, keys[touched(op)]).votes = votes(op, 0);
  };
  return { base, recipe };
}

function hundredFields({ keys, base, at }) {
  const recipe = (op) => (draft) => {
    for (let field = 0; field < FIELDS; field++) at(draft, keys[scattered(op, field)]).votes = votes(op, field);
  };
  return { base, recipe };
}

function applying({ keys, base }) {
  const patch = (_, op) => [{ op: "replace", path: [keys[touched(op)], "votes"], value: votes(op, 0) }];
  const made = Array.from({ length: PATCHES }, patch);
  return { base, patches: (op) => made[op % PATCHES] };
}

function pushing({ base }) {
  const recipe = (op) => (draft) => {
    draft.push(item(ITEMS + op));
  };
  return { base, recipe };
}

function level(depth) {
  const child = depth < LEVELS ? level(depth + 1) : null;
  return { label: `Level ${depth}`, weight: depth, votes: 0, child };
}

const deep = {
  base: () => level(0),
  recipe: (op) => (draft) => {
    let inner = draft;
    for (let depth = 0; depth < LEVELS; depth++) inner = inner.child;
    inner.votes = votes(op, 0);
  },
};

const mapScenarios = {
  "map-field": (shape) => oneField(mapIn(shape, textKeys)),
  "map-hundred": (shape) => hundredFields(mapIn(shape, textKeys)),
  "map-apply": (shape) => applying(mapIn(shape, textKeys)),
  "number-map-field": (shape) => oneField(mapIn(shape, numberKeys)),
};

const otherScenarios = {
  "list-field": () => oneField(list),
  "list-hundred": () => hundredFields(list),
  "list-apply": () => applying(list),
  "list-push": () => pushing(list),
  deep: () => deep,
};

/** By name, and for maps by shape: `object` or `map`. */
export const scenarios = { ...mapScenarios, ...otherScenarios };
