// Where in the history and in the state the page stands, and the address that says so.
//
// Always: opening the address again shows the same version, place and view.

const VIEWS = ["change", "node", "compare", "bisect", "health"];
/** Browsers refuse to have the address changed more often. */
const PAUSE_MS = 200;

export class Place {
  version = null;
  path = "";
  view = "change";
  axis = "time";
  colour = "writer";
  a = null;
  b = null;
  #pending = null;

  constructor() {
    this.read();
  }

  read() {
    const said = new URLSearchParams(location.hash.slice(1));
    const number = (name) => (/^\d{1,16}$/.test(said.get(name) ?? "") ? Number(said.get(name)) : null);
    const oneOf = (name, known, otherwise) => (known.includes(said.get(name)) ? said.get(name) : otherwise);
    [this.version, this.a, this.b] = ["v", "a", "b"].map(number);
    this.path = (said.get("p") ?? "").startsWith("/") ? said.get("p") : "";
    this.view = oneOf("view", VIEWS, this.view);
    this.axis = oneOf("axis", ["time", "version"], this.axis);
    this.colour = oneOf("colour", ["writer", "label", "kind"], this.colour);
  }

  get hash() {
    const said = new URLSearchParams({ v: this.version });
    if (this.path) said.set("p", this.path);
    said.set("view", this.view);
    if (this.axis !== "time") said.set("axis", this.axis);
    if (this.colour !== "writer") said.set("colour", this.colour);
    for (const name of ["a", "b"]) if (this[name] !== null) said.set(name, this[name]);
    return `#${said}`;
  }

  write() {
    this.#pending ??= setTimeout(() => {
      this.#pending = null;
      if (location.hash !== this.hash) history.replaceState(null, "", this.hash);
    }, PAUSE_MS);
  }
}
