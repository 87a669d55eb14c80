// Films from picture to picture, played here and rendered by `animate`.

import { post } from "./api.js";
import { $, button, element } from "./element.js";
import { follow } from "./renders.js";
import { goTo, note, state } from "./state.js";
import { timeline } from "./timeline.js";

const panel = $("time");
const PREVIEW = { fps: 12, side: 512 };

const round = (value) => Math.round(1000 * value) / 1000;
let knots = [];    // { id, label, time, easing }
let film = null;   // { id, frames } of the preview
let frame = 0;
let playing = 0;
let wanted = false;  // play as soon as the film is ready
let asking = 0;
let line = null, easings = {};  // the time line, and its curves by name
const images = new Map();  // number → image of a frame

// ---- the strip -----------------------------------------------------------------------------------

const field = (label, properties) => {
  const made = element("input", { "aria-label": label, ...properties });
  // The preview has another frame rate than the film.
  made.addEventListener("change", () => made !== fps && changed());
  return made;
};
const seconds = field("seconds", { type: "number", min: 0.1, max: 300, step: "any", value: 6 });
const fps = field("frames a second", { type: "number", min: 1, max: 60, step: 1, value: 30 });
const loop = field("endless", { type: "checkbox", checked: true });
const list = element("ol", { className: "knots" });
const hint = element("p", { className: "quiet", textContent: "Add two pictures or more: the film goes from one to the next. What moves is what differs: latent, network, view and colours." });
const fault = element("p", { role: "alert", hidden: true });
const slider = element("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": "time" });
const play = button("Play", "Play the film", toggle, "text strong");
const name = element("input", { type: "text", value: "film", "aria-label": "name", spellcheck: false, autocomplete: "off" });
const format = element("select", { "aria-label": "format" },
  ...Object.entries({ mp4: "MP4", webm: "WebM", gif: "GIF", sheet: "a contact sheet" }).map(([value, text]) => element("option", { value, textContent: text })));
const lines = element("div");
const player = element("div", { className: "player", hidden: true }, play, slider);
const making = element("div", { hidden: true },
  element("div", { className: "control" }, element("span", { className: "label", textContent: "name" }), name),
  element("div", { className: "control" }, element("span", { className: "label", textContent: "format" }), format),
  element("div", { className: "row" }, button("What it takes", "Estimate the time, and show the command", plan, "text"),
    button("Save and render", "Write the timeline file and render the film", render, "text strong")), lines);
panel.append(
  element("div", { className: "row", style: "margin: 12px 0 4px" },
    button("Add this picture", "Add the picture that is shown", () => add(state.steps.get(state.at)), "text"),
    button("Add the pinned", "Add all pinned pictures", () => [...state.steps.values()].filter((step) => state.pinned.has(step.name)).forEach(add), "text")),
  hint, list,
  element("div", { className: "row", style: "flex-wrap: wrap" }, seconds, "s at", fps, "a second", element("label", { className: "row" }, loop, "endless")),
  fault, player, making);

function add(step) {
  if (!step) return;
  knots.push({ id: step.id, label: step.label, time: 0, easing: "in-out" });
  spread();
}

/** Move the pictures when the film's length changes. */
let length = Number(seconds.value);  // as last entered; the field holds what is being typed
seconds.addEventListener("change", () => {
  if (!(Number(seconds.value) > 0)) return;
  for (const knot of knots) knot.time = round(knot.time * Number(seconds.value) / length);
  length = Number(seconds.value);
  draw();
});

/** Spread the pictures evenly over the film. */
function spread() {
  const parts = loop.checked ? knots.length : knots.length - 1;
  knots.forEach((knot, i) => (knot.time = parts ? round(i * length / parts) : 0));
  draw();
  changed();
}

/** Set the available curves: name → samples from 0 to 1. */
export function begin(schema) {
  easings = schema.easings;
  line = timeline(easings, moved, () => (draw(), changed()));
  list.before(line.element);
  draw();
}

/** The time of a picture has changed. */
function moved(knot) {
  knots.sort((a, b) => a.time - b.time);
  draw();
  changed();
  line.focus(knot);
}

