// Starts the page, and connects what belongs to no single part.

import { connection, get, STOPPED } from "./api.js";
import * as canvas from "./canvas.js";
import * as controls from "./controls.js";
import { byId, moveByArrows, tabsOf } from "./element.js";
import * as film from "./film.js";
import * as files from "./files.js";
import * as history from "./history.js";
import "./gestures.js";
import { attempt, note } from "./note.js";
import * as renders from "./renders.js";
import { begin, change, current, goTo, pace, pin, redo, state, undo } from "./state.js";
import * as wall from "./wall.js";

// ---- the server ----------------------------------------------------------------------------------

connection.addEventListener("lost", () => note(STOPPED, true));
connection.addEventListener("back", () => {
  note("The studio is back.");
  attempt(() => goTo(state.at));
});

// ---- panels --------------------------------------------------------------------------------------

/** @type {Record<string, { focus: () => void }>} */
const PANELS = { wall, controls, history, time: film };
const wide = matchMedia("(min-width: 861px)");
const sides = byId("sides");

/** Show a panel.
 *
 * @param {string} name */
function side(name, focused = false) {
  document.body.dataset.side = wide.matches && name === "wall" ? "controls" : name;
  for (const tab of tabsOf(sides)) {
    const chosen = tab.dataset.side === document.body.dataset.side;
    tab.setAttribute("aria-selected", `${chosen}`);
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (focused) PANELS[name].focus();
}
/** @param {HTMLElement} tab */
const turnTo = (tab) => side(tab.dataset.side ?? "wall");
for (const tab of tabsOf(sides)) tab.addEventListener("click", () => turnTo(tab));
moveByArrows(sides, turnTo);
wide.addEventListener("change", () => side(wide.matches ? "controls" : "wall"));
side("wall");

// ---- buttons and keys ----------------------------------------------------------------------------

const RUN = {
  undo, redo, pin, open: files.open, save: files.save, render: renders.open, help: () => byId("keys", HTMLDialogElement).showModal(),
};
for (const [id, run] of Object.entries(RUN)) byId(id).addEventListener("click", () => attempt(run));

/** @type {Record<string, () => unknown>} */
const KEYS = {
  z: undo, Z: redo, y: redo, p: pin, o: files.open, s: files.save, r: renders.open, "?": RUN.help,
  "+": () => canvas.zoomBy(1.5), "=": () => canvas.zoomBy(1.5), "-": () => canvas.zoomBy(1 / 1.5),
  "0": canvas.fit, "1": canvas.actualPixels, "[": () => canvas.turnBy(-15), "]": () => canvas.turnBy(15),
  t: canvas.toggleThirds, x: canvas.compare, f: canvas.frameSeen, b: wall.breed,
  v: () => side("wall", true), c: () => side("controls", true), h: () => side("history", true), m: () => side("time", true),
};
/** @type {Record<string, () => unknown>} */
const WITH_CONTROL = { z: undo, Z: redo, y: redo, s: files.save, o: files.open };
/** @param {EventTarget | null} target */
const typing = (target) => target instanceof Element && target.matches('input:not([type="range"], [type="checkbox"], [type="color"]), textarea, select');

addEventListener("keydown", (event) => {
  if (event.altKey || document.querySelector("dialog[open]") || !state.scene) return;
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Escape") return film.stop(), byId("view").focus();
  if (!control && typing(event.target)) return;
  if (control && typing(event.target) && !["s", "o"].includes(event.key)) return;
  const run = (control ? WITH_CONTROL : KEYS)[event.key];
  if (!run) return;
  event.preventDefault();
  attempt(run);
});

// ---- start ---------------------------------------------------------------------------------------

state.addEventListener("scene", () => {
  const { values, size, canvas: { width, height } } = current();
  const name = state.file.replace(/\.toml$/, "") || `${values.cppn.preset} ${values.cppn.seed}`;
  byId("name").textContent = name;
  byId("size").textContent = `${width.toLocaleString("en")} × ${height.toLocaleString("en")} px`;
  byId("size").title = Object.entries(size).map(([key, value]) => `${key}: ${value}`).join("\n");
  document.title = `${name} – tilecppn studio`;
});
Object.assign(window, { studio: { state, change, note, camera: canvas.camera } });  // for use in the browser's console

attempt(async () => {
  const seen = pace.shown();
  await begin();
  await seen;  // show the picture before the controls
  const schema = await get("schema.json");
  controls.begin(schema);
  film.begin(schema);
});
