// The picture: the endless plane around the canvas, to be moved, zoomed and rotated.

import { get } from "./api.js";
import { byId, contextOf } from "./element.js";
import { framed } from "./frame.js";
import { attempt } from "./note.js";
import { Camera, isFolded, pair, toPlane } from "./plane.js";
import { change, current, isChanging, parentStep, pace, state } from "./state.js";
import { addresses, coarseLevel, KINDS, levelFor, range, SIDES, Tiles } from "./tiles.js";

const view = byId("view", HTMLCanvasElement);
const context = contextOf(view);
const split = byId("split", HTMLInputElement);
const sheet = document.createElement("canvas");  // visible tiles assembled at their own size
const mosaic = document.createElement("canvas");  // those of one level
const old = document.createElement("canvas");    // the previous scene, until the new one appears
export const camera = new Camera();
export const tiles = new Tiles();
let ratio = 1;            // device pixels per CSS pixel
/** @type {{ corner: Point, size: Point } | null} */
let oldPlace = null;      // where `old` lies, in pixels
let thirds = false;
let drawn = 0;            // the requested animation frame
let soon = 0;             // the timer until one is requested
/** @type {string[]} */
let first = [];           // addresses of missing tiles that are worth drawing once all of them are there
/** @type {(() => void)[]} */
const shownAt = [];       // callbacks for when part of the scene is visible
/** @type {(() => void)[]} */
const completeAt = [];    // callbacks for when all of it is visible
let fitted = true;        // whether the whole canvas should stay visible

/** The canvas of a scene.
 *
 * @returns {Rectangle} */
export function frame(scene = current()) {
  const { width, height, origin } = scene.canvas;
  return [origin[1], origin[0], width, height];
}

// ---- drawing -------------------------------------------------------------------------------------

function redraw() {
  drawn ||= requestAnimationFrame(draw);
}

function draw() {
  clearTimeout(soon);
  drawn = soon = 0;
  if (!state.scene) return;
  const seen = inSight(state.scene), { own, left } = seen;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  if (oldPlace && !own.covered) place(old, oldPlace.corner, oldPlace.size, camera);
  else oldPlace = null;
  layer(own);
  if (left) drawLeft(left);
  drawFrame();
  if (!own.rough) {
    tell(shownAt);
    view.dataset.begun = own.scene.id;
  }
  const complete = own.complete && (left?.complete ?? true);
  if (complete) tell(completeAt);
  view.dataset.complete = complete ? own.scene.id : "";
  byId("scale").textContent = percent(camera.zoom);
  if (own.rough || !isChanging()) ask(seen);
}

/** What is in sight of a scene, and of the one compared with it.
 *
 * @param {Scene} scene */
function inSight(scene) {
  resize();
  return { own: needed(scene, camera), left: compared && needed(compared, cameraOf(compared)) };
}

/** Ask for the tiles that are missing.
 *
 * @param {ReturnType<typeof inSight>} seen */
function ask({ own, left }) {
  first = [...own.first, ...(left?.first ?? [])];
  tiles.want([...own.next, ...(left?.next ?? [])]);
}

/** What is in sight of a scene from a camera: the level, the tiles to ask for next, those of them that are
 * worth drawing as soon as they are there, and how much is there.
 *
 * Glimpses of the canvas and then all of it come before what is around it.
 *
 * @param {Scene} scene @param {Camera} from */
function needed(scene, from) {
  const { id, levels } = scene;
  const level = levelFor(from.zoom, levels), coarse = coarseLevel(level, levels);
  const sight = from.bounds(), canvas = overlap(sight, frame(scene));
  /** @param {Bounds} bounds */
  const glimpses = (bounds) => (coarse > level ? addresses("glimpses", id, coarse, bounds) : []);
  /** @param {Bounds} bounds */
  const tilesOf = (bounds) => addresses("tiles", id, level, bounds);
  const stages = [...(canvas ? [glimpses(canvas), tilesOf(canvas)] : [[], []]), glimpses(sight), tilesOf(sight)];
  const there = stages.map((stage) => stage.every((address) => tiles.has(address)));
  const complete = there[0] && there[1];
  return {
    scene, from, level, complete, coarse: stages[0], rough: !there[0], covered: there[0] && there[2],
    first: stages[there.indexOf(false)] ?? [], next: stages.slice(complete ? 2 : 0, complete ? 4 : 2).flat(),
  };
}

/** The visible part of a rectangle, as ranges of x and y; null for nothing.
 *
 * @param {Bounds} sight @param {Rectangle} rectangle */
function overlap(sight, rectangle) {
  /** @type {Bounds} */
  const found = pair((i) => [Math.max(rectangle[i], sight[i][0]), Math.min(rectangle[i] + rectangle[i + 2], sight[i][1])]);
  return found.every(([from, to]) => from < to) ? found : null;
}

