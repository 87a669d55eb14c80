// The history: every step, the pinned ones above; a click goes there.

import { element } from "./fields.js";
import { goTo, laterStep, note, parentStep, state } from "./state.js";

const $ = (id) => document.getElementById(id);
const panel = $("history");
const SHOWN = 200;

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
    parts.push(element("h3", { textContent: "Pinned" }), box);
  }
  const list = element("ol", {}, ...steps.slice(-SHOWN).reverse().map((step) => {
    const made = element("button", { type: "button", className: "step" }, thumb(step),
      element("span", { textContent: step.label, title: step.label }), element("small", { textContent: when(step.time) }));
    made.setAttribute("aria-current", step.name === state.at);
    made.addEventListener("click", () => go(step.name));
    return element("li", {}, made);
  }));
  parts.push(element("h3", { textContent: "Steps" }), list);
  if (!state.kept) parts.unshift(element("p", { className: "quiet", textContent: "This folder cannot be written into: the history ends with the studio." }));
  panel.replaceChildren(...parts);
}

state.addEventListener("steps", draw);
new ResizeObserver(draw).observe(panel);

/** Put the focus into the history. */
export const focus = () => panel.querySelector('[aria-current="true"]')?.focus();
