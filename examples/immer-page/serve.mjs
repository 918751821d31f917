#!/usr/bin/env node
// Serves the page, and Immer beside it: node serve.mjs [PORT [STORE_URL]]
//
// Leaves the store to `redraft serve`, which has to be told that this page may ask: --allow-origin. Always: nothing but the files
// in the table, to this machine only.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

const [port = 8000, store = "http://127.0.0.1:7878"] = process.argv.slice(2);
const here = (path) => new URL(path, import.meta.url);
const SCRIPT = "text/javascript";
const FILES = {
  "/": [here("index.html"), "text/html; charset=utf-8"],
  "/style.css": [here("style.css"), "text/css"],
  "/app.js": [here("app.js"), SCRIPT],
  "/board.mjs": [here("board.mjs"), SCRIPT],
  "/immer.mjs": [here("node_modules/immer/dist/immer.production.mjs"), SCRIPT],
};
const own = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; frame-ancestors 'none'";
const policy = `${own}; connect-src 'self' ${store}`;

const server = createServer(async ({ url }, response) => {
  const headers = { "content-security-policy": policy, "cache-control": "no-cache", "x-content-type-options": "nosniff" };
  const answer = (status, type, body) => response.writeHead(status, { ...headers, "content-type": type }).end(body);
  if (url === "/store") return answer(200, "text/plain", store);
  const [file, type] = Object.hasOwn(FILES, url) ? FILES[url] : [];
  const body = file && (await readFile(file).catch(() => undefined));
  return body ? answer(200, type, body) : answer(404, "text/plain", "there is nothing here");
});
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