/** Draw all tiles of a scene that are available, coarse ones below fine ones.
 *
 * @param {ReturnType<typeof needed>} seen */
function layer({ scene: { id, levels }, level, from }) {
  const sight = from.bounds();
  const [[left, right], [top, bottom]] = range("tiles", level, sight);
  const side = SIDES.tiles, size = side * 2 ** level;
  sheet.width = (right - left + 1) * side;
  sheet.height = (bottom - top + 1) * side;
  const flat = contextOf(sheet);
  for (let above = Math.min(levels[1], level + 6); above >= level; above--) {
    for (const kind of KINDS) {
      const wide = SIDES[kind], scale = 2 ** (above - level);
      const [[first, last], [highest, lowest]] = range(kind, above, sight);
      const found = [];
      for (let row = highest; row <= lowest; row++) {
        for (let col = first; col <= last; col++) {
          const bitmap = tiles.get(`${kind}/${id}/${above}/${col}_${row}`);
          if (bitmap) found.push({ bitmap, x: (col - first) * wide, y: (row - highest) * wide });
        }
      }
      if (!found.length) continue;
      // Enlarged as one, neighbours blend into each other.
      mosaic.width = (last - first + 1) * wide;
      mosaic.height = (lowest - highest + 1) * wide;
      for (const { bitmap, x, y } of found) contextOf(mosaic).drawImage(bitmap, x, y, wide, wide);
      flat.drawImage(mosaic, first * wide * scale - left * side, highest * wide * scale - top * side,
        mosaic.width * scale, mosaic.height * scale);
    }
  }
  place(sheet, [left * size, top * size], [(right - left + 1) * size, (bottom - top + 1) * size], from);
}

/** Draw an image with its corner at a pixel, and a size in pixels.
 *
 * @param {HTMLCanvasElement} image @param {Point} corner @param {Point} size @param {Camera} from */
