// The wall: endless variations of the current scene; a click takes one, Shift-click breeds.

import { get, post } from "./api.js";
import { complete } from "./canvas.js";
import { byId, element, inside, moveByArrows, tabsOf } from "./element.js";
import { dataUrl, Loader } from "./loader.js";
import { attempt, said } from "./note.js";
import { current, state, takeNamed } from "./state.js";

const thumbs = byId("thumbs"), kinds = byId("kinds"), breeding = byId("breeding");
const PAGE = 30;  // thumbnails per request
const SIDE = Math.min(256, Math.round(128 * Math.max(1, devicePixelRatio)));

/** Kind → label; whether the wall follows what was taken; description.
 *
 * @type {Record<string, { name: string, help: string, evolves?: boolean, amount?: number }>} */
const KINDS = {
  seeds: { name: "Seeds", help: "Other networks: entirely different pictures" },
  latents: { name: "Latents", help: "Other forms of the same network" },
  nearby: { name: "Nearby", evolves: true, amount: 0.3, help: "Small steps of the latent from here" },
  mutations: { name: "Mutations", evolves: true, amount: 0.15, help: "Children with small changes" },
  palettes: { name: "Palettes", help: "The same forms in other colours" },
  presets: { name: "Presets", help: "The same seed in each kind of network" },
  symmetry: { name: "Symmetry", help: "Mirrored, as a kaleidoscope, or for wallpaper" },
};

let kind = "seeds";    // or "children"
let base = "";         // the scene whose variations these are
/** @type {string[]} */
let parents = [];      // ids of the selected parents
/** @type {string[]} */
let family = [];       // parents of the children shown
let count = 0;         // number of thumbnails
let more = true;
let round = 0;         // increases, so that late responses are ignored
let loading = false;

// ---- kinds ---------------------------------------------------------------------------------------

for (const [name, { name: text, help }] of Object.entries(KINDS)) {
  const tab = element("button", { type: "button", role: "tab", textContent: text, title: help });
  tab.dataset.kind = name;
  tab.addEventListener("click", () => show(name));
  kinds.append(tab);
}

/** Show another kind of variations of the current scene.
 *
 * @param {string} name */
export function show(name) {
  kind = name;
  for (const tab of tabsOf(kinds)) {
    const chosen = tab.dataset.kind === kind;
    tab.setAttribute("aria-selected", `${chosen}`);
    tab.tabIndex = chosen || (kind === "children" && tab === kinds.firstChild) ? 0 : -1;
  }
  byId("family").hidden = kind !== "children";
  byId("family").textContent = `Children of ${family.length} pictures`;
  const amount = KINDS[kind]?.amount;
  strength.hidden = amount === undefined;
  if (amount !== undefined) setAmount(amount);
  thumbs.classList.toggle("named", ["presets", "symmetry"].includes(kind));
  restart();
}

moveByArrows(kinds, (tab) => show(tab.dataset.kind ?? kind));

const strength = byId("amount"), slider = inside(strength, "input"), output = inside(strength, "output");
/** @param {number} value */
function setAmount(value) {
  slider.value = `${value}`;
  output.textContent = value.toFixed(2);
}
slider.addEventListener("input", () => {
  setAmount(Number(slider.value));
  KINDS[kind].amount = Number(slider.value);
});
slider.addEventListener("change", () => refresh());

// ---- thumbnails ----------------------------------------------------------------------------------

/** Start again at the top. */
function restart() {
  base = state.scene?.id ?? "";
  count = 0;
  more = true;
  round++;
  loading = false;
  thumbs.replaceChildren();
  thumbs.scrollTop = 0;
  load();
}

/** Show the same variations of the current scene, without moving anything. */
async function refresh() {
  if (!count) return restart();
  base = current().id;
  const mine = ++round;
  loading = false;
  try {
    await complete();
    if (mine !== round) return;
    const { variations } = await ask(0, Math.min(200, count));
    if (mine !== round) return;
    const cells = cellsShown();
    variations.forEach((variation, i) => cells[i] && fill(cells[i], variation));
    cells.slice(variations.length).forEach((cell) => cell.remove());
    count = variations.length;
    mark();
  } catch (error) {
    if (mine === round) fail(error);
  }
}

/** @param {number} start @param {number} number */
const ask = (start, number) => post("variations", kind === "children"
  ? { parents: family, start, count: number }
  : { base, kind, start, count: number, amount: KINDS[kind].amount ?? 0.1 });

