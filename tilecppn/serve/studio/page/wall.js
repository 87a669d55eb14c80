// The wall: endless variations of the current scene; a click takes one, Shift-click breeds.

import { get, post } from "./api.js";
import { complete } from "./canvas.js";
import { $, element, moveByArrows } from "./element.js";
import { note, state, takeNamed } from "./state.js";

const thumbs = $("thumbs");
const PAGE = 30;  // thumbnails per request
const SIDE = Math.min(256, Math.round(128 * Math.max(1, devicePixelRatio)));

/** Kind → label; whether the wall follows what was taken; description. */
const KINDS = {
  seeds: { name: "Seeds", help: "Other networks: entirely different pictures" },
  latents: { name: "Latents", help: "Other forms of the same network" },
  nearby: { name: "Nearby", evolves: true, amount: 0.3, help: "Small steps of the latent from here" },
  mutations: { name: "Mutations", evolves: true, amount: 0.15, help: "Children with small changes" },
  palettes: { name: "Palettes", help: "The same forms in other colours" },
  presets: { name: "Presets", help: "The same seed in each kind of network" },
  symmetry: { name: "Symmetry", help: "Mirrored, as a kaleidoscope, or for wallpaper" },
};
const CHILDREN = { name: "Children" };

let kind = "seeds";
let base = null;       // the scene whose variations these are
let parents = [];      // ids of the selected parents
let family = [];       // parents of the children shown
let count = 0;         // number of thumbnails
let more = true;
let round = 0;         // increases, so that late responses are ignored
let loading = false;

const row = () => (kind === "children" ? CHILDREN : KINDS[kind]);

// ---- kinds ---------------------------------------------------------------------------------------

for (const [name, { name: text, help }] of Object.entries(KINDS)) {
  const tab = element("button", { type: "button", role: "tab", textContent: text, title: help });
  tab.dataset.kind = name;
  tab.addEventListener("click", () => show(name));
  $("kinds").append(tab);
}

/** Show another kind of variations of the current scene. */
export function show(name) {
  kind = name;
  for (const button of $("kinds").children) {
    const chosen = button.dataset.kind === kind;
    button.setAttribute("aria-selected", chosen);
    button.tabIndex = chosen || (kind === "children" && button === $("kinds").firstChild) ? 0 : -1;
  }
  const { amount } = row();
  $("amount").hidden = amount === undefined;
  if (amount !== undefined) setAmount(amount);
  thumbs.classList.toggle("named", ["presets", "symmetry"].includes(kind));
  restart();
}

moveByArrows($("kinds"), (tab) => show(tab.dataset.kind));

const slider = $("amount").querySelector("input"), output = $("amount").querySelector("output");
function setAmount(value) {
  slider.value = value;
  output.textContent = Number(value).toFixed(2);
}
slider.addEventListener("input", () => {
  setAmount(slider.value);
  KINDS[kind].amount = Number(slider.value);
});
slider.addEventListener("change", () => refresh());

// ---- thumbnails ----------------------------------------------------------------------------------

/** Start again at the top. */
function restart() {
  base = state.scene?.id;
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
  base = state.scene.id;
  const mine = ++round;
  loading = false;
  try {
    await complete();
    if (mine !== round) return;
    const { variations } = await ask(0, Math.min(200, count));
    if (mine !== round) return;
    const cells = [...thumbs.querySelectorAll(".thumb")];
    variations.forEach((variation, i) => cells[i] && fill(cells[i], variation));
    cells.slice(variations.length).forEach((cell) => cell.remove());
    count = variations.length;
    mark();
  } catch (error) {
    if (mine === round) fail(error);
  }
}

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

function fail(error) {
  loading = false;
  more = false;
  thumbs.replaceChildren(element("p", { className: "empty", textContent: error.message }));
  count = 0;
}

const near = () => thumbs.scrollTop + 2 * thumbs.clientHeight > thumbs.scrollHeight;
thumbs.addEventListener("scroll", () => near() && load(), { passive: true });
new ResizeObserver(() => near() && load()).observe(thumbs);

const cell = () => element("button", { type: "button", className: "thumb" },
  element("img", { alt: "", decoding: "async" }), element("span"));

function fill(button, { id, label }) {
  button.dataset.id = id;
  button.classList.remove("bad");
  button.querySelector("span").textContent = label;
  button.setAttribute("aria-label", label);
  button.title = label;
  sight.unobserve(button);
  sight.observe(button);
  return button;
}

// Only visible thumbnails are requested; a request is cancelled when they leave the screen.
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of /** @type {any[]} */ (entries)) {
    const image = target.querySelector("img");
    const address = `thumbs/${SIDE}/${target.dataset.id}.png`;
    if (isIntersecting && image.getAttribute("src") !== address) image.src = address;
    else if (!isIntersecting && !image.complete) image.removeAttribute("src");
  }
}, { root: thumbs, rootMargin: "160px" });

