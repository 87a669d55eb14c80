// The history: all steps, pinned ones first; a click shows a step.

import { byId, element, focusOn, svg } from "./element.js";
import { attempt } from "./note.js";
import { goTo, laterStep, parentStep, state } from "./state.js";

const panel = byId("history");
const SHOWN = 200;
const HEIGHT = 52;       // pixels per step
const MOST_LINES = 6;    // most lines side by side

/** @param {Step} step */
const thumb = (step) => element("img", { src: `thumbs/96/${step.id}.png`, alt: "", loading: "lazy" });
/** @param {Step} step */
const go = (step) => attempt(() => goTo(step.name));
/** @param {number} time in seconds since 1970 */
const when = (time) => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit",
  ...(Date.now() / 1000 - time > 43200 ? { month: "short", day: "numeric" } : {}) }).format(time * 1000);

function draw() {
  byId("undo", HTMLButtonElement).disabled = !parentStep();
  byId("redo", HTMLButtonElement).disabled = !laterStep();
  byId("pin").setAttribute("aria-pressed", `${state.pinned.has(state.at)}`);
  if (panel.hidden || !panel.offsetParent) return;
  const steps = [...state.steps.values()];
  const pinned = steps.filter((step) => state.pinned.has(step.name));
  /** @type {Node[]} */
  const parts = [];
  if (pinned.length) {
    const box = element("div", { className: "pins" }, ...pinned.map((step) => {
      const made = element("button", { type: "button", className: "thumb", title: step.label, "aria-label": step.label },
        element("img", { src: `thumbs/128/${step.id}.png`, alt: "", className: "there" }));
      made.addEventListener("click", () => go(step));
      return made;
    }));
    parts.push(element("h2", { textContent: "Pinned" }), box);
  }
  const latest = steps.slice(-SHOWN).reverse();
  const lanes = lanesOf(latest);
  const most = Math.max(0, ...lanes);
  const list = element("ol", { style: `--lane: ${18 + 12 * most}px` }, tree(latest, lanes), ...latest.map((step) => {
    const made = element("button", { type: "button", className: "step" }, thumb(step),
      element("span", { textContent: step.label, title: step.label }), element("small", { textContent: when(step.time) }));
    made.setAttribute("aria-current", `${step.name === state.at}`);
    made.addEventListener("click", () => go(step));
    return element("li", {}, made);
  }));
  parts.push(element("h2", { textContent: "Steps" }), list);
  if (!state.kept) parts.unshift(element("p", { className: "quiet", textContent: "This folder cannot be written into: the history ends with the studio." }));
  panel.replaceChildren(...parts);
}

/** Which line of the tree each step lies on: the first that goes on from a step stays on its line, and
 * another gets one that no step since then lies on.
 *
 * @param {Step[]} latest from the newest on; the lines are in the same order */
function lanesOf(latest) {
  /** @type {number[]} */
  const lanes = [];
  /** @type {Map<string, number>} */
  const places = new Map();
  const taken = new Set();
  [...latest].reverse().forEach(({ name, parent }, i) => {
    const from = places.get(parent);
    places.set(name, i);
    if (from === undefined) lanes.push(0);
    else if (taken.has(parent)) lanes.push(Math.min(MOST_LINES, Math.max(...lanes.slice(from)) + 1));
    else lanes.push(lanes[from]);
    taken.add(parent);
  });
  return lanes.reverse();
}

/** Draw the tree of steps to the left of the list: each step is connected to its parent.
 *
 * @param {Step[]} latest @param {number[]} lanes */
function tree(latest, lanes) {
  const places = latest.map((step, i) => ({ ...step, x: 8 + 12 * lanes[i], y: HEIGHT * (i + 0.5) }));
  const parents = new Map(places.map((place) => [place.name, place]));
  const drawing = svg("svg", { width: 1, height: HEIGHT * latest.length, "aria-hidden": "true" });
  for (const { parent, x, y } of places) {
    const from = parents.get(parent);
    if (from) drawing.append(svg("path", { d: `M${x} ${y}V${from.y - HEIGHT / 2}Q${x} ${from.y} ${from.x} ${from.y}` }));
  }
  for (const { name, x: cx, y: cy } of places) {
    drawing.append(svg("circle", { cx, cy, r: 3.5, ...(name === state.at ? { class: "at" } : {}) }));
  }
  return drawing;
}

state.addEventListener("steps", draw);
new ResizeObserver(draw).observe(panel);

/** Focus the history. */
export const focus = () => focusOn(panel, '[aria-current="true"]');
