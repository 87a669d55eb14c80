// Rendering: what to make, its estimate, the exact commands, and the progress of each render.

import { get, post } from "./api.js";
import { button, byId, element, focusOn, moveByArrows, tabsOf } from "./element.js";
import { suggestion } from "./files.js";
import { attempt, note, said } from "./note.js";
import { current, state } from "./state.js";

const PAPER = ["", "A4", "A3", "A2", "A1", "A0", "A2 landscape", "50x70cm", "60x40in", "24x36in"];

/** A field: its kind is a select, or the type of an input; `when` has another field and its value.
 *
 * @typedef {{ list?: string[], hint?: string, min?: number, max?: number, whole?: boolean, when?: [string, string] }} More
 * @typedef {[label: string, kind: string, value: string | number | boolean | (() => string), more: More]} Field */

/** Purpose → its name, and its fields.
 *
 * @type {Record<string, [title: string, fields: Record<string, Field>]>} */
const PURPOSES = {
  print: ["A print", {
    size: ["Size", "text", paper, { list: PAPER, hint: "60x40in, 150x100cm, A2 landscape" }],
    dpi: ["Pixels an inch", "number", 300, { min: 1, max: 2400 }],
    bleed: ["Bleed", "text", "", { hint: "none; 3mm if a printer asks for it" }],
    format: ["Format", "select", "tif", { list: ["tif", "png"] }],
  }],
  page: ["A page to zoom into", {
    width: ["Width in pixels", "number", 16384, { min: 1, max: 1000000, whole: true }],
    format: ["Tiles", "select", "webp", { list: ["webp", "png", "jpg", "avif"] }],
  }],
  film: ["A film", {
    move: ["Move", "select", "orbit", { list: ["orbit", "zoom", "morph"] }],
    zoom: ["Closer by", "number", 20, { min: 1.01, max: 1e9, when: ["move", "zoom"] }],
    seeds: ["Latent seeds", "text", "1, 2, 3", { when: ["move", "morph"] }],
    seconds: ["Seconds", "number", 10, { min: 0.1, max: 3600 }],
    fps: ["Frames a second", "number", 30, { min: 1, max: 120, whole: true }],
    width: ["Width in pixels", "number", 1920, { min: 2, max: 16384, whole: true }],
    loop: ["Endless", "checkbox", true, {}],
    format: ["Format", "select", "mp4", { list: ["mp4", "webm", "gif"] }],
  }],
  image: ["A small image", {
    width: ["Width in pixels", "number", 2048, { min: 1, max: 32768, whole: true }],
    format: ["Format", "select", "png", { list: ["png", "jpg", "webp", "tif"] }],
  }],
};

/** The scene's paper size, or one with the picture's aspect ratio. */
function paper() {
  const { canvas: { whole }, values } = current();
  /** @param {number} pixels */
  const side = (pixels) => Math.round((600 * pixels) / Math.max(...whole)) / 10;
  return values.canvas.print ?? `${side(whole[0])}x${side(whole[1])}cm`;
}

const rendering = byId("rendering", HTMLDialogElement), purposes = byId("purposes");
const order = byId("order", HTMLFormElement), start = byId("start", HTMLButtonElement);
const cards = byId("renders");
let purpose = "print";
/** @type {Record<string, HTMLInputElement | HTMLSelectElement>} */
let fields = {};
let proposed = "";   // the name that was filled in automatically
/** @type {AbortController | null} */
let asking = null;   // the pending request for a plan
let waiting = 0;

// ---- the form ------------------------------------------------------------------------------------

for (const [name, [title]] of Object.entries(PURPOSES)) {
  const tab = element("button", { type: "button", role: "tab", textContent: title });
  tab.dataset.purpose = name;
  tab.addEventListener("click", () => choose(name));
  purposes.append(tab);
}
moveByArrows(purposes, (tab) => choose(tab.dataset.purpose ?? purpose));