async function load() {
  if (loading || !more || !base) return;
  loading = true;
  const mine = round;
  try {
    if (!count) await complete();
    if (mine !== round) return;
    const found = await ask(count, PAGE);
    if (mine !== round) return;
    for (const variation of found.variations) thumbs.append(fill(cell(), variation));
    count += found.variations.length;
    more = found.more;
    mark();
    loading = false;
    if (near() && count < 3000) load();
  } catch (error) {
    if (mine === round) fail(error);
  }
}

/** @param {unknown} error */
function fail(error) {
  loading = false;
  more = false;
  thumbs.replaceChildren(element("p", { className: "empty", textContent: said(error) }));
  count = 0;
}

const near = () => thumbs.scrollTop + 2 * thumbs.clientHeight > thumbs.scrollHeight;
thumbs.addEventListener("scroll", () => near() && load(), { passive: true });
new ResizeObserver(() => near() && load()).observe(thumbs);

// One of an endless number is a stop of the Tab key; arrows move it.
const cell = () => element("button", { type: "button", className: "thumb", tabIndex: -1 },
  element("img", { alt: "", decoding: "async" }), element("span"));

/** @param {Element} cell */
const idOf = (cell) => cell.getAttribute("data-id") ?? "";
const cellsShown = () => [...thumbs.querySelectorAll("button")];

/** The thumbnail that an event happened in, or null.
 *
 * @param {Event} event @returns {HTMLButtonElement | null} */
const cellOf = ({ target }) => (target instanceof Element ? target.closest("button") : null);

/** @param {HTMLButtonElement} button @param {Variation} variation */
function fill(button, { id, label }) {
  button.dataset.id = id;
  button.classList.remove("bad");
  inside(button, "span").textContent = label;
  button.setAttribute("aria-label", label);
  button.title = label;
  sight.unobserve(button);
  sight.observe(button);
  return button;
}

// Only visible thumbnails are requested; a request is cancelled when they leave the screen.
/** @type {Set<Element>} */
const visible = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting && target.isConnected) visible.add(target);
    else visible.delete(target);
  }
  const missing = [...visible].filter((cell) => inside(cell, "img").dataset.id !== idOf(cell));
  loader.want([...new Set(missing.map(addressOf))]);
}, { root: thumbs, rootMargin: "160px" });

/** @param {Element} cell */
const addressOf = (cell) => `${SIDE}/${idOf(cell)}`;
/** A few at a time: all of a request are drawn, though some may have left the screen by then.
 *
 * @type {import("./loader.js").Asking} */
export const ASKING = { path: "thumbs", most: 16, again: [0, 503] };
const loader = new Loader(ASKING, (address, png, status) => {
  if (status === 410) return refresh();  // the server was restarted
  for (const cell of cellsShown().filter((cell) => addressOf(cell) === address)) {
    if (png) picture(cell, png);
    else explain(cell);
  }
});

/** @param {HTMLButtonElement} cell @param {Png} png */
function picture(cell, png) {
  const image = inside(cell, "img");
  image.src = dataUrl(png);
  image.dataset.id = idOf(cell);
}

/** Say why a picture cannot be drawn.
 *
 * @param {HTMLButtonElement} cell */
async function explain(cell) {
  cell.classList.add("bad");
  inside(cell, "img").dataset.id = idOf(cell);
  await get(`scenes/${idOf(cell)}.json`).catch((error) => (cell.title = said(error)));
}

thumbs.addEventListener("load", ({ target }) => {
  if (!(target instanceof HTMLImageElement)) return;
  target.classList.add("there");
  judge(target);
}, true);

// ---- dull pictures -------------------------------------------------------------------------------

const DULL = 12;     // pictures whose colours have a smaller standard deviation, of 255, are dull
const small = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
const without = inside(byId("dull"), "input");

/** Hide a thumbnail of nearly one colour, if that option is on.
 *
 * @param {HTMLImageElement} image */
function judge(image) {
  const dull = without.checked && image.naturalWidth > 0 && deviation(image) < DULL;
  image.parentElement?.classList.toggle("dull", dull);
  if (dull && near()) load();
}

/** The standard deviation of an image's colours, of 255.
 *
 * @param {HTMLImageElement} image */