function draw() {
  hint.hidden = knots.length > 1;
  line.show(knots, length, loop.checked);
  list.replaceChildren(...knots.map((knot, i) => {
    const time = element("input", { type: "number", min: 0, step: "any", value: knot.time, "aria-label": `time of picture ${i + 1}, in seconds` });
    time.addEventListener("change", () => {
      if (!time.validity.valid || time.value === "") return;
      knot.time = Number(time.value);
      moved(knot);
    });
    const easing = element("select", { "aria-label": `how it goes on from picture ${i + 1}` }, ...Object.keys(easings).map((option) => element("option", { value: option, textContent: option })));
    easing.value = knot.easing;
    easing.addEventListener("change", () => (knot.easing = easing.value, draw(), changed()));
    const show = element("button", { type: "button", className: "thumb", title: knot.label, "aria-label": `show ${knot.label}` },
      element("img", { src: `thumbs/96/${knot.id}.png`, alt: "", className: "there" }));
    show.addEventListener("click", () => {
      const step = [...state.steps.values()].find((other) => other.id === knot.id);
      stop();
      if (step) goTo(step.name);
    });
    return element("li", {}, show, time, "s", easing, button("↑", `Picture ${i + 1} earlier`, () => swap(i, i - 1)), button("×", `Remove picture ${i + 1}`, () => {
      knots.splice(i, 1);
      spread();
    }));
  }));
}

function swap(i, j) {
  if (!(j in knots)) return;
  [knots[i], knots[j]] = [knots[j], knots[i]];
  spread();
}

const form = (rate) => ({
  knots: knots.map(({ id, time, easing }) => ({ id, time, easing })), seconds: length, fps: rate, loop: loop.checked,
  purpose: "timeline", name: name.value, format: format.value,
});

/** Request the film again after a change. */
function changed() {
  clearTimeout(asking);
  stop();
  film = null;
  images.clear();
  lines.replaceChildren();
  fault.hidden = true;
  player.hidden = making.hidden = knots.length < 2;
  if (knots.length > 1) asking = setTimeout(request, 250);
}

async function request() {
  try {
    const found = await post("films", form(PREVIEW.fps));
    film = found;
    slider.max = film.frames - 1;
    slider.value = frame = Math.min(frame, film.frames - 1);
    play.disabled = slider.disabled = false;
    if (wanted) toggle();
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
    play.disabled = slider.disabled = true;
  }
}

// ---- playing -------------------------------------------------------------------------------------

const shown = $("playing");
let wish = 0;  // counts requests, so that an image that arrives late is not shown
let plays = 0;

/** The image of a frame, once it has loaded. */
function imageOf(number) {
  if (!images.has(number)) {
    const made = new Image();
    made.src = `frames/${PREVIEW.side}/${film.id}/${number}.png`;
    images.set(number, made.decode().then(() => made, () => null));
  }
  return images.get(number);
}

async function show(number) {
  const mine = ++wish;
  frame = number;
  slider.value = number;
  slider.setAttribute("aria-valuetext", `${(number / PREVIEW.fps).toFixed(2)} seconds`);
  const made = await imageOf(number);
  if (!made || mine !== wish) return;
  shown.src = made.src;
  shown.hidden = false;
}

slider.addEventListener("input", () => film && show(Number(slider.value)));

export function toggle() {
  if (playing) return pause();
  wanted = !film;
  if (!film) return;
  play.textContent = "Pause";
  playing = ++plays;
  step(performance.now(), playing);
}

async function step(due, mine) {
  if (mine !== playing || !film) return;
  const last = !loop.checked && frame + 1 >= film.frames;
  await show(last ? frame : (frame + 1) % film.frames);
  if (last) return pause();
  for (let ahead = 1; ahead <= 4 && film; ahead++) imageOf((frame + ahead) % film.frames);
  const next = Math.max(due + 1000 / PREVIEW.fps, performance.now());
  setTimeout(() => step(next, mine), next - performance.now());
}

function pause() {
  playing = 0;
  play.textContent = "Play";
}

/** Show the picture instead of the film. */
export function stop() {
  pause();
  wish += 1;
  shown.hidden = true;
}
state.addEventListener("scene", stop);

// ---- making --------------------------------------------------------------------------------------

async function plan() {
  try {
    const { plan: text, commands } = await post("plan", form(Number(fps.value)));
    lines.replaceChildren(element("pre", { textContent: text, className: "takes" }), ...commands.map((line) => element("code", { textContent: line })));
  } catch (error) {
    note(error.message, true);
  }
}

async function render() {
  try {
    await post("renders", form(Number(fps.value)));
    note(`${name.value} is being rendered; R shows how far it is`);
    await follow();
  } catch (error) {
    note(error.message, true);
  }
}

/** Focus the panel. */
export const focus = () => panel.querySelector("button")?.focus();