/** @param {string} name of a purpose */
function choose(name) {
  const kept = fields.name?.value !== proposed ? fields.name?.value : undefined;
  purpose = name;
  for (const tab of tabsOf(purposes)) {
    tab.setAttribute("aria-selected", `${tab.dataset.purpose === name}`);
    tab.tabIndex = tab.dataset.purpose === name ? 0 : -1;
  }
  proposed = `${(state.file || suggestion()).replace(/\.toml$/, "")}-${name}`;
  fields = {};
  const rows = [row("name", ["Name", "text", kept ?? proposed, {}])];
  for (const [key, field] of Object.entries(PURPOSES[name][1])) rows.push(row(key, field));
  if (name !== "image") rows.push(row("address", ["Ray cluster", "text", "", { hint: "this machine; or auto, host:6379" }]));
  order.replaceChildren(...rows);
  ask();
}

/** A row of the form.
 *
 * @param {string} key @param {Field} field */
function row(key, [label, kind, usual, { list = [], hint = "", min, max, whole, when }]) {
  const value = typeof usual === "function" ? usual() : usual;
  const options = list.filter(Boolean).map((option) => element("option", { value: option, textContent: option }));
  const field = kind === "select" ? element("select", {}, ...options)
    : element("input", { type: kind, placeholder: hint, spellcheck: false, autocomplete: "off" });
  if (typeof value === "boolean") Object.assign(field, { checked: value });
  else field.value = `${value}`;
  if (kind === "number") Object.assign(field, { min, max, step: whole ? 1 : "any", required: true });
  const made = element("label", { className: "control" }, element("span", { className: "label", textContent: label }), field);
  if (list.length && kind === "text") {
    const choices = element("datalist", { id: `list-${key}` }, ...options);
    field.setAttribute("list", choices.id);
    made.append(choices);
  }
  if (when) made.dataset.when = when.join("=");
  fields[key] = field;
  field.addEventListener("input", ask);
  return made;
}

/** The form as JSON for the server. */
function form() {
  /** @type {Form} */
  const found = { id: current().id, purpose, name: "" };
  for (const [key, field] of Object.entries(fields)) {
    if (field instanceof HTMLInputElement && field.type === "checkbox") found[key] = field.checked;
    else found[key] = field.type === "number" ? Number(field.value) : field.value;
  }
  return found;
}

// ---- the estimate --------------------------------------------------------------------------------

function ask() {
  for (const made of order.querySelectorAll("label")) {
    const [key, value] = made.dataset.when?.split("=") ?? [];
    if (key) made.hidden = fields[key].value !== value;
  }
  clearTimeout(waiting);
  asking?.abort();
  start.disabled = true;
  say("…");
  if (order.checkValidity()) waiting = setTimeout(plan, 350);
  else say("some of it is out of range", true);
}

/** @param {string} text */
function say(text, bad = false) {
  byId("plan").textContent = text;
  byId("plan").classList.toggle("wrong", bad);
}

async function plan() {
  const mine = asking = new AbortController();
  try {
    const { plan: text, commands } = await post("plan", form(), mine.signal);
    if (mine.signal.aborted) return;
    say(text);
    byId("lines").replaceChildren(...commands.map((line) => element("div", { className: "row" },
      element("code", { textContent: line }), button("Copy", "Copy the command line", () => copy(line), "text"))));
    start.disabled = false;
  } catch (error) {
    if (!mine.signal.aborted) say(said(error), true);
  }
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note("copied");
  } catch {
    note("the browser does not allow it; select the line and copy it");
  }
}

/** Show the form for the current scene. */
export async function open() {
  delete fields.name;
  choose(purpose);
  rendering.showModal();
  await follow();
}

byId("rendering-close").addEventListener("click", () => rendering.close());
order.addEventListener("submit", (event) => event.preventDefault());
start.addEventListener("click", async () => {
  start.disabled = true;
  try {
    await post("renders", form());
    await follow();
    cards.scrollIntoView({ block: "nearest" });
  } catch (error) {
    say(said(error), true);
  }
});

