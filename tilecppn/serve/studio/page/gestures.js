// Touch, mouse, wheel and arrow keys on the picture.

import { camera, frame, frameTo, isOnLine, moveBy, moveLine, outline, straighten, zoomBy } from "./canvas.js";
import { byId } from "./element.js";
import { cursor, grab, shapeOf, stretched } from "./frame.js";
import { attempt, note } from "./note.js";
import { current, state } from "./state.js";

const view = byId("view", HTMLCanvasElement);

// ---- pointers ------------------------------------------------------------------------------------

/** @type {Map<number, Point>} */
const pointers = new Map();
/** @type {{ grabbed: Point, rectangle: Rectangle } | null} */
let edges = null;  // the frame's edges being dragged, and its rectangle
let onLine = false;  // whether the line between two scenes is dragged
const ratio = () => view.width / view.clientWidth;  // device pixels per CSS pixel
/** @param {MouseEvent} event @returns {Point} */
const placeOf = (event) => {
  const box = view.getBoundingClientRect();
  return [(event.clientX - box.left) * ratio(), (event.clientY - box.top) * ratio()];
};
/** How far from a line a pointer may take hold of it, in device pixels.
 *
 * @param {PointerEvent} event */
const reach = (event) => (event.pointerType === "touch" ? 18 : 8) * ratio();
/** @param {PointerEvent} event */
const edgesAt = (event) => (state.scene ? grab(camera, state.scene, placeOf(event), reach(event)) : null);

view.addEventListener("pointerdown", (event) => {
  view.setPointerCapture(event.pointerId);
  const place = placeOf(event);
  pointers.set(event.pointerId, place);
  onLine = pointers.size === 1 && isOnLine(place, reach(event));
  const grabbed = pointers.size === 1 && !onLine ? edgesAt(event) : null;
  edges = grabbed && { grabbed, rectangle: frame() };
});
view.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  const now = placeOf(event);
  if (!before) {
    if (event.pointerType !== "mouse") return;
    view.style.cursor = isOnLine(now, reach(event)) ? "ew-resize" : cursor(edgesAt(event), camera);
    return;
  }
  pointers.set(event.pointerId, now);
  if (onLine) return moveLine(now);
  if (edges) {
    edges.rectangle = stretched(edges.grabbed, camera.toPixel(now), current(), event.shiftKey);
    const [, , width, height] = edges.rectangle, shape = shapeOf(width, height);
    note(`${width.toLocaleString("en")} × ${height.toLocaleString("en")} px${shape ? `, ${shape.name}` : ""}`);
    return outline(edges.rectangle);
  }
  if (pointers.size === 1) moveBy(before[0] - now[0], before[1] - now[1]);
  if (pointers.size === 2) pinch(event.pointerId, before, now);
});
/** @param {PointerEvent} event */
function release(event) {
  if (pointers.size === 2) straighten();
  pointers.delete(event.pointerId);
  if (!edges) return;
  const { rectangle } = edges;
  edges = null;
  if (event.type === "pointerup") attempt(() => frameTo(rectangle));
  outline(null);
}
view.addEventListener("pointerup", release);
view.addEventListener("pointercancel", release);

/** Two fingers move, zoom and rotate at once.
 *
 * @param {number} moved the pointer @param {Point} before @param {Point} now */
function pinch(moved, before, now) {
  const [other] = [...pointers].filter(([id]) => id !== moved).map(([, place]) => place);
  /** @param {Point} place */
  const way = (place) => [place[0] - other[0], place[1] - other[1]];
  const [a, b] = [way(before), way(now)];
  zoomBy(Math.hypot(...b) / Math.max(1, Math.hypot(...a)), other);
  const angle = (Math.atan2(b[1], b[0]) - Math.atan2(a[1], a[0])) * 180 / Math.PI;
  camera.around(other, () => (camera.turn = (camera.turn + angle + 360) % 360));
}

view.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 24 : event.deltaMode === 2 ? 240 : 1;
  const amount = Math.max(-240, Math.min(240, event.deltaY * lines));
  zoomBy(2 ** (-amount / (event.ctrlKey ? 100 : 300)), placeOf(event));
}, { passive: false });
view.addEventListener("dblclick", (event) => zoomBy(event.shiftKey ? 0.5 : 2, placeOf(event)));

/** @type {Record<string, Point>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
view.addEventListener("keydown", (event) => {
  const way = WAYS[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || !way) return;
  event.preventDefault();
  const step = (event.shiftKey ? 240 : 60) * ratio();
  moveBy(way[0] * step, way[1] * step);
});
