// What axe-core says of what a browser shows.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is wrong, with where and why; and how many rules had something to look at. */
export async function judged(browser) {
  await browser.run(`() => { if (!window.axe) { ${axe} } }`);
  return browser.run(async () => {
    const { violations, passes } = await window.axe.run(document);
    const shown = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
    return { shown, rules: passes.length };
  });
}
