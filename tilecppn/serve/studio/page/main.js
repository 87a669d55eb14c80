// Starts the page, and connects what belongs to no single part.

import { connection, get } from "./api.js";
import * as canvas from "./canvas.js";
import * as controls from "./controls.js";
import { $, moveByArrows } from "./element.js";
import * as film from "./film.js";
import * as files from "./files.js";
import * as history from "./history.js";
import "./gestures.js";
import * as renders from "./renders.js";
import { begin, change, goTo, note, pace, pin, redo, state, undo } from "./state.js";
import * as wall from "./wall.js";

// ---- messages ------------------------------------------------------------------------------------

let quiet = 0;
state.addEventListener("note", (/** @type {CustomEvent} */ { detail: { text, bad } }) => {
  $("note").textContent = text;
  $("note").classList.toggle("bad", bad);
  $("note").hidden = false;
  clearTimeout(quiet);
  if (!connection.lost) quiet = setTimeout(() => ($("note").hidden = true), bad ? 6000 : 2500);
});
connection.addEventListener("lost", () => note("The studio has stopped. Start it again in the same folder, and this page goes on.", true));
connection.addEventListener("back", () => {
  note("The studio is back.");
  goTo(state.at).catch((error) => note(error.message, true));
});

// ---- panels --------------------------------------------------------------------------------------

const PANELS = { wall, controls, history, time: film };
const wide = matchMedia("(min-width: 861px)");

function side(name, focused = false) {
  document.body.dataset.side = wide.matches && name === "wall" ? "controls" : name;
  for (const tab of $("sides").children) {
    const chosen = tab.dataset.side === document.body.dataset.side;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (focused) PANELS[name].focus();
}
for (const tab of $("sides").children) tab.addEventListener("click", () => side(tab.dataset.side));
moveByArrows($("sides"), (tab) => side(tab.dataset.side));
wide.addEventListener("change", () => side(wide.matches ? "controls" : "wall"));
side("wall");

// ---- buttons and keys ----------------------------------------------------------------------------

const guarded = (run) => async (event) => {
  try {
    await run(event);
  } catch (error) {
    note(error.message, true);
  }
};
const RUN = {
  undo, redo, pin: () => pin(), open: files.open, save: files.save, render: renders.open, help: () => $("keys").showModal(),
};
for (const [id, run] of Object.entries(RUN)) $(id).addEventListener("click", guarded(run));

const KEYS = {
  z: undo, Z: redo, y: redo, p: () => pin(), o: files.open, s: files.save, r: renders.open, "?": RUN.help,
  "+": () => canvas.zoomBy(1.5), "=": () => canvas.zoomBy(1.5), "-": () => canvas.zoomBy(1 / 1.5),
  "0": canvas.fit, "1": canvas.actualPixels, "[": () => canvas.turnBy(-15), "]": () => canvas.turnBy(15),
  t: canvas.toggleThirds, x: canvas.compare, f: canvas.frameSeen, b: wall.breed,
  v: () => side("wall", true), c: () => side("controls", true), h: () => side("history", true), m: () => side("time", true),
};
const WITH_CONTROL = { z: undo, Z: redo, y: redo, s: files.save, o: files.open };
const typing = (target) => target.matches('input:not([type="range"], [type="checkbox"], [type="color"]), textarea, select');

addEventListener("keydown", (event) => {
  if (event.altKey || document.querySelector("dialog[open]") || !state.scene) return;
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Escape") return film.stop(), $("view").focus();
  if (!control && typing(event.target)) return;
  if (control && typing(event.target) && !["s", "o"].includes(event.key)) return;
  const run = (control ? WITH_CONTROL : KEYS)[event.key];
  if (!run) return;
  event.preventDefault();
  guarded(run)(event);
});

// ---- start ---------------------------------------------------------------------------------------

state.addEventListener("scene", () => {
  const { values, size, canvas: { width, height } } = state.scene;
  const name = state.file.replace(/\.toml$/, "") || `${values.cppn.preset} ${values.cppn.seed}`;
  $("name").textContent = name;
  $("size").textContent = `${width.toLocaleString("en")} × ${height.toLocaleString("en")} px`;
  $("size").title = Object.entries(size).map(([key, value]) => `${key}: ${value}`).join("\n");
  document.title = `${name} – tilecppn studio`;
});
Object.assign(window, { studio: { state, change, camera: canvas.camera } });  // for use in the browser's console

guarded(async () => {
  const seen = pace.shown();
  await begin();
  await seen;  // show the picture before the controls
  const schema = await get("schema.json");
  controls.begin(schema);
  film.begin(schema);
})();
