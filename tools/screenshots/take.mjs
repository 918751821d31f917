// The pictures of the inspector in docs/images, light and dark, taken of a store made for them.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser } from "../../examples/immer-page/test/support/browser.mjs";
import { eventually } from "../../examples/immer-page/test/support/replicas.mjs";
import { redraft } from "../../examples/immer-page/test/support/store.mjs";
import { shop } from "./shop.mjs";

const IMAGES = new URL("../../docs/images/", import.meta.url);
const CHANGES = 1200;
const PICTURES = [
  { name: "inspector-light", scheme: "light", hash: "v=821&p=/products/p-102/stock&view=node&colour=label", ready: "#life li" },
  { name: "inspector-dark", scheme: "dark", hash: "v=821&p=/products/p-102/stock&view=change&colour=label", ready: "#panel-change .patch li" },
];

const dir = mkdtempSync(join(tmpdir(), "redraft-pictures-"));
const [store, lines] = [join(dir, "shop"), join(dir, "shop.jsonl")];
writeFileSync(lines, shop(CHANGES));
redraft(["init", store]);
redraft(["import", "jsonl", lines, store]);
const server = spawn(process.env.REDRAFT, ["inspect", store, "--listen", "127.0.0.1:0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
const { address } = JSON.parse(await new Promise((resolve) => server.stdout.once("data", resolve)));
const browser = await Browser.start();
try {
  await browser.cdp("Emulation.setDeviceMetricsOverride", { width: 1200, height: 700, deviceScaleFactor: 1, mobile: false });
  for (const picture of PICTURES) await take(picture);
} finally {
  await browser.close();
  server.kill();
  rmSync(dir, { recursive: true });
}

async function take({ name, scheme, hash, ready }) {
  await browser.likes(scheme);
  await browser.open("about:blank");
  await browser.open(`${address}#${hash}`);
  await eventually(async () => {
    const isReady = (ready) => document.querySelectorAll(`${ready}, #legend li, #connection.live, #tree .selected .key`).length >= 7 && document.querySelector(ready) && document.querySelector("#tree .selected .value.int");
    if (!(await browser.run(`(ready) => Boolean((${isReady})(ready))`, ready))) throw new Error(`${name} is not drawn`);
  });
  const file = new URL(`${name}.png`, IMAGES);
  writeFileSync(file, await browser.screenshot());
  console.log(file.pathname);
}
