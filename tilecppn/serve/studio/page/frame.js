// The frame: the canvas as a draggable rectangle of pixels, [left, top, width, height].

import { isFolded, toPlane } from "./plane.js";

/** Whether the frame can be dragged: not if it is part of a larger whole, or stretched. */
const isFree = ({ canvas, values }) =>
  values.view.aspect === "preserve" && canvas.origin.every((value) => value === 0)
  && canvas.whole[0] === canvas.width && canvas.whole[1] === canvas.height;

/** The frame's edges at a place on the screen: [-1, 0 or 1 across, the same down], or null. */
export function grab(camera, scene, place, reach) {
  if (!isFree(scene)) return null;
  const { width, height } = scene.canvas;
  const pixel = camera.toPixel(place);
  const near = [width, height].map((side, i) => {
    const inside = pixel[i] * camera.zoom > -reach && (pixel[i] - side) * camera.zoom < reach;
    const from = Math.abs(pixel[i]) * camera.zoom, to = Math.abs(pixel[i] - side) * camera.zoom;
    return !inside ? NaN : Math.min(from, to) > reach ? 0 : from < to ? -1 : 1;
  });
  return near.some(Number.isNaN) || near.every((edge) => edge === 0) ? null : near;
}

/** The mouse cursor for the direction in which an edge can be dragged. */
export function cursor(edges, camera) {
  if (!edges) return "";
  const names = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];
  const angle = Math.atan2(edges[1], edges[0]) * 180 / Math.PI + camera.turn;
  return names[((Math.round(angle / 45) % 4) + 4) % 4];
}

/** The rectangle after dragging to a pixel; with `keep` its aspect ratio stays. */
export function stretched({ grabbed, rectangle }, pixel, scene, keep) {
  const { width, height } = scene.canvas;
  const both = isFolded(scene);  // a folded picture stays centred
  const spans = [width, height].map((side, i) => {
    const edge = grabbed[i];
    if (edge === 0) return [0, side];
    const to = Math.round(edge < 0 ? Math.min(pixel[i], side - 16) : Math.max(pixel[i], 16));
    return edge < 0 ? [to, both ? side - to : side] : [both ? side - to : 0, to];
  });
  const sides = spans.map(([from, to]) => Math.max(16, to - from));
  if (keep) {
    const times = grabbed[0] ? sides[0] / width : sides[1] / height;
    const kept = [Math.round(width * times), Math.round(height * times)];
    return [...kept.map((side, i) => Math.round(grabbed[i] < 0 ? spans[i][1] - side : grabbed[i] > 0 ? spans[i][0] : (rectangle[i + 2] - side) / 2)), ...kept];
  }
  return [spans[0][0], spans[1][0], ...sides];
}

/** The changes that make a rectangle the canvas, without moving its pixels on the plane. */
export function framed(scene, [left, top, width, height]) {
  const { canvas, grid, values } = scene;
  if (width === canvas.width && height === canvas.height && left === 0 && top === 0) return null;
  const less = values.view.grid === "endpoints" ? 1 : 0;
  const changes = {
    canvas: { width, height },
    view: { scale: grid.step[0] * Math.max(1, Math.min(width, height) - less) / 2 },
  };
  if (!isFolded(scene)) changes.view.center = toPlane(grid, [left + width / 2, top + height / 2]);
  return changes;
}
