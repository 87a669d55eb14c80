// The current scene and the history of scenes, from which everything else on the page follows.

import { get, post } from "./api.js";

/** `scene` is what the server says of the one that is shown (`record.py`); it tells
 * "scene" when another is shown, and "steps" when the history changed. */
export const state = Object.assign(new EventTarget(), {
  scene: null,
  base: null,         // the scene to which pending changes apply
  steps: new Map(),   // name → { name, parent, label, time, id }
  at: "",             // the current step
  pinned: new Set(),
  file: "",           // the file of the current scene
  folder: "",
  kept: true,
  by: "",             // the part of the page that changed it last: "wall", "controls", "history", …
});

const later = new Map();  // step → its child that was shown last
const told = (name) => state.dispatchEvent(new Event(name));

/** Show an error or a note for a moment. */
export const note = (text, bad = false) =>
  state.dispatchEvent(new CustomEvent("note", { detail: { text, bad } }));

/** Start with the history of the last session, which comes with the page. */
export async function begin() {
  const { steps, at, pinned, scene, file, folder, kept } = JSON.parse(document.getElementById("begun").textContent);
  for (const step of steps) remember(step);
  Object.assign(state, { pinned: new Set(pinned), file, folder, kept });
  if (scene) arrive(at, scene, "history");
  else await goTo(at);
}

function remember(step) {
  state.steps.set(step.name, step);
  later.set(step.parent, step.name);
}

function show(scene, by) {
  state.scene = scene;
  state.by = by;
  told("scene");
}

/** Show a step of the history. */
export async function goTo(name, by = "history") {
  const step = state.steps.get(name);
  if (!step) return;
  pending = null;
  arrive(name, await get(`scenes/${step.id}.json`), by);
  await post("steps/at", { name });
}

function arrive(name, scene, by) {
  state.at = name;
  state.base = scene;
  later.set(state.steps.get(name).parent, name);
  show(scene, by);
  told("steps");
}

export const parentStep = () => state.steps.get(state.steps.get(state.at)?.parent);
export const laterStep = () => state.steps.get(later.get(state.at));
export const undo = () => parentStep() && goTo(parentStep().name);
export const redo = () => laterStep() && goTo(laterStep().name);

/** Show a scene and make it a step. */
export async function take(scene, label, by) {
  pending = null;
  state.base = scene;
  show(scene, by);
  if (state.steps.get(state.at)?.id === scene.id) return;
  await addStep(scene, label);
}

async function addStep(scene, label) {
  const step = await post("steps", { id: scene.id, parent: state.at, label });
  remember(step);
  state.at = step.name;
  told("steps");
}

/** Take a variation by its id. */
export const takeNamed = async (id, label, by) => take(await get(`scenes/${id}.json`), label, by);

// ---- changes: one request at a time, the latest wins ---------------------------------------------

let pending = null;      // section → key → value, all differences from `state.base`
let changed = false;     // since the last request
let words = "";           // the step's label, "" to derive it from the changes
let finished = false;    // whether the changes become a step
let busy = false;
/** Awaited between changes, so that each becomes visible; set by the canvas. */
export const pace = { shown: async () => {} };

/** Change keys of the scene; with `final` the result becomes a step of the history with a label. */
export function change(changes, final = true, by = "controls", label = "") {
  pending = merged(pending ?? {}, changes);
  words = label;
  changed = true;
  finished ||= final;
  return busy ? null : sendChanges(by);
}

async function sendChanges(by) {
  busy = true;
  try {
    while (changed && pending) {
      const sent = pending, last = finished;
      changed = finished = false;
      const scene = await post("scenes", { base: state.base.id, changes: sent });
      if (pending === null) break;  // something else is shown meanwhile
      if (last && !changed) {
        pending = null;
        await take(scene, words || scene.label, by);
      } else {
        finished ||= last;
        show(scene, by);
        await pace.shown();
      }
    }
  } catch (error) {
    pending = null;
    changed = finished = false;
    note(error.message, true);
    show(state.base, "error");
  } finally {
    busy = false;
  }
}

function merged(old, changes) {
  const all = { ...old };
  for (const [section, keys] of Object.entries(changes)) all[section] = { ...all[section], ...keys };
  return all;
}

/** Pin or unpin the current step. */
export async function pin(name = state.at) {
  const on = !state.pinned.has(name);
  if (on) state.pinned.add(name);
  else state.pinned.delete(name);
  told("steps");
  await post("steps/pin", { name, on });
}
