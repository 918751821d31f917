// A replica of a redraft store in a program that has Immer, be it a page or node.
//
// Holds the state as the store has it, and over it what was edited here and is not in the store yet. Leaves drawing to `app.js`
// and the terminal to `replica.mjs`; both hand in Immer and an EventSource. Always: every version is applied once and in order;
// an edit comes into the store once or not at all, and whoever made it learns which; what it was made on is told with it, so that the
// store can merge it with what others made meanwhile.

const ATTEMPTS_MAX = 30;
const WAIT_MS_MIN = 100;
const WAIT_MS_MAX = 5000;

/** The server said no, and why: `problem` is what it answered. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? `the server answered ${problem.status}`);
    this.problem = problem;
  }
}

/** Follows the store behind a `redraft serve` from now on, until it is closed. */
export class Board {
  #url;
  #immer;
  #EventSource;
  #told;
  #history = null;
  #confirmed;
  #version = -1;
  #view = null;
  #mustLoad = false;
  #isLinked = false;
  #edits = [];
  /** Under which name edits are submitted, and the newest number that one has. The same name and number are merged once. */
  #writer = freshWriter();
  #last = 0;
  #isSettling = false;
  #waiting = [];
  /** Why it is closed, once it is; and what is to be ended then. */
  #closed = null;
  #ends = new Set();

  /** `onchange(board, change)` is called when anything is different; `change` is there if a version was applied. */
  constructor({ url, immer, EventSource, onchange = () => {} }) {
    immer.enablePatches();
    this.#url = url.replace(/\/$/, "");
    this.#immer = immer;
    this.#EventSource = EventSource;
    this.#told = onchange;
    this.#run();
  }

