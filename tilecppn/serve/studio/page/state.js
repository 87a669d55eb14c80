// The current scene and the history of scenes, from which everything else on the page follows.

import { get, post } from "./api.js";
import { byId } from "./element.js";
import { complain, clearError } from "./note.js";

/** Emits "scene" when another scene is shown, and "steps" when the history changed. */
class State extends EventTarget {
  /** @type {Scene | null} */
  scene = null;  // the one that is shown
  /** @type {Scene | null} */
  base = null;   // the scene to which pending changes apply
  /** @type {Map<string, Step>} */
  steps = new Map();
  at = "";       // the current step
  /** @type {Set<string>} */
  pinned = new Set();
  file = "";     // the file of the current scene
  folder = "";
  kept = true;
  by = "";       // the part of the page that changed it last: "wall", "controls", "history", …

  /** @param {"scene" | "steps"} name */
  tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
export const state = new State();

/** The scene that is shown; there is one from the first event "scene" on. */
export function current() {
  if (!state.scene) throw new Error("no picture is shown yet");
  return state.scene;
}

/** @type {Map<string, string>} */
const later = new Map();  // step → its child that was shown last
let asked = 0;  // counts what was asked for, so that a scene that arrives late is not shown
/** The step asked for last; the server names a new one some time after its scene is shown.
 *
 * @type {Promise<string>} */
let here = Promise.resolve("");

/** Start with the history of the last session, which comes with the page. */
export async function begin() {
  /** @type {Session} */
  const { steps, at, pinned, scene, file, folder, kept } = JSON.parse(byId("begun").textContent);
  steps.forEach(remember);
  Object.assign(state, { pinned: new Set(pinned), file, folder, kept });
  const step = state.steps.get(at);
  here = Promise.resolve(at);
  if (step && scene) arrive(step, scene, "history");
  else await goTo(at);
}

/** @param {Step} step */
function remember(step) {
  state.steps.set(step.name, step);
  later.set(step.parent, step.name);
}

/** @param {Scene} scene @param {string} by */
function show(scene, by) {
  state.scene = scene;
  state.by = by;
  state.tell("scene");
}

/** A scene by its id; null if something else was asked for meanwhile.
 *
 * @param {string} id */
async function fetched(id) {
  const mine = ++asked;
  const scene = await get(`scenes/${id}.json`);
  return mine === asked ? scene : null;
}

/** Show a step of the history.
 *
 * @param {string} name */
export async function goTo(name, by = "history") {
  const step = state.steps.get(name);
  if (!step) return;
  forget();
  const going = here = Promise.resolve(name);
  const scene = await fetched(step.id).catch((error) => {
    if (here === going) here = Promise.resolve(state.at);
    throw error;
  });
  if (!scene) return;
  arrive(step, scene, by);
  await post("steps/at", { name });
}

/** @param {Step} step @param {Scene} scene @param {string} by */
function arrive(step, scene, by) {
  state.at = step.name;
  state.base = scene;
  later.set(step.parent, step.name);
  show(scene, by);
  state.tell("steps");
}

/** @param {string | undefined} name */
const stepOf = (name) => state.steps.get(name ?? "");
export const parentStep = (name = state.at) => stepOf(stepOf(name)?.parent);
export const laterStep = (name = state.at) => stepOf(later.get(name));
export const undo = async () => goTo(parentStep(await here)?.name ?? "");
export const redo = async () => goTo(laterStep(await here)?.name ?? "");

/** Show a scene and make it a step, the child of the one asked for before.
 *
 * @param {Scene} scene @param {string} label @param {string} by */
export async function take(scene, label, by) {
  asked++;
  forget();
  state.base = scene;
  show(scene, by);
  const before = here, entered = before.then((parent) => enter(scene, label, parent));
  here = entered.catch(() => before);
  const name = await entered;
  if (state.base === scene) state.at = name;
  state.tell("steps");
}

/** Make a scene a step after another one, unless it is that step's; returns the step's name.
 *
 * @param {Scene} scene @param {string} label @param {string} parent */
async function enter(scene, label, parent) {
  if (stepOf(parent)?.id === scene.id) return parent;
  const step = await post("steps", { id: scene.id, parent, label });
  remember(step);
  return step.name;
}

/** Take a variation by its id; returns whether nothing else was asked for meanwhile.
 *
 * @param {string} id @param {string} label @param {string} by */
export async function takeNamed(id, label, by) {
  const scene = await fetched(id);
  if (scene) await take(scene, label, by);
  return scene !== null;
}

// ---- changes: one request at a time, the latest wins ---------------------------------------------

/** @type {Changes | null} */
let pending = null;      // all differences from `state.base`
let changed = false;     // since the last request
let words = "";           // the step's label, "" to derive it from the changes
let finished = false;    // whether the changes become a step
/** @type {Promise<void> | null} */
let sending = null;
/** Whether a change waits for the one before it. */
export const isChanging = () => changed;

/** Drop pending changes. */
function forget() {
  pending = null;
  changed = finished = false;
}

/** The canvas, which sets these. */
export const pace = {
  /** Stops asking for tiles; returns the places of glimpses that shall come with the changed scene.
   *
   * @type {() => string[]} */
  begin: () => [],
  /** Keeps those that came, base64 of PNGs by their places.
   *
   * @type {(scene: string, glimpses: Record<string, string>) => Promise<unknown>} */
  keep: async () => undefined,
  /** Awaited between changes, so that each becomes visible. */
  shown: async () => {},
};

/** Change keys of the scene; with `final` the result becomes a step of the history with a label.
 *
 * Resolves when it is shown.
 *
 * @param {Changes} changes */
export async function change(changes, final = true, by = "controls", label = "") {
  if (!state.base) return;
  pending = merged(pending ?? {}, changes);
  words = label;
  changed = true;
  finished ||= final;
  await (sending ??= sendChanges(by));
}

/** @param {string} by */
async function sendChanges(by) {
  try {
    while (changed && pending && state.base) {
      const { base } = state, sent = pending, last = finished;
      changed = finished = false;
      const scene = await post("scenes", { base: base.id, changes: sent, glimpses: pace.begin() });
      clearError();
      await pace.keep(scene.id, scene.glimpses);
      if (!pending || state.base !== base) continue;  // something else is shown meanwhile
      if (last && !changed) {
        await take(scene, words || scene.label, by);
      } else {
        finished ||= last;
        show(scene, by);
        await pace.shown();
      }
    }
  } catch (error) {
    forget();
    complain(error);
    if (state.base) show(state.base, "error");
  } finally {
    sending = null;
  }
}

/** @param {Changes} old @param {Changes} changes */
function merged(old, changes) {
  const all = { ...old };
  for (const [section, keys] of Object.entries(changes)) all[section] = { ...all[section], ...keys };
  return all;
}

/** Pin or unpin the current step. */
export async function pin() {
  const name = await here, on = !state.pinned.has(name);
  if (on) state.pinned.add(name);
  else state.pinned.delete(name);
  state.tell("steps");
  await post("steps/pin", { name, on });
}