// ---- progress ------------------------------------------------------------------------------------

const ACTIVE = ["waiting", "running", "stopping"];
let timer = 0;
let known = "";
/** @type {Map<number, Render["state"]>} */
const states = new Map();

/** Show the progress of the renders, until all have ended. */
export async function follow() {
  clearTimeout(timer);
  try {
    show((await get("renders.json")).renders);
  } catch {
    timer = setTimeout(follow, 2000);
  }
}

/** @param {Render[]} renders */
function show(renders) {
  clearTimeout(timer);
  for (const { number, name, state: now } of renders) {
    if (states.get(number) !== now && states.has(number) && !rendering.open) {
      if (now === "done") note(`${name} is rendered`);
      if (now === "failed") note(`${name} failed; R shows why`, true);
    }
    states.set(number, now);
  }
  const active = renders.filter((render) => ACTIVE.includes(render.state));
  byId("render").textContent = active.length ? `Render (${active.length})` : "Render";
  cards.hidden = !renders.length;
  if (JSON.stringify(renders) !== known) {
    known = JSON.stringify(renders);
    const focused = document.activeElement?.getAttribute("data-act");
    cards.replaceChildren(...[...renders].reverse().map(card));
    if (focused) focusOn(cards, `[data-act="${focused}"]`);
  }
  if (active.length) timer = setTimeout(follow, 700);
}

/** @type {Map<number, HTMLImageElement>} */
const pictures = new Map();  // by the number of a render

/** The address of a render's current picture: the stored part of a still, or a film's latest frame.
 *
 * @param {Render} render */
function addressOf({ number, done, tasks, scene, film, stored }) {
  if (stored) return `renders/${number}/${done}.png`;
  if (film && tasks) return `frames/256/${film[0]}/${Math.floor(((film[1] - 1) * done) / tasks)}.png`;
  return `thumbs/256/${scene}.png`;
}

/** Its image, which stays until the next one has loaded.
 *
 * @param {Render} render */
function picture(render) {
  const { number } = render, address = addressOf(render);
  const shown = pictures.get(number) ?? element("img", { alt: "" });
  pictures.set(number, shown);
  if (shown.dataset.address === address) return shown;
  shown.dataset.address = address;  // is being loaded
  const next = element("img", { src: address, alt: "" });
  next.dataset.address = address;
  next.decode().then(() => {
    if (shown.dataset.address !== address) return;
    shown.replaceWith(next);
    pictures.set(number, next);
  }, () => {});  // if it is gone, the previous image stays
  return shown;
}

/** @param {Render} render */
function card(render) {
  const { number, name, state: now, error, done, tasks, outputs, commands } = render;
  const running = now === "running" || now === "stopping";
  const bar = element("progress", { max: 1, "aria-label": `progress of ${name}` });
  if (now === "done") bar.value = 1;
  else if (tasks && !(running && done === tasks)) bar.value = done / tasks;
  else if (!running) bar.value = 0;
  const words = { waiting: "waits for the one before", stopping: "is being stopped", done: `done: ${outputs.join(", ")}`, failed: error,
    stopped: "stopped; what is finished is kept", running: !tasks ? "begins" : done < tasks ? `${done} of ${tasks} shards` : "writes the files" }[now];
  /** @param {string} text @param {"renders/cancel" | "renders/resume"} path */
  const act = (text, path) => {
    const made = button(text, `${text} ${name}`, () => attempt(async () => show((await post(path, { number })).renders)), "text");
    made.dataset.act = `${number}`;
    return made;
  };
  const actions = ["waiting", "running"].includes(now) ? [act("Cancel", "renders/cancel")]
    : ["stopped", "failed"].includes(now) ? [act("Go on", "renders/resume")] : [];
  return element("article", { className: `render ${now}`, title: commands.join("\n") },
    picture(render),
    element("div", {}, element("strong", { textContent: name }), bar, element("small", { textContent: words, className: now === "failed" ? "wrong" : "" })),
    ...actions);
}
follow();
