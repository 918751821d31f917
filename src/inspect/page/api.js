// What the server is asked, and who asks it.
//
// Always: addresses are relative, for the page may be mounted below any path; a token is kept nowhere but in memory.

export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || `the server answered ${status}`);
    this.status = status;
    this.kind = told.kind ?? "";
  }

  get isDamage() {
    return this.kind === "damage" || this.kind === "damaged";
  }
}

export class Api {
  #token = null;
  #asking = null;
  #askToken;

  /** `askToken` is called with whether one was refused, and answers another. */
  constructor(askToken) {
    this.#askToken = askToken;
  }

  async #fetch(path, options = {}) {
    for (;;) {
      const sent = this.#token;
      const headers = { ...options.headers, ...(sent && { authorization: `Bearer ${sent}` }) };
      const response = await fetch(`./api/${path}`, { ...options, headers, cache: "no-store" });
      if (response.ok) return response;
      if (response.status !== 401) throw new Problem(response.status, await toldBy(response));
      if (sent === this.#token) await this.#another(sent !== null);
    }
  }

  /** However many requests want a token, it is asked for once. */
  async #another(refused) {
    this.#asking ??= this.#askToken(refused).finally(() => (this.#asking = null));
    this.#token = await this.#asking;
  }

  async get(path, query = {}, signal) {
    return (await this.#fetch(path + asQuery(query), { signal })).json();
  }

  async text(path, query = {}) {
    return (await this.#fetch(path + asQuery(query))).text();
  }

  async post(path, body) {
    const headers = { "content-type": "application/json" };
    return (await this.#fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /** The versions, as they become durable, until the server ends it. Not an EventSource, which could send no token. */
  async *events(signal) {
    const { body } = await this.#fetch("events", { signal, headers: { accept: "text/event-stream" } });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (text + value).split("\n\n");
      text = events.pop();
      yield events.map(versionIn).filter((version) => version !== null).at(-1) ?? null;
    }
  }
}

function versionIn(event) {
  const data = event.split("\n").find((line) => line.startsWith("data:"));
  return data ? JSON.parse(data.slice(5)).version : null;
}

function asQuery(query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

async function toldBy(response) {
  return response.json().catch(() => ({}));
}
