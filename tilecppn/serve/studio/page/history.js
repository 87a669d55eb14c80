// The history: all steps, pinned ones first; a click shows a step.

import { $, element, svg } from "./element.js";
import { goTo, laterStep, note, parentStep, state } from "./state.js";

const panel = $("history");
const SHOWN = 200;
const HEIGHT = 52;       // pixels per step
const MOST_LINES = 6;    // most lines side by side

const thumb = (step) => element("img", { src: `thumbs/96/${step.id}.png`, alt: "", loading: "lazy" });
const go = (name) => goTo(name).catch((error) => note(error.message, true));
const when = (time) => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit",
  ...(Date.now() / 1000 - time > 43200 ? { month: "short", day: "numeric" } : {}) }).format(time * 1000);

function draw() {
  $("undo").disabled = !parentStep();
  $("redo").disabled = !laterStep();
  $("pin").setAttribute("aria-pressed", state.pinned.has(state.at));
  if (panel.hidden || !panel.offsetParent) return;
  const steps = [...state.steps.values()];
  const pinned = steps.filter((step) => state.pinned.has(step.name));
  const parts = [];
  if (pinned.length) {
    const box = element("div", { className: "pins" }, ...pinned.map((step) => {
      const made = element("button", { type: "button", className: "thumb", title: step.label, "aria-label": step.label },
        element("img", { src: `thumbs/128/${step.id}.png`, alt: "", className: "there" }));
      made.addEventListener("click", () => go(step.name));
      return made;
    }));
    parts.push(element("h2", { textContent: "Pinned" }), box);
  }
  const latest = steps.slice(-SHOWN).reverse();
  const lanes = lanesOf(latest);
  const most = Math.max(0, ...lanes.values());
  const list = element("ol", { style: `--lane: ${18 + 12 * most}px` }, tree(latest, lanes), ...latest.map((step) => {
    const made = element("button", { type: "button", className: "step" }, thumb(step),
      element("span", { textContent: step.label, title: step.label }), element("small", { textContent: when(step.time) }));
    made.setAttribute("aria-current", step.name === state.at);
    made.addEventListener("click", () => go(step.name));
    return element("li", {}, made);
  }));
  parts.push(element("h2", { textContent: "Steps" }), list);
  if (!state.kept) parts.unshift(element("p", { className: "quiet", textContent: "This folder cannot be written into: the history ends with the studio." }));
  panel.replaceChildren(...parts);
}

/** Which line of the tree each step lies on: the first that goes on from a step stays on its line, and
 * another gets one that no step since then lies on. */
function lanesOf(latest) {
  const lanes = new Map(), taken = new Set();
  const steps = [...latest].reverse();
  steps.forEach(({ name, parent }, i) => {
    const line = lanes.get(parent);
    if (line === undefined) return lanes.set(name, 0);
    const since = steps.slice(steps.findIndex((step) => step.name === parent), i).map((step) => lanes.get(step.name));
    lanes.set(name, taken.has(parent) ? Math.min(MOST_LINES, Math.max(...since) + 1) : line);
    taken.add(parent);
  });
  return lanes;
}

/** Draw the tree of steps to the left of the list: each step is connected to its parent. */
function tree(latest, lanes) {
  const place = new Map(latest.map(({ name }, i) => [name, [8 + 12 * lanes.get(name), HEIGHT * (i + 0.5)]]));
  const drawing = svg("svg", { width: 1, height: HEIGHT * latest.length, "aria-hidden": "true" });
  for (const { name, parent } of latest) {
    const [x, y] = place.get(name), from = place.get(parent);
    if (from) drawing.append(svg("path", { d: `M${x} ${y}V${from[1] - HEIGHT / 2}Q${x} ${from[1]} ${from[0]} ${from[1]}` }));
  }
  for (const { name } of latest) {
    const [cx, cy] = place.get(name);
    drawing.append(svg("circle", { cx, cy, r: 3.5, ...(name === state.at ? { class: "at" } : {}) }));
  }
  return drawing;
}

state.addEventListener("steps", draw);
new ResizeObserver(draw).observe(panel);

/** Focus the history. */
export const focus = () => panel.querySelector('[aria-current="true"]')?.focus();