function deviation(image) {
  if (!small) return Infinity;
  small.drawImage(image, 0, 0, 16, 16);
  const { data } = small.getImageData(0, 0, 16, 16);
  let square = 0;
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0, sums = 0;
    for (let i = channel; i < data.length; i += 4) {
      sum += data[i];
      sums += data[i] ** 2;
    }
    square += sums / 256 - (sum / 256) ** 2;
  }
  return Math.sqrt(square / 3);
}

without.addEventListener("change", () => {
  for (const image of thumbs.querySelectorAll("img")) judge(image);
  if (near()) load();
});

// ---- taking and breeding -------------------------------------------------------------------------

thumbs.addEventListener("click", (event) => {
  const button = cellOf(event);
  if (!button) return;
  if (event.shiftKey) return toggleParent(button);
  attempt(async () => {
    if (await takeNamed(idOf(button), button.title, "wall")) button.setAttribute("aria-current", "true");
  });
});

// A long press selects a parent, for devices without a Shift key.
let press = 0;
thumbs.addEventListener("pointerdown", (event) => {
  const button = cellOf(event);
  if (event.pointerType !== "touch" || !button) return;
  press = setTimeout(() => {
    toggleParent(button);
    thumbs.addEventListener("click", (click) => click.stopImmediatePropagation(), { capture: true, once: true });
  }, 500);
});
for (const name of ["pointerup", "pointercancel", "pointermove"]) thumbs.addEventListener(name, () => clearTimeout(press));
thumbs.addEventListener("contextmenu", (event) => event.preventDefault());

/** @param {HTMLButtonElement} button */
function toggleParent(button) {
  const id = idOf(button);
  parents = parents.includes(id) ? parents.filter((other) => other !== id) : [...parents, id].slice(-16);
  mark();
}

function mark() {
  if (!thumbs.querySelector("[tabindex='0']")) stopAt(cellsShown()[0]);
  for (const button of cellsShown()) {
    const place = parents.indexOf(idOf(button));
    button.classList.toggle("parent", place >= 0);
    button.dataset.parent = `${place + 1}`;
    if (state.by !== "wall") button.removeAttribute("aria-current");
  }
  breeding.hidden = parents.length === 0;
  inside(breeding, "span").textContent = parents.length === 1
    ? "1 parent, and the picture" : `${parents.length} parents`;
}

/** Show the children of the selected parents; a single one is paired with the current scene. */
export function breed() {
  if (!parents.length) return;
  family = parents.length === 1 ? [current().id, ...parents] : parents;
  parents = [];
  show("children");
  mark();
}
byId("breed").addEventListener("click", breed);
byId("clear").addEventListener("click", () => {
  parents = [];
  mark();
});

// ---- keys ----------------------------------------------------------------------------------------

thumbs.addEventListener("keydown", (event) => {
  const all = cellsShown();
  const at = all.findIndex((button) => button === document.activeElement);
  if (at < 0) return;
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    return toggleParent(all[at]);
  }
  const columns = getComputedStyle(thumbs).gridTemplateColumns.split(" ").length;
  /** @type {Record<string, number>} */
  const ways = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: all.length - 1 - at };
  const way = ways[event.key];
  if (way === undefined) return;
  event.preventDefault();
  all[at + way]?.focus();
  if (at + way > all.length - 2 * columns) load();
});

/** Make a thumbnail the one that the Tab key stops at.
 *
 * @param {HTMLButtonElement | null | undefined} cell */
function stopAt(cell) {
  if (!cell) return;
  for (const other of cellsShown()) other.tabIndex = other === cell ? 0 : -1;
}
thumbs.addEventListener("focusin", (event) => stopAt(cellOf(event)));

/** Focus the wall. */
export const focus = () => (cellsShown().find((button) => button.hasAttribute("aria-current")) ?? cellsShown()[0])?.focus();

// ---- following the scene -------------------------------------------------------------------------

let settled = 0;
state.addEventListener("scene", () => {
  const { width, height } = current().canvas;
  thumbs.style.setProperty("--ratio", `${width} / ${height}`);
  for (const button of thumbs.querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
});
state.addEventListener("steps", () => {
  // A wall that follows moves on with what was taken; others stay until something else changes.
  clearTimeout(settled);
  if (kind === "children" || (state.by === "wall" && !KINDS[kind]?.evolves)) return;
  settled = setTimeout(base ? refresh : restart, base ? 150 : 0);
});
show("seeds");
