// Random documents and changes, the same for the same seed.
//
// Always: a change is told as a patch and as what it makes of the document by JavaScript alone, so that neither redraft nor Immer
// is asked what should come of it.

/** Names that mean something to somebody on the way: to JSON Pointer, to arrays, to objects of JavaScript. */
const NAMES = ["a", "b", "a/b", "~", "~1", "m~n", "", "0", "01", "-", "length", "ä\u0000", "😀", "toString", "a b?&#%"];

export class Random {
  #seed;

  constructor(seed) {
    this.#seed = seed;
  }

  below(count) {
    // Mulberry32.
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  }

  of(choices) {
    return choices[this.below(choices.length)];
  }

  value(depth = 2) {
    const plain = [
      () => this.below(1000) - 500,
      () => this.below(1000) / 8,
      () => this.of(["", "text", "<b>&amp;</b>", "ünï 😀", '"\\\n']),
      () => this.of([true, false, null]),
      () => Number.MAX_SAFE_INTEGER - this.below(10),
    ];
    if (depth === 0 || this.below(3) > 0) return this.of(plain)();
    const count = this.below(4);
    if (this.below(2)) return Array.from({ length: count }, () => this.value(depth - 1));
    return Object.fromEntries(Array.from({ length: count }, () => [this.of(NAMES), this.value(depth - 1)]));
  }

  /** A change of a document, which it makes: `{ format, patch }`. */
  change(document) {
    const { at, path } = this.#container(document);
    if (path.length > 0 && this.below(8) === 0) return this.#merge(document);
    return Array.isArray(at) ? this.#ofArray(at, path) : this.#ofObject(at, path);
  }

  #container(document) {
    let [at, path] = [document, []];
    while (this.below(3) > 0) {
      const inside = Object.entries(at).filter(([, value]) => value !== null && typeof value === "object");
      if (inside.length === 0) break;
      const [name, value] = this.of(inside);
      [at, path] = [value, [...path, Array.isArray(at) ? Number(name) : name]];
    }
    return { at, path };
  }

  #ofArray(array, path) {
    const at = this.below(array.length + 1);
    switch (this.below(4)) {
      case 0: {
        const [del, ins] = [this.below(array.length - at + 1), Array.from({ length: this.below(4) }, () => this.value(1))];
        array.splice(at, del, ...structuredClone(ins));
        return { format: "native", patch: [{ op: "splice", path, at, del, ins }] };
      }
      case 1:
        if (array.length > 1) {
          const [from, to] = [this.below(array.length), this.below(array.length)];
          array.splice(to, 0, ...array.splice(from, 1));
          return { format: "json-patch", patch: [{ op: "move", from: pointer([...path, from]), path: pointer([...path, to]) }] };
        }
      // falls through
      case 2:
        if (at < array.length) {
          array.splice(at, 1);
          return { format: "json-patch", patch: [{ op: "remove", path: pointer([...path, at]) }] };
        }
      // falls through
      default: {
        const value = this.value();
        array.splice(at, 0, structuredClone(value));
        return { format: "json-patch", patch: [{ op: "add", path: pointer([...path, at]), value }] };
      }
    }
  }

  #ofObject(object, path) {
    const [names, value] = [Object.keys(object), this.value()];
    const name = names.length > 6 ? this.of(names) : this.of(NAMES);
    const place = pointer([...path, name]);
    if (typeof object[name] === "number" && Math.abs(object[name]) < 1e6 && Number.isInteger(object[name])) {
      object[name] += 7;
      return { format: "native", patch: [{ op: "inc", path: [...path, name], by: 7 }] };
    }
    if (names.includes(name) && this.below(3) === 0) {
      delete object[name];
      return { format: "json-patch", patch: [{ op: "remove", path: place }] };
    }
    object[name] = structuredClone(value);
    return { format: "json-patch", patch: [{ op: "add", path: place, value }] };
  }

  /** By RFC 7396, at a name of its own. */
  #merge(document) {
    const [name, old] = this.of(["merged", "joined"].map((name) => [name, document[name]]));
    const [key, value] = [this.of(NAMES), this.below(1000)];
    document[name] = { ...(old !== null && typeof old === "object" && !Array.isArray(old) ? old : {}), [key]: value };
    return { format: "merge-patch", patch: { [name]: { [key]: value } } };
  }
}

export function pointer(path) {
  return path.map((name) => `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
