// An EventSource for node, as much of it as `board.mjs` uses: browsers have their own.
//
// Reads server-sent events with `fetch`. Leaves coming back to whoever listens. Always: ends with one event `error`, unless it was
// closed.

export class EventSource extends EventTarget {
  #closing = new AbortController();

  constructor(url) {
    super();
    this.#read(url).catch(() => {}).finally(() => this.#tell("error"));
  }

  close() {
    this.#closing.abort();
  }

  #tell(name, facts = {}) {
    if (!this.#closing.signal.aborted) this.dispatchEvent(Object.assign(new Event(name), facts));
  }

  async #read(url) {
    const headers = { accept: "text/event-stream" };
    const response = await fetch(url, { headers, cache: "no-store", signal: this.#closing.signal });
    const type = response.headers.get("content-type") ?? "";
    if (response.status !== 200 || !type.startsWith("text/event-stream")) return;
    this.#tell("open");
    let event = new Map();
    for await (const line of linesOf(response.body)) {
      if (line !== "") event = withField(event, line);
      else event = this.#dispatch(event);
    }
  }

  #dispatch(event) {
    if (event.has("data")) {
      this.#tell(event.get("event") ?? "message", { data: event.get("data"), lastEventId: event.get("id") ?? "" });
    }
    return new Map();
  }
}

/** Lines as they come, without their ends. A last one that has no end is not whole, and not told. */
async function* linesOf(body) {
  const decoder = new TextDecoder();
  let begun = [];
  for await (const piece of body) {
    const [first, ...others] = decoder.decode(piece, { stream: true }).split("\n");
    // Joined once it is whole, for it may be long.
    begun.push(first);
    for (const next of others) {
      yield begun.join("").replace(/\r$/, "");
      begun = [next];
    }
  }
}

function withField(event, line) {
  const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
  const before = name === "data" && event.has("data") ? `${event.get("data")}\n` : "";
  return event.set(name, before + value);
}
