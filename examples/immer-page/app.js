// Draws a board and turns clicks into recipes.
//
// Leaves the state and the server to `board.mjs`. Always: what comes from the store gets into the page as text only.

import * as immer from "./immer.mjs";
import { addCard, Board, editCard, moveCard, removeCard, tickCard } from "./board.mjs";

const element = (id) => document.getElementById(id);
const rows = new Map();
let isDrawing = false;

const url = (await (await fetch("store")).text()).trim();
const board = new Board({ url, immer, EventSource, onchange: draw });

element("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (text) change(addCard(text), "add a card");
  event.target.reset();
});

/** To move a card is to take it away and to put it elsewhere, which does not go together with others who do that at the same time. */
const PLACED = { exact: true };

/** Edits the board; what becomes of it is shown when it is not what was meant. */
function change(recipe, label, options = { exact: !board.state?.cards }) {
  element("trouble").hidden = true;
  // Two that begin the list at once would be two lists, of which one stays.
  board.edit(recipe, label, options).catch((error) => {
    element("trouble").textContent = `That could not be done: ${error.message}`;
    element("trouble").hidden = false;
  });
}

function draw({ state, version, pending, isLinked }) {
  const saving = pending > 0 ? `, ${pending} to be saved` : "";
  element("status").textContent = `${isLinked ? "connected" : "connecting"}, version ${Math.max(version, 0)}${saving}`;
  element("status").classList.toggle("linked", isLinked);
  const title = typeof state?.title === "string" ? state.title : "Board";
  document.title = element("cards").ariaLabel = document.querySelector("h1").textContent = title;
  // Other programs may keep anything under these names.
  const cards = Array.isArray(state?.cards) ? state.cards.filter((card) => card !== null && typeof card === "object") : [];
  drawCards(cards);
  element("empty").hidden = state === undefined || cards.length > 0;
}

function drawCards(cards) {
  const [list, focused] = [element("cards"), document.activeElement];
  isDrawing = true;
  const keys = keysOf(cards);
  for (const [key, row] of rows) {
    if (keys.includes(key)) continue;
    row.remove();
    rows.delete(key);
  }
  cards.forEach((card, place) => {
    const row = rows.get(keys[place]) ?? newRow(card.id);
    rows.set(keys[place], row);
    fill(row, card, place, cards.length);
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  });
  // A row that was moved has lost it.
  if (focused?.isConnected) focused.focus();
  isDrawing = false;
}

/** A card is known by its id, and one that has none of its own by its place. */
function keysOf(cards) {
  const ids = cards.map((card) => card.id);
  return ids.map((id, place) => (typeof id === "string" && ids.indexOf(id) === place ? `id ${id}` : `place ${place}`));
}

function fill(row, card, place, count) {
  const part = (name) => row.querySelector(`.${name}`);
  const isNamed = typeof card.id === "string";
  row.classList.toggle("is-done", card.done === true);
  part("done").checked = card.done === true;
  part("text").textContent = typeof card.text === "string" ? card.text : JSON.stringify(card.text ?? "");
  for (const name of ["done", "edit", "remove"]) part(name).disabled = !isNamed;
  part("up").disabled = !isNamed || place === 0;
  part("down").disabled = !isNamed || place === count - 1;
}

function newRow(id) {
  const row = element("card").content.firstElementChild.cloneNode(true);
  const on = (name, event, act) => row.querySelector(`.${name}`).addEventListener(event, act);
  on("done", "change", (event) => change(tickCard(id, event.target.checked), "tick a card"));
  on("up", "click", () => change(moveCard(id, -1), "move a card", PLACED));
  on("down", "click", () => change(moveCard(id, 1), "move a card", PLACED));
  on("remove", "click", () => change(removeCard(id), "remove a card", PLACED));
  on("edit", "click", () => openEditor(row));
  on("text", "dblclick", () => openEditor(row));
  on("editor", "blur", () => closeEditor(row, id, true));
  on("editor", "keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") closeEditor(row, id, event.key === "Enter");
  });
  return row;
}

function openEditor(row) {
  const [text, editor] = [row.querySelector(".text"), row.querySelector(".editor")];
  if (row.querySelector(".edit").disabled) return;
  editor.value = text.textContent;
  [text.hidden, editor.hidden] = [true, false];
  editor.focus();
}

function closeEditor(row, id, isMeant) {
  const [text, editor] = [row.querySelector(".text"), row.querySelector(".editor")];
  // Drawing moves rows, and that is no end of writing.
  if (editor.hidden || isDrawing) return;
  const written = editor.value.trim();
  [text.hidden, editor.hidden] = [false, true];
  if (isMeant && written && written !== text.textContent) change(editCard(id, written), "edit a card");
}
