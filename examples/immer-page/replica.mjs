#!/usr/bin/env node
// Follows a store from node and prints each state, or makes one change and stops. `node replica.mjs --help` says how.
//
// Leaves all that a replica is to `board.mjs`, which the page uses too. As a module it gives what a program in node needs.

import * as immer from "immer";
import { pathToFileURL } from "node:url";
import { addCard, Board, editCard, moveCard, removeCard, tickCard } from "./board.mjs";
import { EventSource } from "./event-source.mjs";

export * from "./board.mjs";

/** Follows the store behind a server; see `Board`. */
export function follow(url, onchange) {
  return new Board({ url, immer, EventSource, onchange });
}

const HELP = `usage: node replica.mjs URL                     print the state, and again after each change
       node replica.mjs URL add TEXT
       node replica.mjs URL edit ID TEXT
       node replica.mjs URL tick|untick|remove ID
       node replica.mjs URL move ID PLACES         down, or up if there is a minus before it`;

const VERBS = {
  add: (text) => addCard(text),
  edit: editCard,
  tick: (id) => tickCard(id, true),
  untick: (id) => tickCard(id, false),
  move: (id, places) => moveCard(id, Number(places)),
  remove: removeCard,
};

async function main([url, verb, ...rest]) {
  if (url === "--help") return void console.log(HELP);
  const recipe = Object.hasOwn(VERBS, verb ?? "") && VERBS[verb](...rest);
  if (!url?.startsWith("http") || (verb && !recipe)) {
    console.error(HELP);
    return 2;
  }
  let printed = -1;
  const print = (board) => {
    if (board.version === printed) return;
    printed = board.version;
    console.log(JSON.stringify({ version: board.version, state: board.confirmed }));
  };
  const board = follow(url, verb ? undefined : print);
  if (!verb) return undefined;
  try {
    await board.reached(0);
    // Two that begin the list at once would be two lists, of which one stays.
    const exact = !board.state?.cards;
    console.log(JSON.stringify({ version: await board.edit(recipe, `${verb} by replica.mjs`, { exact }) }));
    return 0;
  } catch (error) {
    console.error(error.message);
    return 1;
  } finally {
    board.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.exitCode = await main(process.argv.slice(2));
