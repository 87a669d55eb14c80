// The frame: the canvas as a draggable rectangle of pixels, [left, top, width, height].

import { Camera, isFolded, pair, toPlane } from "./plane.js";

/** The edges that are dragged: -1, 0 or 1 across, the same down.
 *
 * @typedef {Point} Edges */

/** Aspect ratios of pictures and of paper, width : height. */
export const SHAPES = { "1 : 1": 1, "5 : 4": 5 / 4, "4 : 3": 4 / 3, "3 : 2": 3 / 2, "A4": Math.SQRT2, "16 : 9": 16 / 9, "2 : 1": 2 };
const NEAR = 0.01;  // part of a side by which a dragged frame may miss an aspect ratio that it takes on

/** The aspect ratio of a rectangle if it is nearly one of these or upright, and its name.
 *
 * @param {number} width @param {number} height */
export function shapeOf(width, height) {
  const long = Math.max(width, height) / Math.min(width, height);
  const found = Object.entries(SHAPES).find(([, aspect]) => Math.abs(long / aspect - 1) < NEAR);
  return found && { name: found[0], aspect: width < height ? 1 / found[1] : found[1] };
}

/** Whether the frame can be dragged: not if it is part of a larger whole, or stretched.
 *
 * @param {Scene} scene */
const isFree = ({ canvas, values }) =>
  values.view.aspect === "preserve" && canvas.origin.every((value) => value === 0)
  && canvas.whole[0] === canvas.width && canvas.whole[1] === canvas.height;

/** The frame's edges at a place on the screen, or null.
 *
 * @param {Camera} camera @param {Scene} scene @param {Point} place @param {number} reach in device pixels
 * @returns {Edges | null} */
export function grab(camera, scene, place, reach) {
  if (!isFree(scene)) return null;
  const { canvas } = scene, sides = [canvas.width, canvas.height];
  const pixel = camera.toPixel(place);
  const near = pair((i) => {
    const side = sides[i];
    const inside = pixel[i] * camera.zoom > -reach && (pixel[i] - side) * camera.zoom < reach;
    const from = Math.abs(pixel[i]) * camera.zoom, to = Math.abs(pixel[i] - side) * camera.zoom;
    return !inside ? NaN : Math.min(from, to) > reach ? 0 : from < to ? -1 : 1;
  });
  return near.some(Number.isNaN) || near.every((edge) => edge === 0) ? null : near;
}

/** The mouse cursor for the direction in which an edge can be dragged.
 *
 * @param {Edges | null} edges @param {Camera} camera */
export function cursor(edges, camera) {
  if (!edges) return "";
  const names = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];
  const angle = Math.atan2(edges[1], edges[0]) * 180 / Math.PI + camera.turn;
  return names[((Math.round(angle / 45) % 4) + 4) % 4];
}

/** The rectangle after dragging to a pixel; with `keep` its aspect ratio stays, else it takes on one of SHAPES
 * when it comes near.
 *
 * @param {Edges} grabbed @param {Point} pixel @param {Scene} scene @param {boolean} keep @returns {Rectangle} */
export function stretched(grabbed, pixel, scene, keep) {
  const { width, height } = scene.canvas, old = [width, height];
  const both = isFolded(scene);  // a folded picture stays centred
  /** @type {Bounds} */
  const spans = pair((i) => {
    const edge = grabbed[i], side = old[i];
    if (edge === 0) return [0, side];
    const to = Math.round(edge < 0 ? Math.min(pixel[i], side - 16) : Math.max(pixel[i], 16));
    return edge < 0 ? [to, both ? side - to : side] : [both ? side - to : 0, to];
  });
  const sides = pair((i) => Math.max(16, spans[i][1] - spans[i][0]));
  const aspect = keep ? width / height : shapeOf(...sides)?.aspect;
  if (!aspect) return [spans[0][0], spans[1][0], ...sides];
  const across = grabbed[0] !== 0;  // the width decides with `keep`, else the side that is not dragged
  const kept = across === keep ? [sides[0], Math.round(sides[0] / aspect)] : [Math.round(sides[1] * aspect), sides[1]];
  const [left, top] = pair((i) => Math.round(
    both || grabbed[i] === 0 ? (old[i] - kept[i]) / 2 : grabbed[i] < 0 ? spans[i][1] - kept[i] : spans[i][0]));
  return [left, top, kept[0], kept[1]];
}

/** The changes that make a rectangle the canvas, without moving its pixels on the plane; null for none.
 *
 * @param {Scene} scene @param {Rectangle} rectangle */
export function framed(scene, [left, top, width, height]) {
  const { canvas, grid, values } = scene;
  if (width === canvas.width && height === canvas.height && left === 0 && top === 0) return null;
  const less = values.view.grid === "endpoints" ? 1 : 0;
  /** @type {Changes} */
  const changes = {
    canvas: { width, height },
    view: { scale: grid.step[0] * Math.max(1, Math.min(width, height) - less) / 2 },
  };
  if (!isFolded(scene)) changes.view.center = toPlane(grid, [left + width / 2, top + height / 2]);
  return changes;
}
