// How fast the inspector's page is on a store that is served already, and how much memory it takes. Prints figures, judges nothing.
// Usage: node tools/cli/tests/browser/bench/page.mjs http://127.0.0.1:PORT/ [PATH OF A LONG LIST]

import { Browser } from "../../../../../examples/immer-page/test/support/browser.mjs";
import { eventually } from "../../../../../examples/immer-page/test/support/replicas.mjs";

const STEPS = 60;
const [address, list = ""] = process.argv.slice(2);
const browser = await Browser.start();

const until = (check, ...args) =>
  eventually(async () => {
    if (!(await browser.run(check, ...args))) throw new Error("not yet");
  }, 120_000);

const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
const told = (name, numbers) => console.log(`${name}: median ${median(numbers).toFixed(1)} ms, most ${Math.max(...numbers).toFixed(1)} ms`);

async function memory(when) {
  await browser.cdp("HeapProfiler.collectGarbage");
  const { metrics } = await browser.cdp("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  console.log(`memory, ${when}: ${(of("JSHeapUsedSize") / 1e6).toFixed(1)} MB of JavaScript, ${of("Nodes")} nodes of the document`);
}

/** How long each of some steps took, from the key to the frame after it was drawn. */
async function stepped(key) {
  await browser.run(() => performance.clearMeasures());
  for (let step = 1; step <= STEPS; step += 1) {
    await browser.keys(key);
    await until((step) => performance.getEntriesByName("redraft:step").length >= step, step);
  }
  return browser.run(() => performance.getEntriesByName("redraft:step").map(({ duration }) => duration));
}

/** How long it took from one frame to the next while the list was scrolled from its beginning to its end. */
const scrolled = () =>
  browser.run(async () => {
    const [view, frames] = [document.querySelector("#tree"), []];
    let last = await new Promise(requestAnimationFrame);
    for (let frame = 0; frame < 120; frame += 1) {
      view.scrollTop = (frame / 120) * view.scrollHeight;
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - last);
      last = now;
    }
    return frames;
  });

try {
  await browser.cdp("Performance.enable");
  await browser.open(`${address}#${new URLSearchParams({ p: list })}`);
  await until(() => performance.getEntriesByName("redraft:shown").length > 0 && document.querySelector("#connection.live"));
  const first = await browser.run(() => [performance.getEntriesByName("first-contentful-paint")[0]?.startTime, performance.getEntriesByName("redraft:shown")[0].startTime]);
  console.log(`first paint: ${first[0]?.toFixed(0)} ms; state, change and timeline shown: ${first[1].toFixed(0)} ms`);
  console.log(`versions: ${await browser.run(() => document.querySelector("#slider").max)}`);
  await memory("opened");
  await browser.run(() => document.activeElement.blur());
  told("a step back", await stepped("j"));
  told("a step on", await stepped("k"));
  if (list) await browser.run(() => document.querySelector("#tree .selected .twisty").click());
  told("a frame while scrolling", await scrolled());
  console.log(`rows in the document: ${await browser.run(() => document.querySelectorAll("#tree .row").length)}`);
  await memory("after all that");
} finally {
  await browser.close();
}