  /** The state as people here should see it: the store's, and what was edited here on top. Undefined before the first. */
  get state() {
    if (this.#version < 0) return undefined;
    // Costs all edits that are pending, and so is done when it is wanted.
    this.#view ??= { state: this.#edits.filter(isMissing).reduce((state, edit) => this.#tried(state, edit), this.#confirmed) };
    return this.#view.state;
  }

  /** The state as the store has it at `version`. */
  get confirmed() {
    return this.#confirmed;
  }

  /** How many changes the confirmed state is made of; -1 before the first. */
  get version() {
    return this.#version;
  }

  /** How many edits are not in the store yet. */
  get pending() {
    return this.#edits.filter(isMissing).length;
  }

  /** Whether news come in. */
  get isLinked() {
    return this.#isLinked;
  }

  /**
   * Changes the state by a recipe, at once for who looks at it here. Resolves to the version in which the change is in the store;
   * rejects, and takes it back, if the recipe throws or the server refuses. What it changed is merged with what others made
   * meanwhile, by the rules of the store. With `exact` it is not: where somebody else was faster the recipe runs again on what they
   * made. It may run more than once anyway, so that it should look at its draft and change nothing else.
   */
  edit(recipe, label, { exact = false } = {}) {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const edit = { recipe, label, exact, patch: null, version: null, resolve, reject };
      this.#makeOnThoseBefore(edit);
      this.#edits.push(edit);
      this.#show();
      this.#settleAll();
    });
  }

  /** Resolves when a version is there. */
  reached(version) {
    if (this.#version >= version) return Promise.resolve();
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => this.#waiting.push({ version, resolve, reject }));
  }

  /** Stops following. Edits that are not known to be in the store are rejected. */
  close() {
    this.#closed = new Error("the board was closed");
    for (const end of this.#ends) end();
    for (const { reject } of [...this.#edits.splice(0), ...this.#waiting.splice(0)]) reject(this.#closed);
  }

  // Following.

  async #run() {
    for (let failures = 0; !this.#closed; failures++) {
      try {
        await this.#begin();
        const since = Date.now();
        await this.#listen();
        // A server that hangs up at once is not asked more often for that.
        if (Date.now() - since > WAIT_MS_MAX) failures = 0;
      } catch {
        // Whatever it was, the next round finds out whether it still is.
      }
      this.#isLinked = false;
      this.#show();
      await this.#pause(failures);
    }
  }

  /** Makes sure that what comes next fits what is here: another history, or a part of this one that is gone, does not. */
  async #begin() {
    // An edit may be answered while this is not, so what is compared is what was here when it was asked.
    const known = this.#version;
    const { history, oldest, version } = await this.#store();
    const isThere = oldest <= this.#version && known <= version;
    if (history === this.#history && isThere && !this.#mustLoad) return;
    await this.#load(history);
  }

  /** What the server says of its store, and which history that has: versions of another one mean other states. */
  async #store() {
    const { ok, answer } = await this.#ask("/v1/store");
    if (!ok) throw new Refused(answer);
    return { ...answer, history: `${answer.store} ${answer.epoch}` };
  }

  /** Takes the newest state in place of what is here, unless that has become newer meanwhile. */
  async #load(history = this.#history) {
    const known = this.#version;
    const { ok, headers, answer } = await this.#ask("/v1/state");
    if (!ok) throw new Refused(answer);
    const version = Number(headers.get("redraft-version"));
    if (history === this.#history && known <= version && version < this.#version) return;
    if (history !== this.#history) this.#rename();
    this.#history = history;
    this.#confirmed = this.#immer.freeze(answer, true);
    this.#version = version;
    this.#mustLoad = false;
    this.#moved();
  }

  /** Resolves when the stream is over. */
  #listen() {
    return new Promise((resolve) => {
      const events = new this.#EventSource(`${this.#url}/v1/events?format=immer&from=${this.#version + 1}`);
      const end = () => {
        // A browser would come back by itself, but not ask whether this is still the same history.
        events.close();
        this.#ends.delete(end);
        resolve();
      };
      events.addEventListener("open", () => {
        this.#isLinked = true;
        this.#show();
      });
      events.addEventListener("message", (event) => {
        if (!this.#take(JSON.parse(event.data))) end();
      });
      events.addEventListener("compacted", () => {
        this.#mustLoad = true;
        end();
      });
      for (const name of ["failed", "error"]) events.addEventListener(name, end);
      this.#ends.add(end);
    });
  }

  /** Applies a change, if it is the next one. False if the state has to be had from the store. */
  #take(change) {
    // The stream and the answer to a conflict tell the same things.
    if (change.version <= this.#version) return true;
    try {
      if (change.version !== this.#version + 1) throw new Error(`version ${change.version} after ${this.#version}`);
      this.#confirmed = this.#immer.applyPatches(this.#confirmed, change.patch);
    } catch {
      // There are names, like __proto__, that Immer does not write to for good reasons.
      this.#mustLoad = true;
      return false;
    }
    this.#version = change.version;
    const isOwn = ({ patch, sequence }) => patch !== null && change.writer === this.#writer && change.sequence === sequence;
    const own = this.#edits.find(isOwn);
    // It shows with the confirmed state now. What became of it is in the answer to whoever submits it.
    if (own) own.version = change.version;
    this.#moved(change);
    return true;
  }

  /** There is another confirmed state. */
  #moved(change) {
    const isHere = ({ version }) => version <= this.#version;
    for (const done of this.#waiting.filter(isHere)) done.resolve(done.version);
    this.#waiting = this.#waiting.filter((waiting) => !isHere(waiting));
    this.#show(change);
  }

  #show(change) {
    this.#view = null;
    if (!this.#closed) this.#told(this, change);
  }

  /** What an edit makes of a state; the same if it cannot do anything with it, which it is told when it is its turn. */
  #tried(state, { recipe }) {
    try {
      return this.#immer.produce(state, recipe);
    } catch {
      return state;
    }
  }

  // Submitting.

  /** What an edit changes, on the confirmed state or on an edit that is to be merged before it. It may throw. */
  #make(edit, state = this.#confirmed) {
    const [after, patch] = this.#immer.produceWithPatches(state, edit.recipe);
    Object.assign(edit, { after, patch, base: this.#version, sequence: patch.length > 0 ? ++this.#last : null });
  }

  /** The same as soon as it is made, if what it was made on can be told: no news came in since those before it were made. */
  #makeOnThoseBefore(edit) {
    const before = this.#edits.at(-1);
    const isTold = !before || (!edit.exact && before.patch !== null && before.base === this.#version);
    if (this.#version < 0 || !isTold) return;
    try {
      this.#make(edit, before?.after);
    } catch {
      // It is told when it is its turn, and may do better then.
    }
  }

  /** All that is not merged yet is made on the newest state, when it is its turn; numbers go on behind `last`. */
  #makeAnew(last) {
    this.#last = last;
    for (const edit of this.#edits) Object.assign(edit, { patch: null, version: null });
  }

  /** Another store knows nothing of the numbers that were used up. */
  #rename() {
    this.#writer = freshWriter();
    this.#makeAnew(0);
  }

  /** One edit after the other: each stands on the one before it. */
  async #settleAll() {
    if (this.#isSettling) return;
    this.#isSettling = true;
    while (this.#edits.length > 0) {
      const edit = this.#edits[0];
      try {
        await this.reached(0);
        const version = await this.#settle(edit);
        await this.reached(version);
        edit.resolve(version);
      } catch (error) {
        edit.reject(error);
      }
      this.#edits = this.#edits.filter((other) => other !== edit);
      this.#show();
    }
    this.#isSettling = false;
  }

  async #settle(edit) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (edit.patch === null) this.#make(edit);
      if (edit.patch.length === 0) return edit.base;
      const { sequence } = edit;
      const { status, answer } = await this.#submit(edit);
      if (status < 300) {
        await this.#takeAnswer(edit, answer);
        if (answer.outcome !== "rejected") return answer.version;
        // Its number is used up, and those that stand on it have to be made anew.
        this.#makeAnew(sequence);
        if (answer.why !== "rerun") throw new Refused(answer);
        continue;
      }
      this.#makeAnew(sequence - 1);
      if (answer.expected !== undefined) {
        // The store has forgotten something, and so this writer's numbers no longer fit.
        this.#rename();
      } else if (status === 409 && answer.changes !== undefined) {
        await this.#catchUp(answer).catch(() => this.#pause(attempt));
      } else {
        throw new Refused(answer);
      }
    }
    throw new Error(`somebody else was faster ${ATTEMPTS_MAX} times`);
  }

  /** Does not wait for the stream to tell what the answer tells. */
  async #takeAnswer({ label, patch, sequence }, { version, changes }) {
    // Nothing came in between, and it took effect as it was sent: as JSON, which has no form for some numbers.
    const sent = { version, label, writer: this.#writer, sequence, patch: JSON.parse(JSON.stringify(patch)) };
    // If that cannot be had now, the stream tells it.
    await this.#catchUp({ changes: changes === undefined ? [sent] : changes, head: version }).catch(() => {});
  }

  /** What the server says to a submission. The same one goes out until it says something: by its number it is merged once. */
  async #submit({ base, patch, label, sequence, exact }) {
    const history = this.#history;
    const headers = { "content-type": "application/json" };
    const by = { writer: this.#writer, sequence, stale: exact ? "refuse" : "merge" };
    const body = JSON.stringify({ base, format: "immer", patch, label, ...by, store: history?.split(" ")[0] });
    for (let failures = 0; ; failures++) {
      try {
        // A version of this number in another history is not the one that it was made on.
        const isAnother = failures > 0 && (await this.#store()).history !== history;
        if (isAnother || this.#history !== history) return { status: 410, answer: { detail: "this is another store now" } };
        const { status, answer } = await this.#ask("/v1/changes", { method: "POST", headers, body });
        if (status < 500 && this.#history === history) return { status, answer };
      } catch (error) {
        if (this.#closed) throw error;
      }
      await this.#pause(failures);
    }
  }

  /** Takes what came since from the answer to somebody who was too late, and the rest from the history. */
  async #catchUp({ changes, head }) {
    let page = changes;
    while (page !== null && page.every((change) => this.#take(change)) && this.#version < head) {
      const { ok, answer } = await this.#ask(`/v1/changes?format=immer&from=${this.#version + 1}`);
      page = ok ? answer : null;
    }
    if (this.#version < head) await this.#load();
  }

  // Asking.

  /** All of an answer, unless the board is closed before it is there. */
  async #ask(path, options) {
    if (this.#closed) throw this.#closed;
    const asking = new AbortController();
    const end = () => asking.abort(this.#closed);
    this.#ends.add(end);
    try {
      const response = await fetch(this.#url + path, { ...options, signal: asking.signal });
      return { ok: response.ok, status: response.status, headers: response.headers, answer: await response.json() };
    } finally {
      this.#ends.delete(end);
    }
  }

  /** Longer after each failure, and not the same for everybody who lost the same server. */
  #pause(failures) {
    const longest = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** Math.min(failures, 10));
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#ends.delete(end);
        resolve();
      };
      const timer = setTimeout(end, longest * (0.5 + Math.random() / 2));
      this.#ends.add(end);
      if (this.#closed) end();
    });
  }
}

/** Whether an edit is not part of the confirmed state. */
const isMissing = ({ version }) => version === null;

function freshWriter() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function freshName() {
  return Array.from({ length: 3 }, () => Math.random().toString(36).slice(2)).join("");
}

// Recipes. A card that somebody else has removed meanwhile is left alone.

const placeOf = (board, id) => (board.cards ?? []).findIndex((card) => card.id === id);

const onCard = (id, change) => (board) => {
  const place = placeOf(board, id);
  if (place >= 0) change(board.cards[place], place, board.cards);
};

export const addCard = (text, id = freshName()) => (board) => {
  board.cards ??= [];
  board.cards.push({ id, text, done: false });
};

export const editCard = (id, text) => onCard(id, (card) => void (card.text = text));

export const tickCard = (id, done) => onCard(id, (card) => void (card.done = done));

/** By so many places, down if that is positive. */
export const moveCard = (id, places) =>
  onCard(id, (card, from, cards) => {
    const to = Math.max(0, Math.min(cards.length - 1, from + places));
    const [moved] = cards.splice(from, 1);
    cards.splice(to, 0, moved);
  });

export const removeCard = (id) => onCard(id, (card, place, cards) => void cards.splice(place, 1));