function place(image, corner, size, from) {
  const [c, s] = from.axis, zoom = from.zoom;
  const [x, y] = from.toScreen(corner);
  const turned = Math.abs(c) > 1e-9 && Math.abs(s) > 1e-9;
  const exact = !turned && Math.abs(zoom * size[0] / image.width - 1) < 1e-9;
  const [px, py] = exact ? [Math.round(x), Math.round(y)] : [x, y];
  context.imageSmoothingQuality = "high";
  context.setTransform(c * zoom, s * zoom, -s * zoom, c * zoom, px, py);
  context.drawImage(image, 0, 0, ...size);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

// ---- two scenes side by side ---------------------------------------------------------------------

/** @type {Scene | null} */
let compared = null;  // the scene left of the line

/** The camera that shows another scene's canvas in the place of this one's.
 *
 * @param {Scene} scene */
function cameraOf(scene) {
  const other = Object.assign(new Camera(), { turn: camera.turn, width: camera.width, height: camera.height });
  const [left, top, width, height] = frame();
  const times = scene.canvas.width / width, [row, col] = scene.canvas.origin;
  other.zoom = camera.zoom / times;
  other.center = [
    (camera.center[0] - left - width / 2) * times + col + scene.canvas.width / 2,
    (camera.center[1] - top - height / 2) * times + row + scene.canvas.height / 2,
  ];
  return other;
}

/** Draw another scene left of the line.
 *
 * @param {ReturnType<typeof needed>} seen */
function drawLeft(seen) {
  const at = Math.round(view.width * Number(split.value));
  context.save();
  context.beginPath();
  context.rect(0, 0, at, view.height);
  context.clip();
  context.clearRect(0, 0, at, view.height);
  layer(seen);
  context.restore();
  context.fillStyle = "rgba(0, 0, 0, 0.5)";
  context.fillRect(at - 1.5 * ratio, 0, 3 * ratio, view.height);
  context.fillStyle = "#fff";
  context.fillRect(at - 0.5 * ratio, 0, ratio, view.height);
}

/** Compare with the previous scene; a second call stops comparing. */
export async function compare() {
  const parent = parentStep();
  compared = compared || !parent ? null : await get(`scenes/${parent.id}.json`);
  split.hidden = !compared;
  byId("compare").setAttribute("aria-pressed", `${Boolean(compared)}`);
  redraw();
  if (compared) split.focus();
}
split.addEventListener("input", redraw);

/** Whether the line between two scenes is near a place on the screen.
 *
 * @param {Point} place @param {number} reach in device pixels */
export const isOnLine = ([x], reach) => compared !== null && Math.abs(x - view.width * Number(split.value)) < reach;

/** Move that line to a place on the screen.
 *
 * @param {Point} place */
export function moveLine([x]) {
  split.value = `${x / view.width}`;
  split.focus();  // arrows go on from there
  redraw();
}

function drawFrame() {
  const [left, top, width, height] = outlined ?? becoming ?? frame();
  const path = new Path2D();
  path.moveTo(...camera.toScreen([left, top]));
  path.lineTo(...camera.toScreen([left + width, top]));
  path.lineTo(...camera.toScreen([left + width, top + height]));
  path.lineTo(...camera.toScreen([left, top + height]));
  path.closePath();
  const around = new Path2D(path);
  around.rect(0, 0, view.width, view.height);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  context.fillStyle = dark ? "rgba(14, 14, 16, 0.8)" : "rgba(222, 222, 226, 0.84)";
  context.fill(around, "evenodd");
  context.lineWidth = ratio;
  context.strokeStyle = dark ? "rgba(255, 255, 255, 0.28)" : "rgba(0, 0, 0, 0.35)";
  context.stroke(path);
  if (!thirds) return;
  context.beginPath();
  for (const part of [1 / 3, 2 / 3]) {
    context.moveTo(...camera.toScreen([left + part * width, top]));
    context.lineTo(...camera.toScreen([left + part * width, top + height]));
    context.moveTo(...camera.toScreen([left, top + part * height]));
    context.lineTo(...camera.toScreen([left + width, top + part * height]));
  }
  for (const [style, wide] of /** @type {[string, number][]} */ ([["rgba(0, 0, 0, 0.45)", 3], ["rgba(255, 255, 255, 0.8)", 1]])) {
    context.strokeStyle = style;
    context.lineWidth = wide * ratio;
    context.stroke();
  }
}

/** @param {number} zoom */
function percent(zoom) {
  const value = 100 * zoom;
  return value >= 1e5 ? `${(value / 100).toExponential(0)} ×` : `${Number(value.toPrecision(value < 100 ? 2 : 3))} %`;
}

function resize() {
  ratio = Math.min(devicePixelRatio || 1, 2);
  const width = Math.round(view.clientWidth * ratio), height = Math.round(view.clientHeight * ratio);
  if (view.width === width && view.height === height) return;
  view.width = camera.width = width;
  view.height = camera.height = height;
  if (fitted) fit();
}

/** Keep the picture on the screen until part of the new scene is visible. */
function keepOld() {
  if (!view.width || !view.height) return;
  oldPlace = null;
  if (camera.turn % 360) return;
  const [across, down] = camera.bounds();
  old.width = view.width;
  old.height = view.height;
  contextOf(old).drawImage(view, 0, 0);
  oldPlace = { corner: [across[0], down[0]], size: [across[1] - across[0], down[1] - down[0]] };
}

/** @param {(() => void)[]} list @param {number} most in milliseconds @returns {Promise<void>} */
const waiting = (list, most) => new Promise((resolve) => {
  list.push(resolve);
  setTimeout(resolve, most);
});

/** @param {(() => void)[]} list */
const tell = (list) => list.splice(0).forEach((resolve) => resolve());

/** Resolves when part of the scene is on the screen, or after a moment. */
pace.shown = () => waiting(shownAt, 250);

pace.begin = () => {
  tiles.want([]);  // drawing them would only delay the change
  return needed(current(), camera).coarse.map((address) => address.replace(/.*?\/.*?\//, ""));
};

pace.keep = (scene, glimpses) => Promise.all(Object.entries(glimpses).map(([place, png]) =>
  tiles.arrive(`glimpses/${scene}/${place}`, Uint8Array.from(atob(png), (c) => c.charCodeAt(0)))));

/** Resolves when all of the picture is on the screen, or after a while. */
export const complete = async () => view.dataset.complete === state.scene?.id || waiting(completeAt, 1500);

// ---- moving --------------------------------------------------------------------------------------

/** Show the whole canvas and some of its surroundings. */
export function fit() {
  if (!state.scene) return;
  const [left, top, width, height] = frame();
  camera.center = [left + width / 2, top + height / 2];
  camera.turn = 0;
  const edge = 24 * ratio, below = 64 * ratio;
  camera.zoom = Math.max(1e-9, Math.min(
    (camera.width - 2 * edge) / width, (camera.height - 2 * edge - 2 * (below - edge)) / height));
  fitted = true;
  redraw();
}

/** @returns {Point} */
const middle = () => [camera.width / 2, camera.height / 2];

/** @param {number} factor */
export function zoomBy(factor, at = middle()) {
  if (!state.scene) return;
  const { levels } = state.scene;
  const least = 2 ** -(levels[1] - 1), most = 2 ** (-levels[0] + 1);
  camera.around(at, () => (camera.zoom = Math.min(most, Math.max(least, camera.zoom * factor))));
  fitted = false;
  redraw();
}

export function actualPixels() {
  zoomBy(1 / camera.zoom);
  const { center, width, height } = camera;
  camera.center = [Math.round(center[0]) + width % 2 / 2, Math.round(center[1]) + height % 2 / 2];
}

/** @param {number} degrees */
export function turnBy(degrees) {
  camera.turn = (camera.turn + degrees + 360) % 360;
  fitted = false;
  redraw();
}

/** Undo a small turn, since two fingers that zoom hardly stay parallel. */
export function straighten() {
  const turn = (camera.turn + 45) % 90 - 45;
  if (Math.abs(turn) < 8) turnBy(-turn);
}

/** @param {number} dx @param {number} dy */
export function moveBy(dx, dy) {
  camera.center = camera.toPixel([camera.width / 2 + dx, camera.height / 2 + dy]);
  fitted = false;
  redraw();
}

export function toggleThirds() {
  thirds = !thirds;
  byId("thirds").setAttribute("aria-pressed", `${thirds}`);
  redraw();
}

/** The [view] that puts the window's content into the canvas. */
function seenView() {
  const scene = current(), { grid, values, canvas } = scene;
  const zoom = Math.min(camera.width / canvas.whole[0], camera.height / canvas.whole[1]);
  const found = {
    scale: values.view.scale * zoom / camera.zoom,
    rotation: rounded(values.view.rotation - camera.turn),
  };
  // A folded picture is folded around its centre.
  return isFolded(scene) ? found : { ...found, center: toPlane(grid, camera.center) };
}

/** @param {number} degrees */
const rounded = (degrees) => Math.round(1e9 * (((degrees + 180) % 360 + 360) % 360 - 180)) / 1e9;

/** Make the window's content the picture. */
export async function frameSeen() {
  await change({ view: seenView() }, true, "frame", "framed what was seen");
  oldPlace = null;
  fit();
}

// ---- the frame -----------------------------------------------------------------------------------

/** @type {Rectangle | null} */
let becoming = null;  // the rectangle that is about to become the canvas
/** @type {Rectangle | null} */
let outlined = null;  // the rectangle that is outlined instead of the canvas

/** Outline another rectangle; null for the canvas.
 *
 * @param {Rectangle | null} rectangle */
export function outline(rectangle) {
  outlined = rectangle;
  redraw();
}

/** Make a rectangle of pixels the canvas, without moving the picture.
 *
 * @param {Rectangle} rectangle */
export async function frameTo(rectangle) {
  const changes = framed(current(), rectangle);
  if (!changes) return;
  becoming = rectangle;
  try {
    await change(changes, true, "frame", "framed by hand");
  } finally {
    becoming = null;
    redraw();
  }
}

/** Give the canvas an aspect ratio, width : height, about its centre and with about as many pixels.
 *
 * @param {number} aspect */
export function shape(aspect) {
  const [left, top, width, height] = frame();
  const wide = Math.round(Math.sqrt(width * height * aspect)), high = Math.round(wide / aspect);
  return frameTo([Math.round(left + (width - wide) / 2), Math.round(top + (height - high) / 2), wide, high]);
}

// ---- following the scene -------------------------------------------------------------------------

let last = "";  // the canvas shown before
state.addEventListener("scene", () => {
  const size = JSON.stringify(current().canvas);
  const same = size === last;
  if (same || becoming) keepOld();
  else oldPlace = null;
  if (becoming && !same) {
    // The corner changes, but the picture stays in place.
    const [left, top] = becoming;
    camera.center = [camera.center[0] - left, camera.center[1] - top];
    if (oldPlace) oldPlace.corner = [oldPlace.corner[0] - left, oldPlace.corner[1] - top];
    fitted = false;
    becoming = null;
  } else if (!same) {
    fitted = true;
  }
  last = size;
  resize();
  if (!same && fitted) fit();
  const seen = inSight(current());
  if (seen.own.rough) ask(seen);  // before the next frame
  redraw();
});
// Drawing takes longer than a tile takes to arrive, so several are drawn together.
tiles.addEventListener("tile", () => {
  if (first.every((address) => tiles.has(address))) redraw();
  else soon ||= setTimeout(redraw, 100);
});
new ResizeObserver(redraw).observe(view);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

for (const [id, run] of Object.entries({
  in: () => zoomBy(1.5), out: () => zoomBy(1 / 1.5), scale: actualPixels, home: fit,
  thirds: toggleThirds, compare, frame: frameSeen,
})) byId(id).addEventListener("click", () => attempt(run));
byId("turn").addEventListener("click", (event) => turnBy(event.shiftKey ? -15 : 15));
