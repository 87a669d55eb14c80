// Films from picture to picture, played here and rendered by `animate`.

import { post } from "./api.js";
import { button, byId, element, focusOn } from "./element.js";
import { attempt, note, said } from "./note.js";
import { follow } from "./renders.js";
import { current, goTo, state, takeNamed } from "./state.js";
import { timeline } from "./timeline.js";

const panel = byId("time");
const PREVIEW = { fps: 12, side: 512 };

/** @param {number} value */
const round = (value) => Math.round(1000 * value) / 1000;
/** @type {import("./timeline.js").Shown[]} */
let knots = [];
/** @type {Posts["films"][1] | null} */
let film = null;   // the preview
let frame = 0;
let playing = 0;
let wanted = false;  // play as soon as the film is ready
let asking = 0;
let changes = 0;     // counts them, so that a film that arrives late is not played
/** @type {Schema["easings"]} */
let easings = {};
/** @type {ReturnType<typeof timeline> | null} */
let line = null;
/** @type {Map<number, Promise<HTMLImageElement | null>>} */
const images = new Map();  // number → image of a frame, null if it failed

// ---- the strip -----------------------------------------------------------------------------------

/** @param {string} label @param {Properties<HTMLInputElement>} properties */
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
  element("div", { className: "row" }, button("What it takes", "Estimate the time, and show the command", () => attempt(plan), "text"),
    button("Save and render", "Write the timeline file and render the film", () => attempt(render), "text strong")), lines);
panel.append(
  element("div", { className: "row", style: "margin: 12px 0 4px" },
    button("Add this picture", "Add the picture that is shown", () => add(current().id), "text"),
    button("Add the pinned", "Add all pinned pictures", () => add(...[...state.steps.values()].filter(({ name }) => state.pinned.has(name)).map(({ id }) => id)), "text")),
  hint, list,
  element("div", { className: "row", style: "flex-wrap: wrap" }, seconds, "s at", fps, "a second", element("label", { className: "row" }, loop, "endless")),
  fault, player, making);

/** The step with a scene; none while a slider moves, or until the server has named it.
 *
 * @param {string} id */
const stepWith = (id) => [...state.steps.values()].find((step) => step.id === id);

/** Add scenes to the film.
 *
 * @param {string[]} ids */
function add(...ids) {
  for (const id of ids) knots.push({ id, label: stepWith(id)?.label ?? "picture", time: 0, easing: "in-out" });
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

/** Set the available curves.
 *
 * @param {Schema} schema */
export function begin(schema) {
  easings = schema.easings;
  line = timeline(easings, moved, () => (draw(), changed()));
  list.before(line.element);
  draw();
}

/** The time of a picture has changed.
 *
 * @param {import("./timeline.js").Shown} knot */
function moved(knot) {
  knots.sort((a, b) => a.time - b.time);
  draw();
  changed();
  line?.focus(knot);
}

function draw() {
  hint.hidden = knots.length > 1;
  line?.show(knots, length, loop.checked);
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
      const step = stepWith(knot.id);
      stop();
      attempt(() => (step ? goTo(step.name) : takeNamed(knot.id, knot.label, "film")));
    });
    return element("li", {}, show, time, "s", easing, button("↑", `Picture ${i + 1} earlier`, () => swap(i, i - 1)), button("×", `Remove picture ${i + 1}`, () => {
      knots.splice(i, 1);
      spread();
    }));
  }));
}

/** @param {number} i @param {number} j */
function swap(i, j) {
  if (!(j in knots)) return;
  [knots[i], knots[j]] = [knots[j], knots[i]];
  spread();
}

/** @param {number} rate in frames a second @returns {Form} */
const form = (rate) => ({
  knots: knots.map(({ id, time, easing }) => ({ id, time, easing })), seconds: length, fps: rate, loop: loop.checked,
  purpose: "timeline", name: name.value, format: format.value,
});

/** Request the film again after a change. */
function changed() {
  clearTimeout(asking);
  changes++;
  stop();
  film = null;
  images.clear();
  lines.replaceChildren();
  fault.hidden = true;
  player.hidden = making.hidden = knots.length < 2;
  if (knots.length > 1) asking = setTimeout(request, 250);
}

async function request() {
  const mine = changes;
  try {
    const found = await post("films", form(PREVIEW.fps));
    if (mine !== changes) return;
    film = found;
    frame = Math.min(frame, film.frames - 1);
    slider.max = `${film.frames - 1}`;
    slider.value = `${frame}`;
    play.disabled = slider.disabled = false;
    if (wanted) toggle();
  } catch (error) {
    if (mine !== changes) return;
    fault.textContent = said(error);
    fault.hidden = false;
    play.disabled = slider.disabled = true;
  }
}

// ---- playing -------------------------------------------------------------------------------------

const shown = byId("playing", HTMLImageElement);
let wish = 0;  // counts requests, so that an image that arrives late is not shown
let plays = 0;

/** The image of a frame of a film, once it has loaded; null if it cannot.
 *
 * @param {string} id @param {number} number */
function imageOf(id, number) {
  const known = images.get(number);
  if (known) return known;
  const made = new Image();
  made.src = `frames/${PREVIEW.side}/${id}/${number}.png`;
  const loaded = made.decode().then(() => made, () => null);
  images.set(number, loaded);
  return loaded;
}

/** @param {string} id of the film @param {number} number */
async function show(id, number) {
  const mine = ++wish;
  frame = number;
  slider.value = `${number}`;
  slider.setAttribute("aria-valuetext", `${(number / PREVIEW.fps).toFixed(2)} seconds`);
  const made = await imageOf(id, number);
  if (!made || mine !== wish) return;
  shown.src = made.src;
  shown.hidden = false;
}

slider.addEventListener("input", () => film && show(film.id, Number(slider.value)));

export function toggle() {
  if (playing) return pause();
  wanted = !film;
  if (!film) return;
  play.textContent = "Pause";
  playing = ++plays;
  step(performance.now(), playing);
}

/** @param {number} due when the frame is @param {number} mine which playing this belongs to */
async function step(due, mine) {
  if (mine !== playing || !film) return;
  const { id, frames } = film, last = !loop.checked && frame + 1 >= frames;
  await show(id, last ? frame : (frame + 1) % frames);
  if (mine !== playing) return;
  if (last) return pause();
  for (let ahead = 1; ahead <= 4; ahead++) imageOf(id, (frame + ahead) % frames);
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
  const { plan: text, commands } = await post("plan", form(Number(fps.value)));
  lines.replaceChildren(element("pre", { textContent: text, className: "takes" }), ...commands.map((line) => element("code", { textContent: line })));
}

async function render() {
  await post("renders", form(Number(fps.value)));
  note(`${name.value} is being rendered; R shows how far it is`);
  await follow();
}

/** Focus the panel. */
export const focus = () => focusOn(panel, "button");