thumbs.addEventListener("load", ({ target }) => {
  target.classList.add("there");
  judge(target);
}, true);

// ---- dull pictures -------------------------------------------------------------------------------

const DULL = 12;     // pictures whose colours have a smaller standard deviation, of 255, are dull
const small = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
const without = $("dull").querySelector("input");

/** Hide a thumbnail of nearly one colour, if that option is on. */
function judge(image) {
  const dull = without.checked && image.naturalWidth > 0 && deviation(image) < DULL;
  image.closest(".thumb").classList.toggle("dull", dull);
  if (dull && near()) load();
}

function deviation(image) {
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
  for (const image of thumbs.querySelectorAll("img.there")) judge(image);
  if (near()) load();
});

thumbs.addEventListener("error", async (event) => {
  const image = event.target, button = image.closest(".thumb");
  if (!image.getAttribute("src")) return;
  button.classList.add("bad");
  try {
    await get(`scenes/${button.dataset.id}.json`);  // throws the reason
    button.classList.remove("bad");
    setTimeout(() => (image.src = image.src), 1000);  // the server was busy
  } catch (error) {
    button.title = error.message;
    if (error.status === 410) refresh();  // the server was restarted
  }
}, true);

// ---- taking and breeding -------------------------------------------------------------------------

thumbs.addEventListener("click", async (event) => {
  const button = event.target.closest(".thumb");
  if (!button) return;
  if (event.shiftKey) return toggleParent(button.dataset.id);
  try {
    await takeNamed(button.dataset.id, button.title, "wall");
    button.setAttribute("aria-current", "true");
  } catch (error) {
    note(error.message, true);
  }
});

// A long press selects a parent, for devices without a Shift key.
let press = 0;
thumbs.addEventListener("pointerdown", (event) => {
  const button = event.target.closest(".thumb");
  if (event.pointerType !== "touch" || !button) return;
  press = setTimeout(() => {
    toggleParent(button.dataset.id);
    thumbs.addEventListener("click", (click) => click.stopImmediatePropagation(), { capture: true, once: true });
  }, 500);
});
for (const name of ["pointerup", "pointercancel", "pointermove"]) thumbs.addEventListener(name, () => clearTimeout(press));
thumbs.addEventListener("contextmenu", (event) => event.preventDefault());

function toggleParent(id) {
  parents = parents.includes(id) ? parents.filter((other) => other !== id) : [...parents, id].slice(-16);
  mark();
}

function mark() {
  for (const button of thumbs.querySelectorAll(".thumb")) {
    const place = parents.indexOf(button.dataset.id);
    button.classList.toggle("parent", place >= 0);
    button.dataset.parent = place + 1;
    if (state.by !== "wall") button.removeAttribute("aria-current");
  }
  $("breeding").hidden = parents.length === 0;
  $("breeding").querySelector("span").textContent = parents.length === 1
    ? "1 parent, and the picture" : `${parents.length} parents`;
}

/** Show the children of the selected parents; a single one is paired with the current scene. */
export function breed() {
  if (!parents.length) return;
  family = parents.length === 1 ? [state.scene.id, ...parents] : parents;
  parents = [];
  show("children");
  mark();
}
$("breed").addEventListener("click", breed);
$("clear").addEventListener("click", () => {
  parents = [];
  mark();
});

// ---- keys ----------------------------------------------------------------------------------------

thumbs.addEventListener("keydown", (event) => {
  const all = [...thumbs.querySelectorAll(".thumb")];
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    return toggleParent(all[at].dataset.id);
  }
  const columns = getComputedStyle(thumbs).gridTemplateColumns.split(" ").length;
  const way = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: all.length - 1 - at }[event.key];
  if (way === undefined) return;
  event.preventDefault();
  const next = all[at + way];
  next?.focus();
  if (at + way > all.length - 2 * columns) load();
});

/** Focus the wall. */
export const focus = () => (thumbs.querySelector('.thumb[aria-current="true"]') ?? thumbs.querySelector(".thumb"))?.focus();

// ---- following the scene -------------------------------------------------------------------------

let settled = 0;
state.addEventListener("scene", () => {
  thumbs.style.setProperty("--ratio", `${state.scene.canvas.width} / ${state.scene.canvas.height}`);
  for (const button of thumbs.querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
});
state.addEventListener("steps", () => {
  // A wall that follows moves on with what was taken; others stay until something else changes.
  clearTimeout(settled);
  if (kind === "children" || (state.by === "wall" && !row().evolves)) return;
  settled = setTimeout(base ? refresh : restart, base ? 150 : 0);
});
show("seeds");
